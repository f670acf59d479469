namespace WolfScale.Settings;

/// <summary>
/// Everything a node is told: the configuration file, then <c>WOLFSCALE_SECTION__KEY</c> variables over it.
/// A property's name in <c>snake_case</c> is the key's name, its initial value is the default, and its attributes are what
/// <see cref="ConfigurationSchema"/> checks.
/// </summary>
public sealed record NodeConfiguration
{
    public NodeSection Node { get; init; } = new();

    public DatabaseSection Database { get; init; } = new();

    public WalSection Wal { get; init; } = new();

    public ClusterSection Cluster { get; init; } = new();

    public ReplicationSection Replication { get; init; } = new();

    public BinlogSection Binlog { get; init; } = new();

    public ApiSection Api { get; init; } = new();

    public ProxySection Proxy { get; init; } = new();

    public VerifySection Verify { get; init; } = new();

    public LoggingSection Logging { get; init; } = new();

    /// <summary>The data directory in force: as given, or <c>/var/lib/wolfscale/ID</c>.</summary>
    public string DataDirectory => Node.DataDir.Length > 0 ? Node.DataDir : "/var/lib/wolfscale/" + Node.Id;

    /// <summary>Where what is neither log nor state lies: saved transactions, for one.</summary>
    public string FilesDirectory => Path.Combine(DataDirectory, "data");

    /// <summary>The address other nodes dial: as given, or the one address that <c>bind_address</c> names.</summary>
    public string AdvertiseAddress => Node.AdvertiseAddress.Length > 0 ? Node.AdvertiseAddress : Node.BindAddress;

    /// <summary>
    /// The election timeout in milliseconds, drawn anew from this interval each time: as given by the pair, or 0.75 to 1.5 times
    /// <c>election_timeout_ms</c>.
    /// </summary>
    public (int Minimum, int Maximum) ElectionTimeoutMs => Cluster.ElectionTimeoutMs is { } single
        ? ((int)(single * 0.75), (int)(single * 1.5))
        : (Cluster.ElectionTimeoutMinMs, Cluster.ElectionTimeoutMaxMs);
}
