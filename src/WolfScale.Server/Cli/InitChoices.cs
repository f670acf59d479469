namespace WolfScale.Server.Cli;

/// <summary>What a configuration is for.</summary>
internal enum InitPurpose
{
    /// <summary>A node beside a MariaDB.</summary>
    Node,

    /// <summary><c>wolfscale proxy</c>, on a machine without a database.</summary>
    Proxy,

    /// <summary><c>wolfscale load-balancer</c>: the same under another name.</summary>
    LoadBalancer,
}

/// <summary>What a configuration is to hold.</summary>
/// <param name="Purpose">What it is for.</param>
/// <param name="Values"><c>section.key</c> → TOML literal.</param>
/// <param name="JoinsCluster">The cluster's secret is that of nodes which are there.</param>
internal sealed record InitChoices(InitPurpose Purpose, Dictionary<string, string> Values, bool JoinsCluster)
{
    /// <summary>As <c>--for</c> names them.</summary>
    public static IReadOnlyList<string> Purposes { get; } = ["node", "proxy", "load-balancer"];

    /// <summary>Secrets of its own: a node's for what its first start creates; of a proxy the one for its own API, because all others are the cluster's.</summary>
    public static Dictionary<string, string> Fresh(InitPurpose purpose) => ((string[])(purpose == InitPurpose.Node ? ["cluster.secret", "api.token", "database.password"] : ["api.token"]))
        .ToDictionary(key => key, _ => Configuration.ConfigurationTemplate.Literal(Secrets.Fresh()));

    /// <exception cref="ArgumentException">No purpose is called so.</exception>
    public static InitPurpose PurposeOf(string? name) => name switch
    {
        null or "node" => InitPurpose.Node,
        "proxy" => InitPurpose.Proxy,
        "load-balancer" => InitPurpose.LoadBalancer,
        _ => throw new ArgumentException($"{name} is no purpose of a configuration.", nameof(name)),
    };
}
