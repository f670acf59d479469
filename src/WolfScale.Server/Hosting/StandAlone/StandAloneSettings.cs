using System.Collections.Immutable;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>What was given to a stand-alone proxy, on the command line and in a file.</summary>
/// <param name="Program">The verb.</param>
/// <param name="File">A node's file will do: what is a node's alone is not looked at.</param>
/// <param name="Listen"><c>--listen</c>.</param>
/// <param name="Peers"><c>--peers</c>.</param>
/// <param name="ClusterName"><c>--cluster-name</c>.</param>
/// <param name="Api"><c>--api</c>.</param>
internal sealed record StandAloneSettings(string Program, LoadedConfiguration File, string? Listen, ImmutableArray<string> Peers, string? ClusterName, string? Api)
{
    public const string DefaultApi = "127.0.0.1:8081";

    /// <summary>Mistakes of writing, in any section: what was meant is not known.</summary>
    private static readonly ImmutableHashSet<string> Mistakes = ["syntax", "unknown_key", "unknown_section", "wrong_type", "wrong_value", "given_twice"];

    /// <summary>Checks and completes it.</summary>
    /// <exception cref="RefusedException">It is not right; the message says what to write.</exception>
    public StandAloneOptions Resolve()
    {
        var errors = File.Findings.Where(f => f.Severity == Severity.Error && Concerns(f)).ToList();
        if (errors.Count > 0)
            throw Wrong("The configuration is not valid:\n" + string.Join('\n', errors));
        var configuration = File.Configuration;
        return new StandAloneOptions(
            Program, Address("--listen", Listen ?? configuration.Proxy.BindAddress), PeerUrls(configuration), ClusterName ?? configuration.Cluster.ClusterName, OwnApi(configuration), configuration);
    }

    /// <summary>With another configuration than the file's: what a reload puts in force.</summary>
    public StandAloneSettings With(NodeConfiguration configuration) => this with { File = File with { Configuration = configuration } };

    /// <summary>Whether this program goes by a key of the file: it is not a node's alone, and the command line does not say it.</summary>
    /// <param name="key"><c>section.key</c>.</param>
    /// <param name="discovers">It was given no peers.</param>
    public bool Uses(string key, bool discovers) => key switch
    {
        "proxy.enabled" => false, // nothing would be left
        "proxy.bind_address" => Listen is null,
        "cluster.peers" => Peers.IsEmpty,
        "cluster.cluster_name" => ClusterName is null,
        "cluster.secret" or "cluster.tls_ca" or "replication.read_consistency" => true,
        "cluster.auto_discovery" or "node.bind_address" => discovers, // beacons come on the cluster port
        "api.enabled" => Api is null,
        "api.bind_address" => Api is null || (Peers.IsEmpty && !discovers), // cluster.peers are asked on this port
        _ => key.StartsWith("proxy.", StringComparison.Ordinal) || key.StartsWith("api.", StringComparison.Ordinal) || key.StartsWith("logging.", StringComparison.Ordinal),
    };

    /// <summary>Whether an error in the file is one for this program.</summary>
    public static bool Concerns(Finding error) => Mistakes.Contains(error.Code) || IsUsed(error);

    /// <summary>Rules about files and keys that this program uses too.</summary>
    private static bool IsUsed(Finding finding) =>
        finding.Code is "unreadable_file" or "tls_incomplete" or "bad_network"
        && (finding.Key.StartsWith("proxy.", StringComparison.Ordinal) || finding.Key.StartsWith("api.", StringComparison.Ordinal) || finding.Key is "cluster.tls_ca" or "cluster.secret");

    private ImmutableArray<Uri> PeerUrls(NodeConfiguration configuration)
    {
        var scheme = configuration.Api.Scheme();
        var fromFile = Peers.IsEmpty;
        var apiPort = HostPort.TryParse(configuration.Api.BindAddress, out var bind, out _) ? bind.Port : 8080;
        var urls = ImmutableArray.CreateBuilder<Uri>();
        foreach (var peer in fromFile ? configuration.Cluster.Peers : Peers)
        {
            if (fromFile ? PeerAddress.TryFromConfiguration(peer, apiPort, scheme, out var url, out var problem) : PeerAddress.TryParse(peer, scheme, out url, out problem))
                urls.Add(url);
            else
                throw Wrong((fromFile ? "cluster.peers: " : "--peers: ") + problem + ".");
        }

        if (urls.Count > 0 || (configuration.Cluster.AutoDiscovery && configuration.Cluster.Secret.Length > 0))
            return urls.ToImmutable();
        throw Wrong($"Whom shall the {Program} ask? Name the HTTP API of a node or more: wolfscale {Program} --listen ADDR --peers 10.0.10.10:8080,10.0.10.11:8080; or let it find them: "
            + (configuration.Cluster.AutoDiscovery ? "that needs cluster.secret (in the file of -c, or WOLFSCALE_CLUSTER__SECRET)." : "cluster.auto_discovery is false."));
    }

    private ApiSection OwnApi(NodeConfiguration configuration)
    {
        if (Api == "off")
            return configuration.Api with { Enabled = false };
        var given = Api ?? (File.Positions.ContainsKey("api.bind_address") ? configuration.Api.BindAddress : DefaultApi);
        return configuration.Api with { Enabled = Api is not null || configuration.Api.Enabled, BindAddress = Address("--api", given).ToString() };
    }

    private static HostPort Address(string option, string text)
    {
        if (!HostPort.TryParse(text, out var address, out var problem))
            throw Wrong($"{option}: {problem}.");
        return address.IsBindable ? address : throw Wrong($"{option}: \"{address.Host}\" is a name; give the IP address to listen on, or 0.0.0.0 for all.");
    }

    private static RefusedException Wrong(string message) => new(message, ExitCode.Invalid);
}
