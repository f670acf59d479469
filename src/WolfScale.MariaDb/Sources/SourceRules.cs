using System.Collections.Immutable;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Sources;

/// <summary>One thing that a source lacks.</summary>
/// <param name="Code">Stable, for scripts.</param>
/// <param name="IsError">Capture cannot work without it; otherwise it works, with a loss that the text names.</param>
/// <param name="What">What was found.</param>
/// <param name="Statement">SQL that mends it without a restart; null: there is none.</param>
/// <param name="ConfigurationLine">The line for the source's <c>[mariadbd]</c>; null: none is needed.</param>
public sealed record SourceFinding(string Code, bool IsError, string What, string? Statement = null, string? ConfigurationLine = null);

/// <summary>What a source must be like to be captured from. Pure.</summary>
public static class SourceRules
{
    /// <summary>WolfScale may use so many ids against the source, one after the other.</summary>
    public const int IdsUsed = 10;

    private const uint FirstProposed = 1001;

    public static ImmutableArray<SourceFinding> Check(BinlogSource source) => source.IsMariaDb ? [.. Log(source), .. Access(source)] :
        [new("version", true, $"The source is {source.Version}, and not MariaDB: its GTIDs and its binary log are others, which WolfScale does not read.")];

    /// <summary>The first of ten ids that nobody uses.</summary>
    public static uint ProposeServerId(IEnumerable<uint> inUse)
    {
        var used = inUse.ToHashSet();
        var first = FirstProposed;
        while (Enumerable.Range(0, IdsUsed).Any(i => used.Contains(first + (uint)i)))
            first += 1000;
        return first;
    }

    private static IEnumerable<SourceFinding> Log(BinlogSource source)
    {
        if (MariaDbVersion.Parse(source.Version).Number < MariaDbVersion.Oldest)
            yield return new("version", true, $"The source is MariaDB {source.Version}, and {MariaDbVersion.Oldest.ToString(2)} or later is needed.");
        if (!source.LogBin)
            yield return new("log_bin", true, "The source writes no binary log. That needs a restart of it.", ConfigurationLine: "log_bin = binlog");
        if (source.ServerId == 0)
            yield return new("server_id", true, "The source's server_id is 0: nobody can replicate from it.", "SET GLOBAL server_id = 1;", "server_id = 1");
        if (!source.Format.Equals("ROW", StringComparison.OrdinalIgnoreCase))
        {
            yield return new("binlog_format", source.Format.Equals("STATEMENT", StringComparison.OrdinalIgnoreCase), source.Format.Equals("STATEMENT", StringComparison.OrdinalIgnoreCase)
                ? "binlog_format=STATEMENT: statements whose result depends on order or time leave servers different."
                : $"binlog_format={source.Format}: some changes come as statements; ROW is safer.", "SET GLOBAL binlog_format = ROW;", "binlog_format = ROW");
        }

        if (source.RowImage is not ("" or "FULL"))
        {
            yield return new("binlog_row_image", false, $"binlog_row_image={source.RowImage}: changes do not hold whole rows, so a difference is found later and cannot be undone.",
                "SET GLOBAL binlog_row_image = FULL;", "binlog_row_image = FULL");
        }

        foreach (var filter in source.Filters)
            yield return new("binlog_filter", false, $"{filter}: what the source's binary log leaves out, nobody gets. Where that is not meant: take binlog_do_db and binlog_ignore_db out of its configuration and restart it.");
        if (source is { LogBin: true, GtidPosition: "" })
            yield return new("no_position", false, "The source's binary log holds no transaction yet: start_position is left empty, and capture begins with the first one.");
    }

    private static IEnumerable<SourceFinding> Access(BinlogSource source)
    {
        bool Has(params string[] names) => source.Privileges.Contains("ALL PRIVILEGES") || names.Any(source.Privileges.Contains);
        if (!Has("REPLICATION SLAVE", "REPLICATION REPLICA"))
            yield return new("privileges", true, $"{source.Account} may not read the binary log.", $"GRANT REPLICATION SLAVE ON *.* TO {source.Account};");
        if (!Has("BINLOG MONITOR", "REPLICATION CLIENT"))
            yield return new("privileges", false, $"{source.Account} may not ask where the binary log stands.", $"GRANT BINLOG MONITOR ON *.* TO {source.Account};");
        if (!source.KnowsReplicas)
            yield return new("replicas_unknown", false, "Which server_ids the source's replicas use could not be asked: make sure that the ten that are proposed are free.", $"GRANT REPLICATION MASTER ADMIN ON *.* TO {source.Account};");
    }
}
