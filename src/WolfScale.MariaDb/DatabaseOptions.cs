namespace WolfScale.MariaDb;

/// <summary>Where the local MariaDB is, how to log in, and the limits the MariaDB side works within (configuration section <c>[database]</c>).</summary>
public sealed record DatabaseOptions
{
    /// <summary>This node's id: it names files and messages.</summary>
    public required string NodeId { get; init; }

    /// <summary>Folder <c>data</c> of the node: discarded transactions are saved here as <c>discarded-….binlog</c>.</summary>
    public required string DataDirectory { get; init; }

    public string Host { get; init; } = "localhost";

    public int Port { get; init; } = 3306;

    /// <summary>Unix socket; preferred over <see cref="Host"/> and <see cref="Port"/> where given.</summary>
    public string Socket { get; init; } = "";

    public string User { get; init; } = "wolfscale";

    public string Password { get; init; } = "";

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Host the local server reaches the feed under; empty: as the feed says.</summary>
    public string FeedAdvertiseHost { get; init; } = "";

    /// <summary>The user's explicit consent to <c>binlog_format=STATEMENT</c>, whose unsafe statements can make servers differ.</summary>
    public bool AllowStatementFormat { get; init; }

    /// <summary>
    /// Facts of the other members' servers as last heard, for what must be unique or equal within the cluster. Called often, from the
    /// controller's loop: it returns a snapshot and does not block.
    /// </summary>
    public Func<IReadOnlyCollection<PeerServer>> Peers { get; init; } = static () => [];

    /// <summary>
    /// Ends the proxy's sessions with the local server; the first step of a demotion. Must return quickly; the server's connections are
    /// killed afterwards in any case.
    /// </summary>
    public Func<CancellationToken, Task>? CutProxySessions { get; init; }

    /// <summary>Longest time an ordinary administrative statement may take before its connection is given up.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a follower's position is read.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How often the server's health is checked.</summary>
    public TimeSpan HealthInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A promotion without any progress for this long gives up and reports the node unfit (rule C4).</summary>
    public TimeSpan PromotionPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long capture may take to attach to the server during a promotion.</summary>
    public TimeSpan AttachPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the applier may wait for a lock of a local reader, while a promotion waits for the applier, before the reader is killed.</summary>
    public TimeSpan ReaderPatience { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// A follower that lags by more entries than this is not fit to lead (rule C4): what it still has to apply, clients would wait for. About as
    /// much as a server applies in half a second.
    /// </summary>
    public long MaxFitLagEntries { get; init; } = 1000;

    /// <summary>A follower that lags by more entries than this shows as LAGGING.</summary>
    public long MaxActiveLagEntries { get; init; } = 10_000;

    /// <summary>Largest tail, in bytes of binlog, that is undone in place; a larger one wants a re-seed.</summary>
    public long MaxRewindBytes { get; init; } = 256L << 20;

    /// <summary>A server that cannot rejoin in place gets a copy of another node's data without being asked (<c>cluster.auto_migrate</c>).</summary>
    public bool AutoMigrate { get; init; }

    /// <summary>Where copies come from; null: from nowhere.</summary>
    public IMigrationSources? MigrationSources { get; init; }

    /// <summary>Hears what was done with the server; null: nobody.</summary>
    public IDatabaseHistory? History { get; init; }

    /// <summary>Turn the event scheduler on while this server leads.</summary>
    public bool RunEvents { get; init; } = true;
}

/// <summary>What another member has told about its server.</summary>
/// <param name="NodeId">The member.</param>
/// <param name="ServerId">Its <c>server_id</c>; must differ from ours. 0: not known.</param>
/// <param name="Version">Its <c>@@version</c>; a feed from a newer to an older server is refused. Empty: not known.</param>
/// <param name="LowerCaseTableNames">Its <c>lower_case_table_names</c>; must equal ours. Null: not known.</param>
/// <param name="Leads">Whether it leads now.</param>
public sealed record PeerServer(string NodeId, uint ServerId, string Version, int? LowerCaseTableNames, bool Leads)
{
    /// <summary>Of the leader: which events it has not enabled; null where that is not known.</summary>
    internal EventKnowledge? Events { get; init; }

    /// <summary>From the member's <see cref="DatabaseState.Announcement"/>, as gossip has brought it; whatever it does not tell is unknown.</summary>
    public static PeerServer From(string nodeId, string announcement, bool leads) => DatabaseAnnouncement.TryParse(announcement) is { } told
        ? new PeerServer(nodeId, told.ServerId, told.Version, told.LowerCaseTableNames, leads) { Events = told.Events }
        : new PeerServer(nodeId, 0, "", null, leads);
}
