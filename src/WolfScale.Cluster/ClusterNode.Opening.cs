using System.Net;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Handshake;
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
    private ClusterNode(
        ClusterOptions options, Opened opened, TransportOptions transport, TlsCredentials? tls, IPEndPoint endpoint, TimeProvider time, ILogger logger)
    {
        (_options, _time, _logger, _tls) = (options, time, logger, tls);
        (_store, _identity, Wal) = (opened.Store, opened.Identity, opened.Wal);
        _board = new StatusBoard(options);
        _inbound = new InboundRegistry(TimeSpan.FromMilliseconds(3L * options.HeartbeatIntervalMs));
        _listener = new ClusterListener(endpoint, transport, this, time, logger);
        Address = Advertised(options, _listener.Endpoint);
        _peers = new PeerDirectory(
            new PeerIdentity(_identity.Key, Guid.NewGuid(), options.ClusterName, _identity.ClusterId, Address), transport, Wal, time, logger,
            onLogDamage: reason => _host!.Stop(reason));
        _view = new ClusterView { ClusterName = options.ClusterName, SelfId = _identity.Key.Id };
        try
        {
            new ClusterStart(options, time, logger).Bind(_store, _identity, Wal, Address, peer => Probe(peer, transport));
            _peers.Identity = _peers.Identity with { ClusterId = _identity.ClusterId };
            _host = new CoreHost(CoreOptions(options), _identity.Key, _store, Wal, this, time, logger);
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
        _join = new JoinAgent(_identity, options, Address, _host, _peers, time, logger);
        _keeper = new MembershipKeeper(_host, _inbound, options, logger);
        _reads = new StrongReads(_host, _peers, options, time);
        _retention = new LogRetention(Wal, options, time, logger);
    }

    private sealed record Opened(SqliteStateStore Store, NodeIdentity Identity, WriteAheadLog Wal);

    private static async Task<ClusterNode> OpenAsync(ClusterOptions options, ILogger logger, TimeProvider time)
    {
        var tls = options.Tls is null ? null : TlsCredentials.Load(options.Tls);
        var start = new ClusterStart(options, time, logger);
        var (store, identity) = start.OpenState();
        WriteAheadLog? wal = null;
        try
        {
            wal = start.OpenLog(identity);
            return new ClusterNode(options, new Opened(store, identity, wal), Transport(options, tls), tls, ClusterStart.BindEndpoint(options), time, logger);
        }
        catch
        {
            if (wal is not null)
                await wal.DisposeAsync();
            store.Dispose();
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
        _host.Start();
        _listener.Start();
        WantPeers();
        _housekeeping = KeepHouseAsync();
    }

    /// <summary>Asks an address who is there, before this node founds a cluster.</summary>
    private PeerIdentity? Probe(string peer, TransportOptions transport)
    {
        if (!HostPort.TryParse(peer, out var address) || peer == Address)
            return null;
        var result = LinkDialer.Dial(address, _peers.Identity, transport, _time);
        result.Session?.Dispose();
        return result.Remote;
    }

    private static TransportOptions Transport(ClusterOptions options, TlsCredentials? tls) => new()
    {
        Secret = TransportOptions.SecretBytes(options.Secret),
        Tls = tls,
        MaxAppendBytes = WalBatch.MaxTotalBytes + CoreOptions(options).MaxMessageBytes + 64 * 1024,
        SilenceMs = Math.Max(1000, Math.Max(options.ElectionTimeoutMaxMs, 4 * options.HeartbeatIntervalMs)),
        RedialMs = Math.Clamp(options.HeartbeatIntervalMs, 100, 1000),
        CatchUpBytesPerSecond = options.CatchUpBytesPerSecond,
    };

    private static RaftOptions CoreOptions(ClusterOptions options) => new()
    {
        HeartbeatIntervalMs = options.HeartbeatIntervalMs,
        ElectionTimeoutMinMs = options.ElectionTimeoutMinMs,
        ElectionTimeoutMaxMs = options.ElectionTimeoutMaxMs,
        TransferTimeoutMs = options.ElectionTimeoutMaxMs,
    };

    private static string Advertised(ClusterOptions options, IPEndPoint bound)
    {
        if (options.AdvertiseAddress.Length == 0 || !HostPort.TryParse(options.AdvertiseAddress, out var address))
            return new HostPort(bound.Address.ToString(), bound.Port).ToString();
        return (address.Port == 0 ? address with { Port = bound.Port } : address).ToString();
    }
}
