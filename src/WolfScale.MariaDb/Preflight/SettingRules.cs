using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>Settings whose present value makes servers differ, or the server unable to lead.</summary>
internal static class SettingRules
{
    public static IEnumerable<PreflightFinding> Check(ServerFacts facts, PreflightContext context) =>
        CanLead(facts).Concat(StaysEqual(facts)).Concat(Format(facts, context));

    private static IEnumerable<PreflightFinding> CanLead(ServerFacts facts)
    {
        if (!facts.LogBin)
        {
            yield return new("log_bin", FindingSeverity.CannotLead,
                "log_bin is off: the server can follow and cannot lead.",
                "Add log_bin and log_slave_updates to its configuration and restart MariaDB.",
                "log_bin = binlog");
        }

        if (!facts.IsOn("log_slave_updates"))
        {
            yield return new("log_slave_updates", FindingSeverity.CannotLead,
                "log_slave_updates is off: the server's binlog would lack what it has applied, so it cannot lead.",
                "Add it to the configuration and restart MariaDB.",
                "log_slave_updates = ON");
        }
    }

    private static IEnumerable<PreflightFinding> StaysEqual(ServerFacts facts)
    {
        if (facts.Variable("slave_skip_errors") is not ("" or "OFF") and var skipped)
        {
            yield return new("slave_skip_errors", FindingSeverity.Refusal,
                $"slave_skip_errors={skipped}: the server would skip changes that fail, and differ from the others without a word.",
                "Remove slave_skip_errors from the configuration and restart MariaDB.",
                "slave_skip_errors = OFF");
        }

        if (MustBe(facts, "slave_exec_mode", "STRICT", "the applier would pass over rows that are missing or there twice") is { } mode)
            yield return mode;
        if (MustBe(facts, "replicate_events_marked_for_skip", "REPLICATE", "any client could keep its changes from this server with skip_replication") is { } marked)
            yield return marked;
        if (MustBe(facts, "slave_run_triggers_for_rbr", "NO", "triggers would run twice, on the leader and again here") is { } triggers)
            yield return triggers;
        if (MustBe(facts, "auto_increment_increment", "1", "there is one writer, and servers would number rows differently after a failover") is { } increment)
            yield return increment;
    }

    private static IEnumerable<PreflightFinding> Format(ServerFacts facts, PreflightContext context)
    {
        if (facts.Variable("binlog_format") == "STATEMENT" && !context.AllowStatementFormat)
        {
            yield return new("binlog_format", FindingSeverity.Refusal,
                "binlog_format=STATEMENT: statements whose result depends on order or time can leave servers different.",
                "Use ROW or MIXED.",
                "binlog_format = ROW",
                "SET GLOBAL binlog_format = ROW");
        }

        if (facts.Variable("binlog_row_image") is not ("" or "FULL") and var image)
        {
            yield return new("binlog_row_image", FindingSeverity.Warning,
                $"binlog_row_image={image}: transactions that a failed leader has alone cannot be undone in place; it then needs a copy of a peer's data.",
                "Set it to FULL.",
                "binlog_row_image = FULL",
                "SET GLOBAL binlog_row_image = FULL");
        }

        if (facts.IsOn("log_bin_compress"))
        {
            yield return new("log_bin_compress", FindingSeverity.Warning,
                "log_bin_compress=ON: transactions that a failed leader has alone cannot be undone in place; it then needs a copy of a peer's data.",
                "Set it to OFF: WolfScale compresses its own log.",
                "log_bin_compress = OFF",
                "SET GLOBAL log_bin_compress = OFF");
        }

        // Connecting as a replica reads the active binlog from its start: 166-249 ms at 189 MB (measured), and every promotion waits for it.
        if (long.TryParse(facts.Variable("max_binlog_size"), out var bytes) && bytes > 128 << 20 && facts.LogBin)
        {
            yield return new("max_binlog_size", FindingSeverity.Warning,
                $"max_binlog_size={bytes}: a promotion reads the active binlog from its start and takes longer the larger that is.",
                "Set it to 64M.",
                "max_binlog_size = 64M",
                "SET GLOBAL max_binlog_size = 67108864");
        }
    }

    private static PreflightFinding? MustBe(ServerFacts facts, string name, string wanted, string otherwise) =>
        facts.Variable(name) is var value && (value.Length == 0 || string.Equals(value, wanted, StringComparison.OrdinalIgnoreCase))
            ? null
            : new(name, FindingSeverity.Refusal,
                $"{name}={value}: {otherwise}.",
                $"Set it to {wanted}.",
                $"{name} = {wanted}",
                $"SET GLOBAL {name} = {wanted}");
}
