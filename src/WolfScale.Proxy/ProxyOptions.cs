using System.Net;
using System.Net.Security;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy;

/// <summary>How the proxy is set up.</summary>
public sealed record ProxyOptions
{
    public required IPEndPoint BindAddress { get; init; }

    /// <summary>Of the node whose proxy this is, or the program's name, for people.</summary>
    public string NodeId { get; init; } = "";

    /// <summary>The proxy belongs to no node and has no server beside it.</summary>
    public bool StandsAlone { get; init; }

    /// <summary>Clients at a time; one more gets MariaDB's error 1040.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Milliseconds that a new connection or statement waits for a leader.</summary>
    public int FailoverWaitMs { get; init; } = 10_000;

    /// <summary>Milliseconds that a local read waits for its data before it goes to the leader.</summary>
    public int ReadWaitMs { get; init; } = 100;

    /// <summary>Of sessions that do not choose for themselves.</summary>
    public ReadConsistency Consistency { get; init; } = ReadConsistency.Session;

    /// <summary>Milliseconds that a client may take from its connection to the end of its login, as the server's <c>connect_timeout</c>.</summary>
    public int LoginTimeoutMs { get; init; } = 10_000;

    /// <summary>Offers TLS to clients; null: does not.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }

    /// <summary>A login without TLS is refused.</summary>
    public bool TlsRequired { get; init; }

    /// <summary>How to speak to another node's proxy where that offers TLS; null: in plain text.</summary>
    public SslClientAuthenticationOptions? HopTls { get; init; }

    /// <summary>Who may say, with the PROXY protocol, on whose behalf it connects. Others that try are refused.</summary>
    public IReadOnlyList<IPNetwork> ProxyProtocolNetworks { get; init; } = [];

    /// <summary>Tells the servers, and the other nodes' proxies, the clients' addresses with the PROXY protocol.</summary>
    public bool SendsProxyProtocol { get; init; }

    /// <summary>Connections to the leader that are kept when their sessions end, for the next ones of the same account. 0: none.</summary>
    public int PoolConnections { get; init; }

    /// <summary>Where connections are pooled: milliseconds after which a silent client's connection goes to the pool. 0: when the client goes.</summary>
    public int PoolIdleMs { get; init; } = 1000;

    /// <summary>Who traces writes; null: nobody.</summary>
    public IWriteTraces? Traces { get; init; }

    /// <summary>Event loops, each a thread. Sessions are shared out among them.</summary>
    public int Loops { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 8);
}

/// <summary>What a read that need not go to the leader may show (design: Guarantees).</summary>
public enum ReadConsistency
{
    /// <summary>Whatever the local server has.</summary>
    Eventual,

    /// <summary>A session sees its own writes and never goes back.</summary>
    Session,

    /// <summary>Every write that was acknowledged before, on any connection.</summary>
    Strong,
}
