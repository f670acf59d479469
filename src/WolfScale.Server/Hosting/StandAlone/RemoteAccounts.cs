using Microsoft.Extensions.Logging;
using WolfScale.Proxy.Routing;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>Account hashes of a node's server. Without the cluster's secret there are none: all statements go to the leader, and sessions end with it.</summary>
internal sealed class RemoteAccounts(RemoteRoutes routes, INodeApi api, bool hasSecret, ILogger logger) : IAccountSecrets
{
    private volatile string? _saidLast;

    public string? Unavailable => hasSecret ? null : "the proxy does not know cluster.secret and cannot log in for it";

    public void Remember()
    {
        // Any node can be asked, also when the leader's server is dead.
    }

    public async Task<IReadOnlyList<byte[]>> NativeHashesAsync(string user)
    {
        if (!hasSecret)
            return [];
        NodeSilentException? last = null;
        IReadOnlyList<byte[]>? none = null;
        foreach (var node in routes.Heard())
        {
            try
            {
                var hashes = await api.AccountHashesAsync(node, user, CancellationToken.None);
                if (hashes.Count > 0)
                    return hashes;
                none = hashes; // another may have an account that this one has not applied yet
            }
            catch (NodeSilentException e)
            {
                last = e;
                Say(e.Message);
            }
        }

        return last is null && none is not null ? none : throw last ?? new NodeSilentException("No node answers.");
    }

    /// <summary>Once for each reason: it may fail for thousands of sessions.</summary>
    private void Say(string reason)
    {
        if (Interlocked.Exchange(ref _saidLast, reason) != reason)
            StandAloneLog.NoHashes(logger, reason);
    }
}
