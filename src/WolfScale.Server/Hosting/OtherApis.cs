namespace WolfScale.Server.Hosting;

/// <summary>
/// The HTTP APIs of the other nodes, for whatever this node asks of them: copies, comparisons, what the dashboard shows. Nodes of one cluster are set up alike: they speak TLS where this one does,
/// this node's own token opens them, and <c>cluster.tls_ca</c> has signed their certificates. What is opened after a reload is opened with what that has read.
/// </summary>
internal sealed class OtherApis
{
    private volatile ApiTrust _now;

    /// <exception cref="RefusedException"><c>cluster.tls_ca</c> cannot be read.</exception>
    public OtherApis(NodeConfiguration configuration) => (Scheme, _now) = (configuration.Api.Scheme(), Read(configuration));

    /// <summary><c>http</c> or <c>https</c>; it stays as long as the node runs.</summary>
    public string Scheme { get; }

    /// <summary>In force. Another object after each reload: clients that are kept are to be opened anew then.</summary>
    public ApiTrust Trust => _now;

    /// <summary>Reads what a changed configuration, or a renewed file, says.</summary>
    /// <returns>Takes it over.</returns>
    /// <exception cref="RefusedException"><c>cluster.tls_ca</c> cannot be read.</exception>
    public Action Prepare(NodeConfiguration configuration)
    {
        var next = Read(configuration);
        return () => _now = next;
    }

    /// <summary>The API of a member.</summary>
    public Uri Url(string address) => new($"{Scheme}://{address}");

    /// <summary>A client for the API at this HOST:PORT.</summary>
    /// <param name="address">As the member advertises it.</param>
    /// <param name="token">Sent along; empty: none.</param>
    /// <param name="limit">For a whole answer.</param>
    public NodeClient Open(string address, string token, TimeSpan limit) => new(Url(address).ToString(), token, limit, authority: _now.Authority);

    private static ApiTrust Read(NodeConfiguration configuration) => new(configuration.Api.Token, Authority.OfCluster(configuration.Cluster.TlsCa));
}

/// <summary>How the other nodes are opened, and whom they must be signed by.</summary>
/// <param name="Token">This node's own.</param>
/// <param name="Authority">Null: whom the system trusts.</param>
internal sealed record ApiTrust(string Token, Authority? Authority);
