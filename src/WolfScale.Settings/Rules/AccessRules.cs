namespace WolfScale.Settings.Rules;

/// <summary>Who gets in: the cluster's secret, the API's tokens, TLS.</summary>
internal static class AccessRules
{
    private const int ShortSecret = 16;

    public static IEnumerable<Finding> Check(RuleContext context) => [.. Secret(context), .. Api(context), .. Proxy(context)];

    private static IEnumerable<Finding> Secret(RuleContext context)
    {
        var configuration = context.Configuration;
        var secret = configuration.Cluster.Secret;
        if (secret.Length is > 0 and < ShortSecret)
            yield return context.Warning("short_secret", "cluster.secret", $"cluster.secret has {secret.Length} characters; `wolfscale init` writes one of 43");
        if (secret.Length > 0)
            yield break;
        var outside = new[] { configuration.Node.BindAddress, configuration.AdvertiseAddress }.Concat(configuration.Cluster.Peers)
            .FirstOrDefault(a => HostPort.TryParse(a, out var address, out _) && !address.IsLoopback);
        if (outside is not null)
            yield return context.Error("missing_secret", "cluster.secret",
                $"cluster.secret is empty, which is accepted on loopback addresses only, and {outside} is not one: anybody who reaches the port could join; set the same secret on all nodes");
    }

    private static IEnumerable<Finding> Api(RuleContext context)
    {
        var api = context.Configuration.Api;
        if (!api.Enabled)
            yield break;
        if (!HostPort.TryParse(api.BindAddress, out var bind, out var problem))
            yield return context.Error("bad_address", "api.bind_address", "api.bind_address: " + problem);
        else if (api.Token.Length == 0 && !bind.IsLoopback)
            yield return context.Error("missing_token", "api.token",
                $"api.token is required because api.bind_address = \"{api.BindAddress}\" is not loopback: give one, or bind to 127.0.0.1");
        if (api.TlsCert.Length > 0 != api.TlsKey.Length > 0)
            yield return context.Error("tls_incomplete", api.TlsCert.Length > 0 ? "api.tls_cert" : "api.tls_key", "api.tls_cert and api.tls_key belong together");
        if (api.Tokens.Any(t => t.Token.Length == 0))
            yield return context.Error("missing_token", "api.tokens", "api.tokens: an empty token would let everybody in");
    }

    private static IEnumerable<Finding> Proxy(RuleContext context)
    {
        var proxy = context.Configuration.Proxy;
        if (!proxy.Enabled)
            yield break;
        if (!HostPort.TryParse(proxy.BindAddress, out _, out var problem))
            yield return context.Error("bad_address", "proxy.bind_address", "proxy.bind_address: " + problem);
        if (proxy.TlsCert.Length > 0 != proxy.TlsKey.Length > 0)
            yield return context.Error("tls_incomplete", proxy.TlsCert.Length > 0 ? "proxy.tls_cert" : "proxy.tls_key", "proxy.tls_cert and proxy.tls_key belong together");
        if (proxy.TlsRequired && proxy.TlsCert.Length == 0)
            yield return context.Error("tls_incomplete", "proxy.tls_required", "proxy.tls_required = true needs proxy.tls_cert and proxy.tls_key: no client could connect");
        if (proxy.SendProxyProtocol && proxy.PoolConnections > 0)
        {
            yield return context.Error("pool_hides_clients", "proxy.pool_connections",
                "proxy.pool_connections and proxy.send_proxy_protocol exclude each other: a connection that is used again would show the address of its first client");
        }

        foreach (var network in proxy.ProxyProtocolNetworks.Where(n => Networks.Parse(n) is null))
        {
            yield return context.Error("bad_network", "proxy.proxy_protocol_networks",
                $"proxy.proxy_protocol_networks: \"{network}\" is not a network; write 10.0.0.0/24, an address, or * (the bits behind the prefix must be 0)");
        }
    }
}
