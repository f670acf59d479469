using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>
/// What must stand in the configuration file, because the server has to come up with it: a restarted server must fail closed before
/// anyone looks after it. A value that was set at run time says nothing about the file, so only values that were not are judged.
/// </summary>
internal static class RestartRules
{
    /// <summary>Longest <c>rpl_semi_sync_master_timeout</c> there is, in milliseconds: for ever.</summary>
    public const string LongestTimeout = "18446744073709551615";

    public static IEnumerable<PreflightFinding> Check(ServerFacts facts, PreflightContext context)
    {
        foreach (var (name, value, otherwise) in Lines)
        {
            if (!facts.WasSetAtRunTime(name) && !IsAs(facts, name, value))
            {
                yield return new(name, FindingSeverity.Warning,
                    $"The configuration does not set {name} to {value}: {otherwise}.",
                    "Add the line to the configuration; WolfScale sets it at run time until the next restart.",
                    $"{name} = {value}");
            }
        }

        if (facts.ExtraPort == 0)
        {
            yield return new("extra_port", FindingSeverity.Warning,
                "There is no extra_port: writers that wait for the quorum can fill max_connections, and one connection is left as the way in.",
                "Add the lines and restart MariaDB; the port should be reachable from this machine only.",
                "extra_port = 3308\nextra_max_connections = 10");
        }
        else if (!context.ReachedByExtraPort)
        {
            yield return new("extra_port", FindingSeverity.Warning,
                $"The account {facts.Account} cannot log in through extra_port {facts.ExtraPort}, which is TCP on 127.0.0.1.",
                "Create the account for 127.0.0.1 as well, with the same privileges.");
        }

        if (context.FeedStartedItself)
        {
            yield return new("skip_slave_start", FindingSeverity.Warning,
                "The server started replication by itself when it came up, before its position was compared with the log.",
                "Add the line to the configuration.",
                "skip_slave_start = ON");
        }
    }

    internal static readonly (string Name, string Value, string Otherwise)[] Lines =
    [
        ("read_only", "ON", "a restarted server would take writes before it is in step"),
        ("sync_binlog", "1", "a crash of the machine can lose binlog that the engine has committed"),
        ("innodb_flush_log_at_trx_commit", "1", "a crash of the machine can lose commits"),
        ("rpl_semi_sync_master_enabled", "ON", "a restarted leader would commit without the quorum"),
        ("rpl_semi_sync_master_wait_point", "AFTER_SYNC", "others would see a commit before the quorum has it"),
        ("rpl_semi_sync_master_timeout", LongestTimeout, "the server would go on without the quorum after the timeout"),
    ];

    private static bool IsAs(ServerFacts facts, string name, string value) =>
        facts.Variable(name) is var found
        && (string.Equals(found, value, StringComparison.OrdinalIgnoreCase) || (value == "ON" && facts.IsOn(name)) || (name == "read_only" && !facts.IsOpen));
}
