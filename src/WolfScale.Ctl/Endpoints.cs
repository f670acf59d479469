using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace WolfScale.Ctl;

/// <summary>
/// The nodes to ask, in order: those of <c>--endpoint</c>; without any, the node of the configuration and then its peers, because at 3 a.m. the local node is
/// the dead one. Peers are asked on the port that the configuration gives its own API, since nodes of one cluster are set up alike.
/// </summary>
internal sealed class Endpoints : IDisposable
{
    private static readonly TimeSpan StatusLimit = TimeSpan.FromSeconds(3);

    private readonly NodeClient[] _nodes;
    private readonly Func<string, NodeClient> _connect;

    private Endpoints(NodeClient[] nodes, Func<string, NodeClient> connect, bool given) => (_nodes, _connect, Given) = (nodes, connect, given);

    /// <summary>They come from <c>--endpoint</c>.</summary>
    public bool Given { get; }

    /// <summary>The node that commands about one node mean: the first.</summary>
    public NodeClient First => _nodes[0];

    /// <summary>All of them, in order.</summary>
    public IReadOnlyList<Uri> Addresses => [.. _nodes.Select(n => n.Address)];

    /// <exception cref="RefusedException">There is nothing to go by, or a file cannot be read.</exception>
    /// <param name="parsed">The command line.</param>
    /// <param name="patience">Where an answer takes longer than <c>--timeout</c> by its nature.</param>
    public static Endpoints Open(ParseResult parsed, TimeSpan patience = default)
    {
        var given = parsed.GetValue(CtlOptions.Endpoint)!;
        var configuration = Configuration(parsed, needed: given.Length == 0);
        var token = Token(parsed) ?? configuration?.Api.Token ?? "";
        var timeout = CtlOptions.Patience(parsed) is var limit && limit > patience ? limit : patience;
        var log = CtlOptions.RequestLog(parsed);
        var scheme = configuration?.Api.Scheme() ?? "http";
        var authority = parsed.GetValue(CtlOptions.CaCertificate) is { } file ? Authority.Named("--cacert", file) : Authority.OfCluster(configuration?.Cluster.TlsCa ?? "");
        NodeClient Connect(string url) => new(Url(url, scheme).ToString(), token, timeout, authority: authority, log: log);
        if (given.Length > 0)
            return new Endpoints([.. given.Select(Connect)], Connect, given: true);

        var nodes = new List<NodeClient>();
        if (configuration!.Api.Enabled)
            nodes.Add(NodeClient.Local(configuration, token, timeout, log));
        _ = HostPort.TryParse(configuration.Api.BindAddress, out var api, out _);
        foreach (var peer in configuration.Cluster.Peers.Where(p => p != configuration.AdvertiseAddress))
        {
            if (PeerAddress.TryFromConfiguration(peer, api.Port, scheme, out var url, out _) && nodes.All(n => n.Address != url))
                nodes.Add(Connect(url.ToString()));
        }

        return nodes.Count > 0
            ? new Endpoints([.. nodes], Connect, given: false)
            : throw new RefusedException("api.enabled = false and no peers: nobody can be asked. Name a node with --endpoint http://HOST:8080.", ExitCode.Invalid);
    }

    /// <summary>Asks one after the other until a node answers; says on standard error when that was not the first.</summary>
    /// <exception cref="RefusedException">Exit code 3: none does.</exception>
    public async Task<Answer> GetAsync(string path, CancellationToken cancellationToken)
    {
        var failures = new List<UnreachableException>();
        foreach (var node in _nodes)
        {
            try
            {
                var body = await node.GetTextAsync(path, cancellationToken);
                if (failures.Count > 0)
                    Terminal.Error($"{string.Join("; ", failures.Select(Line))}. {node.Address} answers instead.");
                return new Answer(node, body);
            }
            catch (UnreachableException failure)
            {
                failures.Add(failure);
            }
        }

        throw failures.Count == 1
            ? failures[0]
            : new RefusedException($"No node answers: {string.Join("; ", failures.Select(Line))}. Name one that runs with --endpoint http://HOST:8080.", ExitCode.Unreachable);
    }

    /// <summary>The cluster as the first node that answers sees it.</summary>
    public async Task<(ClusterDocument Cluster, NodeClient Node)> ClusterAsync(CancellationToken cancellationToken)
    {
        var answer = await GetAsync("/cluster", cancellationToken);
        return (answer.Read(ApiJson.Default.ClusterDocument), answer.Node);
    }

    /// <summary>
    /// The status of every node that answers: of these endpoints, and of those that listen for the cluster at <paramref name="clusterAddresses"/>, on the port that the
    /// configuration gives its own API. One that does not answer soon is left out: this is asked where most are dead.
    /// </summary>
    public async Task<IReadOnlyList<NodeReport>> StatusesAsync(IEnumerable<string> clusterAddresses, NodeConfiguration configuration, CancellationToken cancellationToken)
    {
        _ = HostPort.TryParse(configuration.Api.BindAddress, out var api, out _);
        var nodes = _nodes.ToList();
        foreach (var address in clusterAddresses)
        {
            if (PeerAddress.TryFromConfiguration(address, api.Port, configuration.Api.Scheme(), out var url, out _) && nodes.TrueForAll(n => n.Address != url))
                nodes.Add(_connect(url.ToString()));
        }

        var statuses = await Task.WhenAll(nodes.Select(n => TryAsync(n, "/status", ApiJson.Default.NodeReport, cancellationToken)));
        foreach (var node in nodes.Skip(_nodes.Length))
            node.Dispose();
        return [.. statuses.Select(s => s.Answer).OfType<NodeReport>()];
    }

    /// <summary>Asks a node that may be dead; it has a few seconds.</summary>
    /// <returns>What it says; or null, and why.</returns>
    public static async Task<(T? Answer, string? Silence)> TryAsync<T>(NodeClient node, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StatusLimit);
        try
        {
            return (await node.GetAsync(path, type, limit.Token), null);
        }
        catch (Exception e) when (e is RefusedException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (null, e is UnreachableException unreachable ? unreachable.Reason : e is OperationCanceledException ? "no answer within 3 s" : e.Message);
        }
    }

    /// <summary>The way to the leader, who alone can change who leads and who is a member.</summary>
    /// <exception cref="RefusedException">There is no leader, or its API is off.</exception>
    public NodeClient Leader(ClusterDocument cluster, NodeClient asked)
    {
        if (cluster.Leader is not { } leader)
            throw new RefusedException("The cluster has no leader at the moment, so nothing can be changed. `wolfctl list servers` shows who is missing; with a majority back one is elected by itself.");
        if (leader == cluster.Node)
            return asked;
        return Member(cluster, leader, asked);
    }

    /// <summary>The way to a member.</summary>
    /// <exception cref="RefusedException">It is none, or its API is off.</exception>
    public NodeClient Member(ClusterDocument cluster, string id, NodeClient asked) => TryMember(cluster, id, asked)
        ?? throw new RefusedException($"{id} does not say where its API is (api.enabled = false, or it was never heard of): name it with --endpoint.");

    /// <summary>The same; null where its API is off.</summary>
    /// <exception cref="RefusedException">It is no member.</exception>
    public NodeClient? TryMember(ClusterDocument cluster, string id, NodeClient asked)
    {
        if (id == cluster.Node)
            return asked;
        var member = cluster.Nodes.FirstOrDefault(n => n.Id == id)
            ?? throw new RefusedException($"This cluster has no node \"{id}\"; it has {string.Join(", ", cluster.Nodes.Select(n => n.Id))}.");
        return member.Api is { } api ? _connect($"{asked.Address.Scheme}://{api}") : null;
    }

    /// <summary>The way to a node that is named by its address.</summary>
    public NodeClient At(Uri api) => _connect(api.ToString());

    /// <summary>The timeouts of the configuration, where there is one; else the defaults. Nodes of one cluster are set up alike.</summary>
    public static WolfScale.Client.Doctor.Timing TimingOf(ParseResult parsed)
    {
        var configuration = Configuration(parsed, needed: false) ?? new NodeConfiguration();
        return new(configuration.Cluster.HeartbeatIntervalMs, configuration.ElectionTimeoutMs.Maximum);
    }

    public void Dispose()
    {
        foreach (var node in _nodes)
            node.Dispose();
    }

    private static string Line(UnreachableException failure) => $"{failure.Address} does not answer ({failure.Reason})";

    private static Uri Url(string text, string scheme) =>
        PeerAddress.TryParse(text.TrimEnd('/'), scheme, out var url, out var problem) ? url : throw new RefusedException("--endpoint " + problem, ExitCode.Invalid);

    /// <summary>The configuration; null where there is none that could be read and none is needed.</summary>
    private static NodeConfiguration? Configuration(ParseResult parsed, bool needed)
    {
        var named = parsed.GetResult(GlobalOptions.Config) is { Implicit: false };
        if (needed && !named && !File.Exists(GlobalOptions.DefaultConfigPath))
            throw new RefusedException($"There is no configuration {GlobalOptions.DefaultConfigPath} that says where the nodes are: name one with --config, or a node with --endpoint http://HOST:8080.", ExitCode.Invalid);
        if (needed || named)
            return GlobalOptions.Load(parsed).Configuration;
        try
        {
            return GlobalOptions.Load(parsed).Configuration;
        }
        catch (RefusedException)
        {
            return null; // of use for its token alone
        }
    }

    private static string? Token(ParseResult parsed)
    {
        if (parsed.GetValue(CtlOptions.TokenFile) is { } file)
            return Read("--token-file", file).Trim();
        return Environment.GetEnvironmentVariable(CtlOptions.TokenVariable) is { Length: > 0 } token ? token.Trim() : null;
    }

    private static string Read(string option, string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{option}: {file} cannot be read as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }
    }
}

/// <summary>What a node said.</summary>
/// <param name="Node">Which.</param>
/// <param name="Body">The body, as it came.</param>
internal sealed record Answer(NodeClient Node, string Body)
{
    /// <summary>The body, for who looks at a few of its fields.</summary>
    /// <exception cref="RefusedException">It is not what a node would say.</exception>
    public JsonDocument Parse()
    {
        try
        {
            return JsonDocument.Parse(Body) is { RootElement.ValueKind: JsonValueKind.Object } document ? document : throw new JsonException("it is no object");
        }
        catch (JsonException e)
        {
            throw Strange(e);
        }
    }

    /// <exception cref="RefusedException">It is not what a node of this version would say.</exception>
    public T Read<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw Strange(e);
        }
    }

    private RefusedException Strange(JsonException e) => new($"What {Node.Address} answers is not of a WolfScale node of this version ({e.Message}).");
}
