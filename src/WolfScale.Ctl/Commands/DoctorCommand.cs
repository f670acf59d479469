using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using WolfScale.Client.Doctor;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl doctor</c>: what is wrong now, and what would happen if each node died now.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan NodeLimit = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var command = new Command("doctor", "What is wrong now, what would happen if each node died now, and what to do; exit code 1 when something is wrong");
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var examined = await ExamineAsync(endpoints, parsed, cancellationToken);
        var findings = Findings.Of(examined);
        var report = new DoctorDocument(
            examined.Cluster.ClusterName, examined.Cluster.Leader, findings.All(f => f.Severity == DoctorSeverity.Remark), findings, Deaths.Foresee(examined));
        if (parsed.GetValue(CtlOptions.Json))
            Terminal.Line(JsonSerializer.Serialize(report, ApiJson.Readable.DoctorDocument));
        else
            Tell(report);
        return report.Healthy ? ExitCode.Done : ExitCode.Refused;
    }

    /// <summary>Asks the first node that answers for the cluster, the leader for its better knowledge of it, and every member for itself.</summary>
    private static async Task<Examined> ExamineAsync(Endpoints endpoints, ParseResult parsed, CancellationToken cancellationToken)
    {
        var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
        var silent = new Dictionary<string, string>(StringComparer.Ordinal);
        if (cluster.Leader is { } leader && leader != cluster.Node && endpoints.TryMember(cluster, leader, asked) is { } there)
            cluster = await TryAsync(there, "/cluster", ApiJson.Default.ClusterDocument, leader, silent, cancellationToken) ?? cluster;
        var statuses = await Task.WhenAll(cluster.Nodes.Select(async node =>
        {
            if (node.Id != cluster.Node && node.Api is null)
                return null; // its API is off, as it says
            var client = node.Api is { } api ? endpoints.At(new Uri($"{asked.Address.Scheme}://{api}")) : asked;
            return await TryAsync(client, "/status", ApiJson.Default.NodeReport, node.Id, silent, cancellationToken);
        }));
        return new Examined(cluster, [.. statuses.OfType<NodeReport>()], silent, Endpoints.TimingOf(parsed));
    }

    private static async Task<T?> TryAsync<T>(
        NodeClient node, string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string id, Dictionary<string, string> silent, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(NodeLimit);
        try
        {
            return await node.GetAsync(path, type, limit.Token);
        }
        catch (Exception e) when (e is RefusedException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            lock (silent)
                silent[id] = e is UnreachableException unreachable ? unreachable.Reason : e is OperationCanceledException ? "no answer within 3 s" : e.Message;
            return null;
        }
    }

    private static void Tell(DoctorDocument report)
    {
        Terminal.Line($"cluster {report.Cluster ?? "(no name)"}, leader {report.Leader ?? "none"}: {(report.Healthy ? "healthy" : "NOT healthy")}");
        foreach (var finding in report.Findings)
        {
            Terminal.Out.Write(new Text(finding.Severity.ToString().ToUpperInvariant(), StyleOf(finding.Severity)));
            Terminal.Line("  " + finding.What);
            Terminal.Line("    → " + finding.Do);
        }

        if (report.Deaths.IsEmpty)
            return;
        Terminal.Line("");
        var table = Terminal.Table("IF IT DIED NOW", "LEADER THEN", "WRITES WAIT", "IF FROZEN", "ACKNOWLEDGED WRITES AT RISK");
        foreach (var death in report.Deaths)
        {
            _ = table.AddRow(
                death.Node.EscapeMarkup(), Terminal.Cell(death.Leader ?? "nobody"), Seconds(death.SecondsWithoutWrites), Seconds(death.SecondsIfFrozen), (death.AtRisk ?? "none").EscapeMarkup());
        }

        Terminal.Out.Write(table);
        foreach (var advice in report.Deaths.Where(d => d.Do is not null).GroupBy(d => d.Do))
            Terminal.Line($"{string.Join(", ", advice.Select(d => d.Node))}: {advice.Key}");
    }

    private static string Seconds(double? seconds) => seconds switch
    {
        null => "[red]until somebody helps[/]",
        0 => "not at all",
        { } some => string.Create(CultureInfo.InvariantCulture, $"up to {some:0.0} s"),
    };

    private static Style StyleOf(DoctorSeverity severity) => severity switch
    {
        DoctorSeverity.Critical => new Style(Color.Red, decoration: Decoration.Bold),
        DoctorSeverity.Warning => new Style(Color.Yellow),
        _ => Style.Plain,
    };
}
