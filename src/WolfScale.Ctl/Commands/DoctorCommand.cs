using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using WolfScale.Client.Doctor;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl doctor</c>: what is wrong now, and what would happen if each node died now.</summary>
internal static class DoctorCommand
{
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
        if (cluster.Leader is { } leader && leader != cluster.Node && endpoints.TryMember(cluster, leader, asked) is { } there)
            cluster = (await Endpoints.TryAsync(there, "/cluster", ApiJson.Default.ClusterDocument, cancellationToken)).Answer ?? cluster;
        // A node without an address has its API off, as it says.
        var members = cluster.Nodes.Where(n => n.Api is not null || n.Id == cluster.Node).ToList();
        var clocks = new ConcurrentDictionary<string, (double, double)>(StringComparer.Ordinal);
        var heard = await Task.WhenAll(members.Select(async n =>
        {
            var began = TimeProvider.System.GetUtcNow();
            var answer = await Endpoints.TryAsync(n.Api is { } api ? endpoints.At(new Uri($"{asked.Address.Scheme}://{api}")) : asked, "/status", ApiJson.Default.NodeReport, cancellationToken);
            var half = (TimeProvider.System.GetUtcNow() - began) / 2;
            if (answer.Answer?.At is { } at)
                clocks[n.Id] = ((at - began - half).TotalSeconds, half.TotalSeconds);
            return answer;
        }));
        var silent = members.Zip(heard).Where(h => h.Second.Answer is null).ToDictionary(h => h.First.Id, h => h.Second.Silence ?? "", StringComparer.Ordinal);
        return new Examined(cluster, [.. heard.Select(h => h.Answer).OfType<NodeReport>()], silent, Endpoints.TimingOf(parsed)) { Clocks = clocks, Now = TimeProvider.System.GetUtcNow() };
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
