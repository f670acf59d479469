using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace WolfScale.Ctl.Commands;

/// <summary>
/// <c>wolfctl status</c>: the local node, and exit code 1 with the reasons when it cannot serve. Answers are read field by field: a serializer for all that a <see cref="NodeReport"/> holds is hundreds of methods, which would be
/// compiled at run time and take longer than all the rest; scripts and prompts call this often.
/// </summary>
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
        using var health = new Answer(answer.Node, body).Parse();
        if (parsed.GetValue(CtlOptions.Json))
            Terminal.Line(answer.Body);
        else
            Print(answer);
        foreach (var reason in Texts(health.RootElement, "reasons"))
            Terminal.Error(reason);
        return Flag(health.RootElement, "healthy") ? ExitCode.Done : ExitCode.Refused;
    }

    private static void Print(Answer answer)
    {
        using var document = answer.Parse();
        var node = document.RootElement;
        Line("node", $"{Text(node, "id")} ({answer.Node.Address})");
        Line("cluster", $"{Text(node, "cluster_name") ?? "(no name)"}, mode {Text(node, "mode")}");
        Line("status", WithReason(Text(node, "status"), node));
        Line("role", Text(node, "role"));
        Line("leader", Text(node, "leader") ?? "none");
        Line("term", Text(node, "term"));
        Line("LSN", Text(node, "last_lsn"));
        Line("commit LSN", Text(node, "commit_lsn"));
        Line("applied LSN", Text(node, "applied_lsn"));
        Line("lag", Text(node, "lag_entries") is { } lag ? string.Create(CultureInfo.InvariantCulture, $"{lag} entries, {Number(node, "lag_seconds") ?? 0:0.0} s") : null);
        Line("maintenance", Flag(node, "maintenance") ? "on: it keeps the lead away" : "off");
        Line("writes", Flag(node, "accepts_writes") ? "accepted" : "not accepted here");
        var database = Find(node, "database");
        Line("MariaDB", database is not { } known ? null
            : !Flag(known, "enabled") ? "none (a witness)"
            : Flag(known, "up") ? WithReason($"{Text(known, "version")}, {Text(known, "phase")}", known)
            : WithReason("not reachable", known));
        Line("GTID position", database is { } server ? Text(server, "gtid_position") : null);
        if (Find(node, "discarded")?.Deserialize(ApiJson.Default.DiscardedReport) is { } discarded)
            Line("discarded", Describe(discarded));
        Line("verified", Find(node, "verified")?.Deserialize(ApiJson.Default.VerifiedDocument) is { } verified ? ClusterTable.Describe(verified) : "never");
        Line("version", $"{Text(node, "version")}, process {Text(node, "pid")} since {Find(node, "started_at")?.GetDateTimeOffset().ToString("O", CultureInfo.InvariantCulture)}");
        foreach (var alarm in database is { } alarmed ? Texts(alarmed, "alarms") : [])
            Line("alarm", alarm);
        foreach (var warning in Texts(node, "warnings"))
            Line("warning", Warnings.Explain(warning));
    }

    private static string? WithReason(string? what, JsonElement of) => Text(of, "reason") is { } reason ? $"{what}: {reason}" : what;

    /// <returns>Null where it is not there, or null.</returns>
    private static JsonElement? Find(JsonElement of, string field) => of.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Of a text or a number.</summary>
    private static string? Text(JsonElement of, string field) => Find(of, field)?.ToString();

    private static double? Number(JsonElement of, string field) => Find(of, field)?.GetDouble();

    private static bool Flag(JsonElement of, string field) => of.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.True;

    private static IEnumerable<string> Texts(JsonElement of, string field)
    {
        if (Find(of, field) is not { ValueKind: JsonValueKind.Array } list)
            yield break;
        for (var i = 0; i < list.GetArrayLength(); i++)
            yield return list[i].ToString();
    }

    private static void Line(string name, string? value) => Terminal.Line($"{name + ":",-15}{value ?? "-"}");

    private static string Describe(DiscardedReport discarded)
    {
        var rolledBack = string.Create(CultureInfo.InvariantCulture, $"{discarded.RolledBack} rolled back on this MariaDB");
        return discarded.Transactions == 0
            ? rolledBack
            : string.Create(CultureInfo.InvariantCulture, $"{discarded.Transactions} transactions that may have been acknowledged, the last of them saved in {discarded.LastFile}; {rolledBack}");
    }
}
