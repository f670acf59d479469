using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Membership;

/// <summary>
/// The ways to other nodes: one link to every address that is configured, remembered, in the configuration, or that an authenticated node calls its own.
/// Knows who answers where, and rests all but one link to the same node.
/// </summary>
internal sealed class PeerDirectory : ILinkHandler, IDisposable
{
    /// <summary>Links at most: many more than a cluster has members.</summary>
    private const int MaxLinks = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<HostPort, PeerLink> _links = [];
    private readonly TransportOptions _options;
    private readonly WriteAheadLog _wal;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<string> _onLogDamage;
    private volatile ImmutableDictionary<NodeKey, PeerLink> _byKey = ImmutableDictionary<NodeKey, PeerLink>.Empty;
    private volatile PeerIdentity _identity;
    private bool _stopping;

    public PeerDirectory(
        PeerIdentity identity, TransportOptions options, WriteAheadLog wal, TimeProvider time, ILogger logger, Action<string> onLogDamage)
    {
        (_identity, _options, _wal, _time, _logger, _onLogDamage) = (identity, options, wal, time, logger, onLogDamage);
    }

    /// <summary>A link has come up: the other node is reached. Raised on the link's thread.</summary>
    public event Action<NodeKey>? Connected;

    public PeerIdentity Identity
    {
        get => _identity;
        set => _identity = value;
    }

    /// <summary>Who is reached now.</summary>
    public IEnumerable<NodeKey> Reached => _byKey.Keys;

    /// <summary>Why the configured and known addresses without a connection are not reached, for status.</summary>
    public IReadOnlyList<(string Address, string Failure)> Failures()
    {
        lock (_lock)
            return [.. _links.Values.Where(l => l is { Remote: null, LastFailure: not null }).Select(l => (l.Address.ToString(), l.LastFailure!))];
    }

    /// <summary>Keeps up a link to this address from now on.</summary>
    /// <param name="address">HOST:PORT; anything else is left out.</param>
    /// <param name="wantedAtMs">The owner's time, see <see cref="DropUnwanted"/>.</param>
    /// <param name="nudge">The node there is known to be up: dial at once.</param>
    public void Want(string address, long wantedAtMs, bool nudge = false)
    {
        if (!HostPort.TryParse(address, out var where) || where.Port == 0)
            return;
        PeerLink? link;
        lock (_lock)
        {
            if (_stopping)
                return;
            if (!_links.TryGetValue(where, out link))
            {
                if (_links.Count >= MaxLinks)
                    return;
                link = new PeerLink(where, this, _options, _time, _logger);
                _links.Add(where, link);
                link.Start();
            }
        }
        link.WantedAtMs = Math.Max(link.WantedAtMs, wantedAtMs);
        if (nudge && link.Remote is null)
            link.Nudge();
    }

    /// <summary>Gives up links that nobody has wanted since <paramref name="beforeMs"/> and that reach nobody.</summary>
    public void DropUnwanted(long beforeMs)
    {
        List<PeerLink> dropped;
        lock (_lock)
        {
            dropped = [.. _links.Values.Where(l => l.Remote is null && l.WantedAtMs < beforeMs)];
            foreach (var link in dropped)
                _links.Remove(link.Address);
        }
        foreach (var link in dropped)
            link.Dispose();
    }

    /// <summary>Sends to the message's addressee, best effort; never blocks.</summary>
    public void Send(Message message, WalBatch? recent) => _byKey.GetValueOrDefault(message.To)?.Send(message, recent);

    /// <summary>Sends a frame to one node, best effort; never blocks.</summary>
    public bool Send(NodeKey to, byte[] frame) => _byKey.GetValueOrDefault(to)?.Send(frame) ?? false;

    /// <summary>Sends a frame to every node that is reached.</summary>
    public void Broadcast(byte[] frame)
    {
        foreach (var link in _byKey.Values)
            link.Send(frame);
    }

    public bool LinkUp(PeerLink link, PeerIdentity remote)
    {
        lock (_lock)
        {
            if (_stopping || (_byKey.TryGetValue(remote.Key, out var other) && other != link))
                return false;
            _byKey = _byKey.SetItem(remote.Key, link);
        }
        return true;
    }

    public void LinkReady(PeerIdentity remote) => Connected?.Invoke(remote.Key);

    public void LinkDown(PeerLink link)
    {
        List<PeerLink> resting;
        lock (_lock)
        {
            foreach (var (key, value) in _byKey)
            {
                if (value == link)
                    _byKey = _byKey.Remove(key);
            }
            resting = [.. _links.Values.Where(l => l != link && l.Remote is null)];
        }
        foreach (var other in resting)
            other.Nudge();
    }

    public bool TryGetBatch(BatchInfo info, [NotNullWhen(true)] out WalBatch? batch)
    {
        batch = null;
        try
        {
            if (!_wal.TryGetBatch(info.FirstLsn, out batch))
                return false;
        }
        catch (WalDamagedException e)
        {
            // Rule C6: what this node once promised is gone. It ends its part; the next start discards the damaged suffix.
            _onLogDamage(e.Message);
            return false;
        }
        if (batch.FirstLsn == info.FirstLsn && batch.LastLsn == info.LastLsn && batch.Term == info.Term)
            return true;
        batch.Release();
        batch = null;
        return false;
    }

    public void Dispose()
    {
        List<PeerLink> links;
        lock (_lock)
        {
            _stopping = true;
            links = [.. _links.Values];
            _links.Clear();
        }
        foreach (var link in links)
            link.Dispose();
    }
}
