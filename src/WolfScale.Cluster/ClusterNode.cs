using Microsoft.Extensions.Logging;
using WolfScale.Cluster.History;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.State;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster;

/// <summary>
/// One node of the cluster: runs the consensus core over the network, the log and the node's state. All members may be called from any thread.
/// </summary>
public sealed partial class ClusterNode : IAsyncDisposable
{
    private readonly BackgroundPace _background;
    private readonly CurrentOptions _current;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SqliteStateStore _store;
    private readonly NodeIdentity _identity;
    private readonly TlsCredentials? _tls;
    private readonly ClusterListener _listener;
    private readonly PeerDirectory _peers;
    private readonly InboundRegistry _inbound;
    private readonly CoreHost _host;
    private readonly CommitWaiters _waiters;
    private readonly StatusBoard _board;
    private readonly JoinAgent _join;
    private readonly MembershipKeeper _keeper;
    private readonly LogStartKeeper _starts;
    private readonly StrongReads _reads;
    private readonly ClientQuestions _clients;
    private readonly LogRetention _retention;
    private readonly ClusterChronicle _chronicle;
    private readonly CancellationTokenSource _stopping = new();
    private volatile LocalState _local = new();
    private volatile LocalState _given = new();
    private volatile ClusterView _view;
    private Task _housekeeping = Task.CompletedTask;
    private bool _disposed;

    /// <summary>Opens log and state, founds or finds the cluster, and takes part from then on.</summary>
    /// <exception cref="ClusterStartException">The node cannot or must not start; the message says what to do.</exception>
    public static async Task<ClusterNode> StartAsync(
        ClusterOptions options, ILoggerFactory logging, TimeProvider time, CancellationToken cancellationToken = default)
    {
        OptionsCheck.Check(options);
        // Opening reads the whole log, and probing connects: not on the caller's thread.
        var node = await Task.Run(() => OpenAsync(options, logging.CreateLogger("WolfScale.Cluster"), time, cancellationToken), cancellationToken);
        node.Begin();
        return node;
    }

    /// <summary>This node, in this life of its data directory.</summary>
    public NodeKey Self => _identity.Key;

    /// <summary>Where other nodes reach it, HOST:PORT.</summary>
    public string Address { get; }

    /// <summary>The cluster as this node sees it; swapped whole.</summary>
    public ClusterView View => _view;

    /// <summary>A new <see cref="View"/> is there. Must be short; views may be left out where several follow at once.</summary>
    public event Action<ClusterView>? ViewChanged;

    /// <summary>In order, one at a time, with <see cref="CommitAdvanced"/>; must be short and must not block.</summary>
    public event Action<RoleChange>? RoleChanged;

    /// <summary>The last role change, as it was or will be announced.</summary>
    public RoleChange Role => _host.Role;

    /// <summary>The configuration in force on this node (cluster id, base, members); null before it is a member.</summary>
    public Configuration? Configuration => _host.Configuration;

    /// <summary>The node's log.</summary>
    public WriteAheadLog Wal { get; }

    /// <summary>What has happened, and where every part tells of it.</summary>
    public EventHistory History { get; }

    /// <summary>The node's small durable state, for the database side's plans.</summary>
    public IStateStore State => _store;

    /// <summary>
    /// Last LSN known to be held by a majority (and, on a follower, durable here). In mode "available": acknowledged by a leader, and durable here; it falls when
    /// <see cref="Discards"/> rises, and only then.
    /// </summary>
    public long CommitLsn => _host.CommitLsn;

    /// <summary>So many bytes are to be sent that no commit waits for; see <see cref="BackgroundPace"/>.</summary>
    /// <returns>How long the sender waits, so that commits do not suffer; at most a second.</returns>
    public TimeSpan SpendInBackground(long bytes) => _background.Spend(bytes, _host.CommitWaits);

    /// <summary>
    /// Mode "available": how many times since its start the node has cut off entries that may have been acknowledged. Whoever has read committed entries, and reads
    /// the same number afterwards as before, has read what was committed.
    /// </summary>
    public long Discards => _host.Discards;

    /// <summary>
    /// The commit LSN has risen. In order, one at a time, normally on the thread that learned of it; must be short and must not block. May call into
    /// the node. Nothing of a term is announced after its lease has ended.
    /// </summary>
    public event Action<long>? CommitAdvanced;

    /// <summary>
    /// Appends a batch at the end of the log and starts its replication, on the calling thread. Takes over the batch when accepted; a refused one
    /// stays the caller's. Does not wait for the disk.
    /// </summary>
    public ProposeOutcome Propose(SealedBatch batch, long term) => _host.Propose(batch, term);

    /// <summary>Back-pressure: completes when the log accepts more without growing its backlog over the limit.</summary>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) => Wal.WaitForRoomAsync(cancellationToken);

    /// <summary>Completes when <see cref="CommitLsn"/> is at least <paramref name="lsn"/>.</summary>
    public ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken) =>
        lsn <= CommitLsn ? ValueTask.CompletedTask : _waiters.WaitAsync(lsn, cancellationToken);

    /// <summary>What this node tells the others about itself from now on. What matters to routing is told at once, mere progress with the next heartbeat.</summary>
    public void SetLocalState(LocalState state)
    {
        _given = state;
        state = AsOneThatLeaves(state);
        var before = Interlocked.Exchange(ref _local!, state);
        if (before == state)
            return;
        if (before.Fit != state.Fit)
            _host.SetFitness(state.Fit);
        if (Standing(before) != Standing(state))
            Announce();
    }

    /// <summary>Planned switchover to a node, or to the best fit one when null. Only on the leader.</summary>
    public async Task<TransferOutcome> TransferLeadershipAsync(string? nodeId, CancellationToken cancellationToken)
    {
        NodeKey? to = null;
        if (nodeId is not null)
        {
            if (Configuration?.FindById(nodeId) is not { } member)
                return new TransferOutcome(false, null, $"{nodeId} is not a member of the cluster");
            to = member.Key;
        }
        return await _host.TransferAsync(to).WaitAsync(cancellationToken);
    }

    /// <summary>
    /// For a strong read: the LSN that local data must show, confirmed by a majority in a round that starts after this call. On any member.
    /// </summary>
    /// <exception cref="InvalidOperationException">No leader confirmed it in time.</exception>
    public Task<long> ReadIndexAsync(CancellationToken cancellationToken) => _reads.ReadAsync(cancellationToken);

    /// <summary>This node's clients, of which other nodes ask; null: it has none.</summary>
    public IClientRegister? Clients { get => _clients.Register; set => _clients.Register = value; }

    /// <summary>Asks the other nodes for a client by the id that it was greeted with. Takes half a second at most.</summary>
    /// <param name="clientId">The id.</param>
    /// <param name="user">The user name it has logged in with.</param>
    /// <returns>Those that answered and have one.</returns>
    public Task<IReadOnlyList<ClientElsewhere>> FindClientsAsync(uint clientId, string user) => _clients.AskAsync(clientId, user);

    /// <summary>Has a client's read on another server than the leader's ended by its node; with <paramref name="session"/> its session, too. Best effort.</summary>
    public void EndClient(ClientElsewhere client, uint clientId, string user, bool session) =>
        _clients.Order(client, session ? ClientOrder.EndSession : ClientOrder.EndStatement, clientId, user);

    /// <summary>The options in force.</summary>
    public ClusterOptions Options => _current.Value;

    /// <summary>
    /// Takes over what may change while the node runs: peers, never_leader, drop_after_s, retention, and the certificates, which are read again for the connections that begin from here on. Everything else
    /// in the options is left as it was at the start.
    /// </summary>
    /// <exception cref="ClusterStartException">A certificate cannot be used; nothing is changed then.</exception>
    public void Reconfigure(ClusterOptions options)
    {
        if (_tls is not null && options.Tls is { } files)
            _tls.Reload(files);
        _current.Follow(options);
    }

    /// <summary>Whether certificates could be used. They are read, and nothing is changed.</summary>
    /// <exception cref="ClusterStartException">They could not.</exception>
    public static void CheckTls(TlsFiles files) => TlsCredentials.Load(files).Dispose();

    /// <summary>Stops: says goodbye, closes the connections, syncs and closes the log.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_disposed)
            _peers.Broadcast(Report(goodbye: true).Frame());
        await StopAsync();
    }

    /// <summary>What runs the core; for tests that say to it what a peer would.</summary>
    internal CoreHost Host => _host;

    /// <summary>Stops without a word, as a crash would look to the others.</summary>
    internal async ValueTask StopAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _stopping.CancelAsync();
        await _housekeeping;
        if (_discovery is not null)
            await _discovery.DisposeAsync();
        _host.Dispose();
        _listener.Dispose();
        _peers.Dispose();
        await Wal.DisposeAsync();
        await History.DisposeAsync();
        _store.Dispose();
        _tls?.Dispose();
        _stopping.Dispose();
    }
}
