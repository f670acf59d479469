using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using WolfScale.Client.Verifying;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl verify</c>: are the nodes the same? Writes go on meanwhile.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var tables = new Option<string[]>("--tables") { Description = "Only these: SCHEMA.TABLE, or SCHEMA.* (default: all)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var rows = new Option<int>("--rows") { Description = "Rows that are summed up at a time", DefaultValueFactory = _ => 10_000 };
        var command = new Command("verify", "Proves that all nodes hold the same rows at the same LSN, without stopping writes; exit code 5: they do not") { tables, rows };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(tables)!, parsed.GetValue(rows), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string[] tables, int rows, CancellationToken cancellationToken)
    {
        if (rows is < 10 or > 1_000_000)
            throw new RefusedException("--rows takes a number from 10 to 1000000.", ExitCode.Invalid);
        using var endpoints = Endpoints.Open(parsed);
        var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
        var id = Guid.NewGuid().ToString("N");
        var leader = new VerifiedNode(cluster.Leader ?? "", id, endpoints.Leader(cluster, asked));
        var others = cluster.Nodes.Where(n => n.Id != cluster.Leader && n.Role != "WITNESS").ToList();
        if (others.Count == 0)
            throw new RefusedException("The cluster has one node with a server: there is nothing to compare it with.");
        var followers = others.Select(n => new VerifiedNode(n.Id, id, endpoints.Member(cluster, n.Id, asked))).ToList();
        var report = await new VerifyRun(leader, followers, rows, (table, done) => Terminal.Progress(string.Create(CultureInfo.InvariantCulture, $"{done} rows compared, now {table}")), TimeProvider.System)
            .RunAsync(tables.Length == 0 ? null : new Selection(tables), cancellationToken);
        Terminal.Progress(null);
        if (parsed.GetValue(CtlOptions.Json))
            Terminal.Line(JsonSerializer.Serialize(report, ApiJson.Readable.VerifyReport));
        else
            Tell(report);
        if (report.Differences.Length > 0)
            return ExitCode.Different;
        return report.Identical ? ExitCode.Done
            : throw new RefusedException("It is not proven that all nodes are identical: not everything could be compared, for the reasons above. Verify again.");
    }

    private static void Tell(VerifyReport report)
    {
        foreach (var difference in report.Differences)
            Terminal.Line($"{difference.Node} differs in {difference.Object}{Range(difference)}: {difference.Here}, and the leader: {difference.Leader}");
        foreach (var left in report.NotCompared)
            Terminal.Line($"not compared: {left.What}: {left.Why}");
        var nodes = string.Join(", ", report.Nodes);
        var what = string.Create(CultureInfo.InvariantCulture, $"{report.Tables} tables with {report.Rows} rows at LSN {report.Lsn} ({report.Gtid})");
        Terminal.Line(report.Identical
            ? $"{nodes} are identical: {what}."
            : report.Differences.Length == 0
            ? $"Nothing differs on {nodes} in what could be compared: {what}."
            : $"{nodes} are NOT identical: {report.Differences.Length} differences; {what} were compared. A node that differs is rebuilt with `wolfctl migrate` on it.");
    }

    private static string Range(VerifyDifference difference) => difference.Kind != "ROWS" ? "" : (difference.After, difference.UpTo) switch
    {
        (null, null) => "",
        (null, { } upTo) => $", keys up to {upTo}",
        ({ } after, null) => $", keys after {after}",
        var (after, upTo) => $", keys after {after} up to {upTo}",
    };
}
