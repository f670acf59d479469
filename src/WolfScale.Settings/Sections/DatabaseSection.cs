namespace WolfScale.Settings;

/// <summary>The local MariaDB server.</summary>
public sealed record DatabaseSection
{
    public string Host { get; init; } = "localhost";

    [Within(1, 65535)]
    public int Port { get; init; } = 3306;

    /// <summary>A unix socket, preferred over host and port where given.</summary>
    public string Socket { get; init; } = "";

    public string User { get; init; } = "wolfscale";

    [Secret]
    public string Password { get; init; } = "";

    /// <summary>Default schema of the HTTP API.</summary>
    public string Database { get; init; } = "";

    /// <summary>Sessions of the HTTP API with the node's proxy, at a time, of each of three kinds: writes, SQL that may write, SQL that only reads.</summary>
    [Within(1, 1000)]
    public int PoolSize { get; init; } = 10;

    [Within(1, 3600)]
    public int ConnectTimeoutS { get; init; } = 30;

    /// <summary>Where the local server fetches what it applies. Port 0 takes any free one.</summary>
    public string FeedBindAddress { get; init; } = "127.0.0.1:0";

    /// <summary>The host name a MariaDB on another machine is to use for the feed. Empty: the host of <see cref="FeedBindAddress"/>.</summary>
    public string FeedAdvertiseHost { get; init; } = "";

    /// <summary>False makes a witness: it keeps the log and votes, and has no MariaDB.</summary>
    public bool Enabled { get; init; } = true;
}
