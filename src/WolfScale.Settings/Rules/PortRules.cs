namespace WolfScale.Settings.Rules;

/// <summary>Listeners: on addresses of this machine, and no two on one port.</summary>
internal static class PortRules
{
    public static IEnumerable<Finding> Check(RuleContext context)
    {
        var configuration = context.Configuration;
        Listener?[] listeners =
        [
            Used("node.bind_address", configuration.Node.BindAddress, true),
            Used("database.port", new HostPort(configuration.Database.Host, configuration.Database.Port).ToString(), LocalServer(configuration.Database)),
            Used("database.feed_bind_address", configuration.Database.FeedBindAddress, configuration.Database.Enabled),
            Used("api.bind_address", configuration.Api.BindAddress, configuration.Api.Enabled),
            Used("proxy.bind_address", configuration.Proxy.BindAddress, configuration is { Proxy.Enabled: true, Database.Enabled: true }),
        ];
        var used = listeners.OfType<Listener>().ToArray();
        foreach (var (key, address) in used.Where(l => l.Key != "database.port" && !l.Address.IsBindable))
            yield return context.Error("bad_address", key, $"{key}: \"{address.Host}\" is a name; give the IP address to listen on, or 0.0.0.0 for all");
        for (var i = 0; i < used.Length; i++)
        {
            for (var j = i + 1; j < used.Length; j++)
            {
                if (used[i].Address.Overlaps(used[j].Address))
                    yield return context.Error("port_twice", used[j].Key, $"{used[j].Key} and {used[i].Key} both use port {used[j].Address.Port}: choose another for one of them");
            }
        }
    }

    /// <returns>Null for one that is off, or whose address says nothing; of that others tell.</returns>
    private static Listener? Used(string key, string text, bool used) => used && HostPort.TryParse(text, out var address, out _) ? new Listener(key, address) : null;

    private static bool LocalServer(DatabaseSection database) =>
        database.Enabled && database.Socket.Length == 0 && new HostPort(database.Host, database.Port).IsLoopback;

    private sealed record Listener(string Key, HostPort Address);
}
