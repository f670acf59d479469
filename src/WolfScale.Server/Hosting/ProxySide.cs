using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;
using WolfScale.Wal;

namespace WolfScale.Server.Hosting;

/// <summary>The node's proxy, and the cluster as it needs to see it: who serves, and what the quorum holds.</summary>
internal sealed class ProxySide : IClusterRoutes, IQuorumGate, IAccountSecrets, IProxyControl, IClientRegister, IAsyncDisposable
{
    private readonly Lock _updating = new();
    private readonly ClusterNode _node;
    private readonly NodeConfiguration _configuration;
    private readonly Func<DatabaseState?> _database;
    private readonly TimeProvider _time;
    private readonly ProxyServer _server;
    private readonly ReplicatedLog _log;
    private readonly AccountHashes _accounts;
    private readonly BinaryLogQuestion _logs;
    private readonly ViewList _viewList;
    private volatile HiddenViews _views = HiddenViews.None.AsOld();
    private volatile bool _viewsAreRead;
    private readonly ReaderLoad _load = new();
    private Reader? _own;
    private int _readersVersion;
    private int _closings;
    private volatile bool _isHandingOver;
    private readonly ConcurrentDictionary<HostPort, IPEndPoint> _resolved = new();
    private volatile Routes _current = Routes.Nowhere;
    private volatile HeldMark _held = new(0, default);

    /// <exception cref="SocketException">The proxy's address cannot be used.</exception>
    public ProxySide(ClusterNode node, NodeConfiguration configuration, Func<DatabaseState?> database, AccountHashes accounts, ILoggerFactory loggers, TimeProvider time, IWriteTraces? traces)
    {
        (_node, _configuration, _database, _accounts, _time) = (node, configuration, database, accounts, time);
        _ = HostPort.TryParse(configuration.Proxy.BindAddress, out var bind, out _);
        _log = new ReplicatedLog(node);
        _logs = new BinaryLogQuestion(NodeOptions.Database(configuration, static () => []), time);
        _viewList = new ViewList(NodeOptions.Database(configuration, static () => []), OnDefinitionsRead, time);
        _server = new ProxyServer(NodeOptions.Proxy(configuration, bind) with { Traces = traces }, this, this, this, loggers, time);
        _node.ViewChanged += OnViewChanged;
        _node.Clients = this;
        Update();
    }

    public Routes Current => _current;

    public HiddenViews Views => _views;

    /// <summary>The same, once they were read: for proxies without a server.</summary>
    public HiddenViews? HiddenNames => _viewsAreRead ? _views : null;

    public QuorumAnswer Ask(Gtid gtid, long epoch, int closings)
    {
        if (_node.Role.Lease is not { } lease || lease.Term != epoch || lease.Ended.IsCancellationRequested)
            return AfterTheEnd(gtid, epoch, closings);
        var held = _held;
        if (held.Epoch == epoch && held.Gtid.Domain == gtid.Domain && gtid.Sequence <= held.Gtid.Sequence)
            return QuorumAnswer.Held;
        // One look-up serves every commit of the same round: a domain's sequence grows with the log while one server leads (gtid_strict_mode).
        if (_node.Wal.LastGroupAtOrBefore(_node.CommitLsn, out _) is { } last)
            _held = held = new HeldMark(epoch, new Gtid(last.Domain, last.ServerId, last.Sequence));
        return held.Gtid.Domain == gtid.Domain && gtid.Sequence <= held.Gtid.Sequence && !lease.Ended.IsCancellationRequested ? QuorumAnswer.Held : QuorumAnswer.NotYet;
    }

    public Task<bool> LogsAsync() => _logs.AskAsync();

    /// <summary>A planned switchover has begun, or was given up.</summary>
    public void OnHandover(bool isUnderWay)
    {
        _isHandingOver = isUnderWay;
        Update();
    }

    /// <summary>See <see cref="ProxyServer.PassAsync"/>.</summary>
    public Task PassAsync(CancellationToken cancellationToken) => _server.PassAsync(cancellationToken);

    /// <summary>See <see cref="ProxyServer.SettleAsync"/>.</summary>
    public Task SettleAsync(TimeSpan limit, CancellationToken cancellationToken) => _server.SettleAsync(limit, cancellationToken);

    /// <summary>A demotion begins: what the server commits from here on may be undone later, and another transaction may then get its GTID.</summary>
    public void OnClosing()
    {
        _ = Interlocked.Increment(ref _closings);
        Update();
    }

    /// <summary>The feed is about to hand over what may change a view or a routine.</summary>
    public void OnDefinition(Gtid gtid) => _viewList.Expect(gtid);

    /// <summary>The proxy's options in force.</summary>
    public ProxyOptions Options => _server.Options;

    /// <summary>See <see cref="ProxyServer.Reconfigure"/>.</summary>
    public void Reconfigure(ProxyOptions options) => _server.Reconfigure(options);

    /// <summary>Where it listens, with the real port where 0 was asked for.</summary>
    public IPEndPoint Address => _server.Address;

    public ProxyCounters Counters => _server.Counters;

    /// <summary>See <see cref="ProxyServer.TryFindLastGtid"/>.</summary>
    public bool TryFindLastGtid(uint clientId, out Gtid? gtid) => _server.TryFindLastGtid(clientId, out gtid);

    /// <summary>The node's own server while it follows and may be read from.</summary>
    /// <param name="whoeverLeads">Also while somebody is known to lead.</param>
    public IPEndPoint? FindOwnServer(bool whoeverLeads) => _current is { Readers: [var own, ..] } now && (whoeverLeads || now.Leader is null) ? (IPEndPoint)own.Address : null;

    /// <summary>Clients at this moment, other proxies' connections among them.</summary>
    public int Sessions => _server.Sessions;

    public Task<Gtid?> ReadIndexAsync() => ReadIndex.AskAsync(_node, _time);

    public async Task<IReadOnlyList<RemoteClient>> FindClientsAsync(uint clientId, string user)
    {
        var told = new HashSet<NodeKey>(); // an order is about all that a node has of the client
        return
        [
            .. from client in await _node.FindClientsAsync(clientId, user)
               let isFirst = told.Add(client.Node)
               select new RemoteClient(new ClientPlace(client.State.ConnectionId, client.State.Reads, client.State.Through), session =>
               {
                   if (isFirst)
                       _node.EndClient(client, clientId, user, session);
               }),
        ];
    }

    IReadOnlyList<ClientState> IClientRegister.Find(uint clientId, string user) => [.. _server.FindClients(clientId, user).Select(place => new ClientState(place.ConnectionId, place.Reads, place.Through))];

    void IClientRegister.End(uint clientId, string user, bool session) => _server.EndClients(clientId, user, session);

    public Task<IReadOnlyList<byte[]>> NativeHashesAsync(string user) => _accounts.NativeAsync(user);

    public void Remember() => _accounts.Remember();

    /// <summary>The local server's state has changed.</summary>
    public void Update()
    {
        lock (_updating)
        {
            var readers = OwnReader();
            _current = Look(readers) with { Closings = Volatile.Read(ref _closings), ReadersVersion = _readersVersion };
        }
    }

    public async ValueTask DisposeAsync()
    {
        _node.ViewChanged -= OnViewChanged;
        _node.Clients = null;
        _server.Dispose();
        await _viewList.DisposeAsync();
        await _logs.DisposeAsync();
    }

    private void OnDefinitionsRead(StoredDefinitions read, bool isOld)
    {
        if (isOld)
            _views = _views.AsOld();
        else
            (_views, _viewsAreRead) = (HiddenViews.Among(read.Views, read.Bodies), true);
    }

    private void OnViewChanged(ClusterView view) => Update();

    /// <summary>The own server while it follows; another one each time it has begun to.</summary>
    private ImmutableArray<Reader> OwnReader()
    {
        var database = _database();
        var follows = database is { Phase: DatabasePhase.Following, NodeStatus: "ACTIVE" };
        if (follows != _own is not null)
        {
            _viewList.Expect(null); // what it had as a leader, say, was not announced
            _own = follows ? new Reader(_configuration.Node.Id, LocalServer(), _load) : null;
            _readersVersion++;
        }

        if (_own is { } own && GtidPosition.TryParse(database!.Position, out var position) && position.Gtids is [var only])
            own.Tell(only.Sequence);
        return _own is null ? [] : [_own];
    }

    private Routes Look(ImmutableArray<Reader> readers)
    {
        if (_node.Role.Lease is { } lease && _database() is { Phase: DatabasePhase.Serving })
            return new Routes(lease.Term, LocalServer(), LeaderIsHere: true, _configuration.Node.Id, []) { IsHandingOver = _isHandingOver };
        var view = _node.View;
        return view.Leader is { } leader && leader.Id != view.SelfId && HostPort.TryParse(leader.ProxyAddress, out var address, out _)
            ? new Routes(view.Term, Resolve(address), LeaderIsHere: false, leader.Id, readers)
            : Routes.Nowhere with { Epoch = view.Term, Readers = readers };
    }

    /// <summary>
    /// Over TCP and never through the unix socket: there the server would take the proxy's own operating-system user for the client's (unix_socket
    /// authentication lets root in without a password).
    /// </summary>
    private IPEndPoint LocalServer() => Resolve(new HostPort(_configuration.Database.Host, _configuration.Database.Port))!;

    /// <summary>A name is looked up once: node addresses do not move while a node runs.</summary>
    private IPEndPoint? Resolve(HostPort address)
    {
        if (address.Host is "localhost" or "" || IPAddress.TryParse(address.Host, out _))
            return (address with { Host = address.Host.Length == 0 ? "localhost" : address.Host }).ToEndPoint();
        if (_resolved.TryGetValue(address, out var known))
            return known;
        try
        {
            return _resolved[address] = new IPEndPoint(Dns.GetHostAddresses(address.Host)[0], address.Port);
        }
        catch (SocketException)
        {
            return null; // the next change of the view looks again
        }
    }

    /// <summary>
    /// The leadership under which the statement was sent is over. Which transaction a GTID means is certain in the term it was sent in, and also in a later
    /// one where the server was not closed in between: a leader that had lost its quorum keeps its commits waiting and captures them again when it
    /// leads again. Once an entry of another leader's term is committed here, what is not in the log by then was never committed (IsSettled).
    /// </summary>
    private QuorumAnswer AfterTheEnd(Gtid gtid, long epoch, int closings)
    {
        var settled = _log.IsSettled; // before the look: what is not there after it never was
        var untouched = closings == Volatile.Read(ref _closings);
        if (CommittedTerm(gtid) is { } term && (term == epoch || (untouched && term > epoch)))
            return QuorumAnswer.Held;
        return settled ? QuorumAnswer.Gone : QuorumAnswer.Lost;
    }

    /// <returns>The term in which a committed group with this GTID was written, or null.</returns>
    private long? CommittedTerm(Gtid gtid) =>
        _node.Wal.FindGroup(new EntryKey(gtid.Domain, gtid.ServerId, gtid.Sequence)) is { } lsn && lsn <= _node.CommitLsn ? _node.Wal.TermAt(lsn) : null;

    /// <summary>In this epoch the quorum holds everything up to this GTID.</summary>
    private sealed record HeldMark(long Epoch, Gtid Gtid);
}
