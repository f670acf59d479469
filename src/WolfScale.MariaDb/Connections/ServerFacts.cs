using System.Collections.Immutable;
using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb.Connections;

/// <summary>A replication connection of the server, from SHOW ALL SLAVES STATUS.</summary>
/// <param name="Name">Connection name; empty for the default connection.</param>
/// <param name="Source">Host and port it replicates from.</param>
/// <param name="Runs">Whether its IO or SQL thread runs or tries to.</param>
/// <param name="Filters">Its replication filters as <c>Replicate_Do_DB=…</c>; empty without.</param>
public sealed record IncomingReplication(string Name, string Source, bool Runs, ImmutableArray<string> Filters);

/// <summary>What a server says about itself: everything preflight judges. Read in one go, on the administrative connection.</summary>
public sealed record ServerFacts
{
    /// <summary>The name of WolfScale's replication connection.</summary>
    public const string FeedConnection = "wolfscale";

    public required MariaDbVersion Version { get; init; }

    /// <summary>SHOW GLOBAL VARIABLES; names in lower case.</summary>
    public required ImmutableDictionary<string, string> Variables { get; init; }

    /// <summary>The <c>Rpl_semi_sync_master_*</c> status; names in lower case.</summary>
    public ImmutableDictionary<string, string> SemiSync { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// Global privileges of our account, in upper case; <c>ALL PRIVILEGES</c> stands for all. Null: the server was too busy to say (SHOW GRANTS waits for a
    /// blocked CREATE USER or GRANT).
    /// </summary>
    public ImmutableHashSet<string>? Privileges { get; init; } = [];

    /// <summary>The account as the server knows it, for example <c>`wolfscale`@`localhost`</c>.</summary>
    public string Account { get; init; } = "";

    public ImmutableArray<IncomingReplication> Replications { get; init; } = [];

    /// <summary>Binlog filters as <c>Binlog_Do_DB=…</c>. Null: the server was too busy to say (SHOW MASTER STATUS waits for blocked commits).</summary>
    public ImmutableArray<string>? BinlogFilters { get; init; } = [];

    /// <summary>Variables whose present value was set by SQL, so that it says nothing about the configuration file; in lower case.</summary>
    public ImmutableHashSet<string> SetAtRunTime { get; init; } = [];

    public uint ServerId => uint.TryParse(Variable("server_id"), CultureInfo.InvariantCulture, out var id) ? id : 0;

    public uint GtidDomainId => uint.TryParse(Variable("gtid_domain_id"), CultureInfo.InvariantCulture, out var id) ? id : 0;

    public int ExtraPort => int.TryParse(Variable("extra_port"), CultureInfo.InvariantCulture, out var port) ? port : 0;

    public int LowerCaseTableNames => int.TryParse(Variable("lower_case_table_names"), CultureInfo.InvariantCulture, out var value) ? value : 0;

    public bool LogBin => IsOn("log_bin");

    /// <summary>The server is configured to log and has turned that off by itself: see <see cref="Roles.UnloggedWrites"/>.</summary>
    public bool LoggingEnded { get; init; }

    /// <summary>Whether ordinary accounts may write. From MariaDB 12.0 read_only has named values; all but OFF refuse writes.</summary>
    public bool IsOpen => Variable("read_only").ToUpperInvariant() is "OFF" or "0" or "";

    /// <summary>Whether there is a schema of WolfScale's own, which a promotion makes.</summary>
    public bool HasOwnSchema { get; init; }

    /// <summary>Whether the server has been under WolfScale before: it was fed (its feed connection is configured) or led.</summary>
    public bool WasOurs => HasOwnSchema || Replications.Any(r => r.Name == FeedConnection);

    /// <summary>The variable's value, or "" where the server does not know it.</summary>
    public string Variable(string name) => Variables.GetValueOrDefault(name, "");

    public bool IsOn(string name) => Variable(name).ToUpperInvariant() is "ON" or "1" or "YES";

    /// <summary>What the other nodes must know of this server.</summary>
    internal DatabaseAnnouncement Announcement(EventKnowledge? events) => new(ServerId, Version.Text, LowerCaseTableNames, events);

    public bool WasSetAtRunTime(string name) => SetAtRunTime.Contains(name);

    public static async Task<ServerFacts> ReadAsync(AdminConnection server)
    {
        var variables = Pairs(await server.QueryAsync("SHOW GLOBAL VARIABLES"));
        var semiSync = Pairs(await server.QueryAsync("SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_master\\_%'"));
        var version = MariaDbVersion.Parse(variables.GetValueOrDefault("version", ""));
        var holdsCommits = semiSync.GetValueOrDefault("rpl_semi_sync_master_wait_sessions", "0") != "0";
        var account = await server.ScalarAsync("SELECT CURRENT_USER()") ?? "";
        var privileges = holdsCommits ? null : await ReadGrantsAsync(server);
        var facts = new ServerFacts { Version = version, Variables = variables, SemiSync = semiSync, Account = account, Privileges = privileges };
        return version.IsMariaDb
            ? facts with { HasOwnSchema = await HasOwnSchemaAsync(server), Replications = await ReadReplicationsAsync(server), BinlogFilters = await ReadBinlogFiltersAsync(server, facts), SetAtRunTime = await ReadOriginsAsync(server), LoggingEnded = facts.LogBin && !await BinaryLog.IsOnAsync(server) }
            : facts; // MySQL is refused by name; it does not know the rest.
    }

    private static ImmutableDictionary<string, string> Pairs(IReadOnlyList<Row> rows) =>
        rows.ToImmutableDictionary(r => r["Variable_name"].ToLowerInvariant(), r => r["Value"]);

    private static async Task<ImmutableHashSet<string>> ReadGrantsAsync(AdminConnection server)
    {
        var privileges = ImmutableHashSet.CreateBuilder<string>();
        foreach (var row in await server.QueryAsync("SHOW GRANTS"))
            privileges.UnionWith(GlobalPrivileges(row.First ?? ""));
        return privileges.ToImmutable();
    }

    /// <summary>The privileges of a line of SHOW GRANTS that is about <c>*.*</c>; none of other lines.</summary>
    internal static IEnumerable<string> GlobalPrivileges(string grant)
    {
        const string prefix = "GRANT ";
        var on = grant.IndexOf(" ON *.* TO ", StringComparison.Ordinal);
        return on < 0 || !grant.StartsWith(prefix, StringComparison.Ordinal)
            ? []
            : grant[prefix.Length..on].Split(',').Select(p => p.Trim().ToUpperInvariant());
    }

    private static async Task<bool> HasOwnSchemaAsync(AdminConnection server) =>
        await server.ScalarAsync($"SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{PrivilegeRules.OwnSchema}'") is not null;

    private static async Task<ImmutableArray<IncomingReplication>> ReadReplicationsAsync(AdminConnection server)
    {
        try
        {
            return [.. (await server.QueryAsync("SHOW ALL SLAVES STATUS")).Select(r => new IncomingReplication(
                r["Connection_name"],
                $"{r["Master_Host"]}:{r["Master_Port"]}",
                r["Slave_IO_Running"] != "No" || r["Slave_SQL_Running"] != "No",
                Filters(r, "Replicate_Do_DB", "Replicate_Ignore_DB", "Replicate_Do_Table", "Replicate_Ignore_Table",
                    "Replicate_Wild_Do_Table", "Replicate_Wild_Ignore_Table", "Replicate_Rewrite_DB",
                    "Replicate_Do_Domain_Ids", "Replicate_Ignore_Domain_Ids", "Replicate_Ignore_Server_Ids")))];
        }
        catch (MySqlException e) when (e.Number == ServerErrors.AccessDenied)
        {
            return []; // The missing privilege is reported as such.
        }
    }

    private static async Task<ImmutableArray<string>?> ReadBinlogFiltersAsync(AdminConnection server, ServerFacts facts)
    {
        // With two groups waiting for their ACK, SHOW MASTER STATUS waits with them (measured).
        if (!facts.LogBin)
            return [];
        if (facts.SemiSync.GetValueOrDefault("rpl_semi_sync_master_wait_sessions", "0") != "0")
            return null;
        try
        {
            return await server.QueryAsync("SHOW MASTER STATUS") is [var row, ..] ? Filters(row, "Binlog_Do_DB", "Binlog_Ignore_DB") : [];
        }
        catch (MySqlException e) when (e.Number == ServerErrors.AccessDenied)
        {
            return null;
        }
    }

    private static async Task<ImmutableHashSet<string>> ReadOriginsAsync(AdminConnection server) =>
        [.. (await server.QueryAsync("SELECT LOWER(VARIABLE_NAME) FROM information_schema.SYSTEM_VARIABLES WHERE GLOBAL_VALUE_ORIGIN='SQL'"))
            .Select(r => r.First ?? "")];

    private static ImmutableArray<string> Filters(Row row, params string[] names) =>
        [.. names.Where(n => row[n].Length > 0).Select(n => $"{n}={row[n]}")];
}
