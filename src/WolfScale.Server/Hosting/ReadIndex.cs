using WolfScale.Cluster;
using WolfScale.Protocol;

namespace WolfScale.Server.Hosting;

/// <summary>The log's read index as a GTID, which a server can be asked for.</summary>
internal static class ReadIndex
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>See <see cref="Proxy.Routing.IClusterRoutes.ReadIndexAsync"/>.</summary>
    /// <exception cref="Exception">No leader confirmed it.</exception>
    public static async Task<Gtid?> AskAsync(ClusterNode node, TimeProvider time)
    {
        var lsn = await node.ReadIndexAsync(CancellationToken.None);
        using var limit = new CancellationTokenSource(Limit, time);
        await node.WaitForCommitAsync(lsn, limit.Token); // the entry may be on its way to this node's log
        return node.Wal.LastGroupAtOrBefore(lsn, out _) is { } last ? new Gtid(last.Domain, last.ServerId, last.Sequence) : null;
    }
}
