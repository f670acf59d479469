using WolfScale.Proxy;

namespace WolfScale.Server.Metrics;

/// <summary>What a proxy tells Prometheus, on a node or standing alone.</summary>
internal static class ProxyMetrics
{
    private static readonly (AnsweredBy Server, string Name)[] Servers =
        [(AnsweredBy.Local, "local"), (AnsweredBy.LeaderHere, "leader_here"), (AnsweredBy.LeaderElsewhere, "leader_elsewhere")];

    public static void Write(MetricsText text, ProxyCounters counters, int sessions)
    {
        _ = text.Gauge("wolfscale_proxy_sessions", "Clients of the proxy, other proxies' connections among them.").Sample(sessions);
        _ = text.Counter("wolfscale_proxy_connections_total", "Clients that connected.").Sample(counters.Connections.Value);
        _ = text.Counter("wolfscale_proxy_connections_refused_total", "Clients that heard error 1040, too many connections.").Sample(counters.Refused.Value);
        _ = text.Counter("wolfscale_proxy_moves_total", "Sessions that went on with another leader.").Sample(counters.Moves.Value);
        _ = text.Counter("wolfscale_proxy_parkings_total", "Times that a silent client's connection went to the pool.").Sample(counters.Parked.Value);
        _ = text.Counter("wolfscale_proxy_statements_total", "Statements, by where they went and why.");
        foreach (var route in TakenRoutes.All)
            _ = text.Sample(counters.Statements(route), ("route", route.Name()));
        _ = text.Histogram("wolfscale_proxy_statement_seconds", "From sending a statement to a server to the end of its answer, the quorum's word included.");
        foreach (var (server, name) in Servers)
        {
            var latency = counters.Latency(server);
            text.Distribution(limit => latency.CountWithin((long)(limit * 1e6)), latency.Count, latency.Sum / 1e6, ("server", name));
        }
    }
}
