using System.Collections.Immutable;

namespace WolfScale.Settings;

/// <summary>The MySQL proxy.</summary>
public sealed record ProxySection
{
    public bool Enabled { get; init; } = true;

    public string BindAddress { get; init; } = "0.0.0.0:3307";

    [ReadableFile]
    [Live]
    public string TlsCert { get; init; } = "";

    [ReadableFile]
    [Live]
    public string TlsKey { get; init; } = "";

    [Live]
    public bool TlsRequired { get; init; }

    [Within(1, 1_000_000)]
    [Live]
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Connections to the leader that are kept when their clients go, for the next clients of the same account. 0: none.</summary>
    [Within(0, 100_000)]
    public int PoolConnections { get; init; }

    /// <summary>Where connections are pooled: a client that has been silent for so long gives its connection to the leader away until it speaks. 0: never.</summary>
    [Within(0, 86_400_000)]
    [Live]
    public int PoolIdleMs { get; init; } = 1000;

    /// <summary>How long a local read may wait for its data before it goes to the leader.</summary>
    [Within(0, 600_000)]
    [Live]
    public int ReadWaitMs { get; init; } = 100;

    /// <summary>How long a statement may wait for a leader.</summary>
    [Within(0, 600_000)]
    [Live]
    public int FailoverWaitMs { get; init; } = 10_000;

    /// <summary>Networks of balancers that may say, with the PROXY protocol, on whose behalf they connect: <c>10.0.0.0/24</c>, an address, or <c>*</c>.</summary>
    [Live]
    public ImmutableArray<string> ProxyProtocolNetworks { get; init; } = [];

    /// <summary>Tells MariaDB the clients' addresses with the PROXY protocol; its <c>proxy_protocol_networks</c> must name the nodes, and so must the one above.</summary>
    [Live]
    public bool SendProxyProtocol { get; init; }
}
