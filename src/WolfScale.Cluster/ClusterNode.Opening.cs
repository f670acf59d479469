using System.Net;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Discovery;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.History;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.State;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster;

/// <summary>How a node is put together.</summary>
public sealed partial class ClusterNode
{
    private ClusterNode(ClusterOptions options, Opened opened, TimeProvider time, ILogger logger)
    {
        (_current, _time, _logger) = (options, time, logger);
        (_store, _identity, Wal, _listener, Address, _tls) = (opened.Store, opened.Identity, opened.Wal, opened.Listener, opened.Self.Address, opened.Tls);
        (_discovery, _background) = (opened.Discovery, opened.Listener.Options.Background!);
        _view = new ClusterView { ClusterName = options.ClusterName, SelfId = Self.Id };
        _board = new StatusBoard(_current);
        _inbound = new InboundRegistry(TimeSpan.FromMilliseconds(3L * options.HeartbeatIntervalMs));
        _host = new CoreHost(CoreOptions(options), options.Mode, Self, _store, Wal, this, time, logger) { OwnCommitted = _background.Committed };
        _waiters = new CommitWaiters(() => _host.CommitLsn);
        _peers = new PeerDirectory(opened.Self with { ClusterId = _identity.ClusterId }, _listener.Options, Wal, time, logger, onLogDamage: _host.Stop);
        _join = new JoinAgent(_identity, _current, Address, _host, _peers, DescribeDiscovery, time, logger);
        _starts = new LogStartKeeper(Wal, _board, _peers, new LogThrottle(time, TimeSpan.FromSeconds(60)), logger);
        _keeper = new MembershipKeeper(_host, _inbound, _starts, _current, logger);
        _reads = new StrongReads(_host, _peers, options, time);
        _clients = new ClientQuestions(_peers, time);
        _retention = new LogRetention(Wal, _current, time, logger);
        History = opened.History;
        _chronicle = new ClusterChronicle(Self, options, History, _host.Configuration, () => _local.Reason, () => _host.Halted);
    }

    private sealed record Opened(
        SqliteStateStore Store, NodeIdentity Identity, WriteAheadLog Wal, ClusterListener Listener, PeerIdentity Self, TlsCredentials? Tls, DiscoveryService? Discovery, EventHistory History);

    private static async Task<ClusterNode> OpenAsync(ClusterOptions options, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var tls = options.Tls is null ? null : TlsCredentials.Load(options.Tls);
        var transport = Transport(options, tls, time);
        var start = new ClusterStart(options, time, logger);
        SqliteStateStore? store = null;
        WriteAheadLog? wal = null;
        ClusterListener? listener = null;
        DiscoveryService? discovery = null;
        EventHistory? history = null;
        try
        {
            (store, var identity) = start.OpenState();
            wal = start.OpenLog(identity);
            listener = new ClusterListener(ClusterStart.BindEndpoint(options), transport, time, logger);
            var address = Advertised(options, listener.Endpoint);
            var self = new PeerIdentity(identity.Key, Guid.NewGuid(), options.ClusterName, identity.ClusterId, address);
            discovery = Discover(options, listener.Endpoint, self, identity, logger, time);
            await start.BindAsync(store, identity, wal, address, peer => Probe(peer, self, transport, time), discovery, cancellationToken);
            history = EventHistory.Open(Path.GetDirectoryName(store.Path)!, options.NodeId, time, logger);
            return new ClusterNode(options, new Opened(store, identity, wal, listener, self, tls, discovery, history), time, logger);
        }
        catch
        {
            if (discovery is not null)
                await discovery.DisposeAsync();
            listener?.Dispose();
            if (wal is not null)
                await wal.DisposeAsync();
            if (history is not null)
                await history.DisposeAsync();
            store?.Dispose();
            tls?.Dispose();
            throw;
        }
    }

    private void Begin()
    {
        RuntimeLog.Starting(_logger, Self.Id, Self.Incarnation, Address, Wal.FirstLsn, Wal.Last.Lsn, Role.Term, _identity.ClusterId);
        _peers.Connected += key =>
        {
            _peers.Send(key, Report(goodbye: false).Frame());
            _join.Tick();
        };
        _rememberedPeers = _store.LoadPeers();
        RefreshView();
        ReadWhetherItLeaves();
        _host.Start(_identity.HasLeft ? HasLeft : null);
        _listener.Start(this);
        CallOut();
        if (_discovery is { } discovery)
            discovery.News += OnDiscovered;
        WantPeers();
        _housekeeping = KeepHouseAsync();
    }

    /// <summary>Begins before the node is bound to a cluster: who founds one must hear those that are there.</summary>
    private static DiscoveryService? Discover(
        ClusterOptions options, IPEndPoint bound, PeerIdentity self, NodeIdentity identity, ILogger logger, TimeProvider time)
    {
        if (!options.Discovery)
            return null;
        if (options.Secret.Length == 0)
        {
            RuntimeLog.DiscoveryWithoutSecret(logger);
            return null;
        }
        var discovery = new DiscoveryService(new DiscoveryOptions { ClusterName = options.ClusterName, Secret = options.Secret, Bind = bound }, logger, time);
        discovery.Announce(identity.HasLeft ? null : Beacon(options, self, options.Bootstrap));
        discovery.Start();
        return discovery;
    }

    /// <summary>Asks an address who is there, before this node founds a cluster.</summary>
    private static PeerIdentity? Probe(string peer, PeerIdentity self, TransportOptions transport, TimeProvider time)
    {
        if (!HostPort.TryParse(peer, out var address) || peer == self.Address)
            return null;
        var result = LinkDialer.Dial(address, self, transport, time);
        result.Session?.Dispose();
        return result.Remote;
    }

    private static TransportOptions Transport(ClusterOptions options, TlsCredentials? tls, TimeProvider time) => new()
    {
        Secret = TransportOptions.SecretBytes(options.Secret),
        Tls = tls,
        MaxAppendBytes = WalBatch.MaxTotalBytes + CoreOptions(options).MaxMessageBytes + 64 * 1024,
        SilenceMs = Math.Max(2000, Math.Max(options.ElectionTimeoutMaxMs, 4 * options.HeartbeatIntervalMs)),
        RedialMs = Math.Clamp(options.HeartbeatIntervalMs, 100, 1000),
        Background = new BackgroundPace(time, TimeSpan.FromMilliseconds(options.HeartbeatIntervalMs)),
    };

    private static RaftOptions CoreOptions(ClusterOptions options) => new()
    {
        HeartbeatIntervalMs = options.HeartbeatIntervalMs,
        ElectionTimeoutMinMs = options.ElectionTimeoutMinMs,
        ElectionTimeoutMaxMs = options.ElectionTimeoutMaxMs,
        TransferTimeoutMs = options.ElectionTimeoutMaxMs,
        MaxMessageEntries = options.MaxMessageEntries,
        ColdStartPatienceMs = 5 * options.ElectionTimeoutMaxMs,
    };

    private static string Advertised(ClusterOptions options, IPEndPoint bound)
    {
        if (options.AdvertiseAddress.Length == 0 || !HostPort.TryParse(options.AdvertiseAddress, out var address))
            return new HostPort(bound.Address.ToString(), bound.Port).ToString();
        return (address.Port == 0 ? address with { Port = bound.Port } : address).ToString();
    }
}
