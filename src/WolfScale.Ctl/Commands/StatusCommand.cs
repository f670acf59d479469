using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl status</c>: the local node, and exit code 1 with the reasons when it cannot serve.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "The local node: exit code 0 when it can serve, 1 with the reasons when it cannot");
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var answer = await endpoints.GetAsync("/status", cancellationToken);
        var (_, body) = await answer.Node.GetAnyAsync("/health", cancellationToken);
        var health = JsonSerializer.Deserialize(body, ApiJson.Default.HealthDocument)!;
        if (parsed.GetValue(CtlOptions.Json))
            Terminal.Line(answer.Body);
        else
            Print(answer.Read(ApiJson.Default.NodeReport), answer.Node.Address);
        foreach (var reason in health.Reasons)
            Terminal.Error(reason);
        return health.Healthy ? ExitCode.Done : ExitCode.Refused;
    }

    private static void Print(NodeReport node, Uri address)
    {
        Line("node", $"{node.Id} ({address})");
        Line("cluster", $"{node.ClusterName ?? "(no name)"}, mode {node.Mode}");
        Line("status", node.Reason is { } reason ? $"{node.Status}: {reason}" : node.Status);
        Line("role", node.Role);
        Line("leader", node.Leader ?? "none");
        Line("term", Text(node.Term));
        Line("LSN", Text(node.LastLsn));
        Line("commit LSN", Text(node.CommitLsn));
        Line("applied LSN", Text(node.AppliedLsn));
        Line("lag", node.LagEntries is { } lag ? string.Create(CultureInfo.InvariantCulture, $"{lag} entries, {node.LagSeconds ?? 0:0.0} s") : null);
        Line("maintenance", node.Maintenance ? "on: it keeps the lead away" : "off");
        Line("writes", node.AcceptsWrites ? "accepted" : "not accepted here");
        Line("MariaDB", node.Database switch
        {
            null => null,
            { Enabled: false } => "none (a witness)",
            { Up: false } down => "not reachable" + (down.Reason is { } why ? ": " + why : ""),
            { } up => $"{up.Version}, {up.Phase}" + (up.Reason is { } why ? ": " + why : ""),
        });
        Line("GTID position", node.Database?.GtidPosition);
        if (node.Discarded is { } discarded)
            Line("discarded", Text(discarded));
        Line("verified", node.Verified is { } verified ? ClusterTable.Describe(verified) : "never");
        Line("version", $"{node.Version}, process {Text(node.Pid)} since {node.StartedAt.ToString("O", CultureInfo.InvariantCulture)}");
        foreach (var alarm in node.Database?.Alarms ?? [])
            Line("alarm", alarm);
        foreach (var warning in node.Warnings)
            Line("warning", Warnings.Explain(warning));
    }

    private static void Line(string name, string? value) => Terminal.Line($"{name + ":",-15}{value ?? "-"}");

    private static string Text(DiscardedReport discarded)
    {
        var rolledBack = string.Create(CultureInfo.InvariantCulture, $"{discarded.RolledBack} rolled back on this MariaDB");
        return discarded.Transactions == 0
            ? rolledBack
            : string.Create(CultureInfo.InvariantCulture, $"{discarded.Transactions} transactions that may have been acknowledged, the last of them saved in {discarded.LastFile}; {rolledBack}");
    }

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);
}
