using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.State;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// Runs the pure core: one input at a time under one gate, its effects executed completely and in order before the next input.
/// <code>
///   capture thread ── Propose ──┐                       ┌─▶ WAL append (the writer thread syncs it meanwhile)
///   receive threads ─ Receive ──┤  gate: core ▶ effects ├─▶ SQLite: term and vote, synced before anything later
///   WAL thread ────── Synced ───┤                       ├─▶ send, on this very thread where the socket has room
///   timer ─────────── Tick ─────┘                       └─▶ news, handed to subscribers after the gate is left
/// </code>
/// A lock and no mailbox: a commit crosses as few sleeping threads as possible, and a wake-up costs more than the core. The gate is never
/// held across an await, and nothing under it waits for the network.
/// </summary>
internal sealed partial class CoreHost : IDisposable
{
    /// <summary>SQLITE_FULL: no space for the state database.</summary>
    private const int SqliteFull = 13;

    private readonly Lock _gate = new();
    private readonly RaftOptions _options;
    private readonly NodeKey _self;
    private readonly SqliteStateStore _store;
    private readonly WriteAheadLog _wal;
    private readonly ICoreOutput _output;
    private readonly Notifier _notifier;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EffectList _effects = new();
    private readonly DeadlineThread _timer;
    private readonly long _origin;
    private WalLogView _log;
    private RaftCore? _core;
    private WalBatch? _recent;
    private Guid _namedCluster; // by the sender of the message whose effects are executed
    private long _armedMs = long.MaxValue;
    private readonly ClusterMode _mode;
    private long _commitLsn;
    private long _discards;
    private bool _fit;
    private int _flushing; // threads that sync what they received
    private long _flushBeganMs; // when the first of them began
    private long _flushedMs; // when a sync ended that took long

    public CoreHost(RaftOptions options, ClusterMode mode, NodeKey self, SqliteStateStore store, WriteAheadLog wal, ICoreOutput output, TimeProvider time, ILogger logger)
    {
        _mode = mode;
        (_options, _self, _store, _wal, _output, _time, _logger) = (options, self, store, wal, output, time, logger);
        _origin = time.GetTimestamp();
        _notifier = new Notifier(logger, output.Deliver);
        _timer = new DeadlineThread(() => NowMs, Tick);
        _commitLsn = wal.Start.Before.Lsn;
        _log = new WalLogView(wal);
        Role = new RoleChange(RaftRole.Follower, store.LoadHardState().Term, null, null);
        Configuration = _log.Configurations.LastOrDefault().Configuration;
    }

    /// <summary>Told of every now and then one of this leader's commits: how long it took from its proposal. Must be short; called under the gate.</summary>
    public Action<TimeSpan>? OwnCommitted { get; init; }

    /// <summary>Milliseconds of this process; never 0.</summary>
    public long NowMs => 1 + (long)_time.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>How long the core's clock has owed it a call.</summary>
    public long ClockLateMs => _timer.LateMs;

    public long CommitLsn => Volatile.Read(ref _commitLsn);

    /// <summary>What this leader has proposed last, or some time ago, is not committed yet.</summary>
    public bool CommitWaits => Volatile.Read(ref _sampleLsn) != 0;

    /// <summary>Mode "available": how many times entries were cut off since the node started.</summary>
    public long Discards => Interlocked.Read(ref _discards);

    /// <summary>The last role change; the lease in it may have ended.</summary>
    public RoleChange Role { get; private set; }

    /// <summary>The configuration in force; null on a node that waits to be joined.</summary>
    public Configuration? Configuration { get; private set; }

    /// <summary>Why the node does not take part; null while it does.</summary>
    public string? Halted { get; private set; }

    /// <summary>Begins to take part.</summary>
    /// <param name="halted">Why it does not yet, see <see cref="Restart"/>; null for at once.</param>
    public void Start(string? halted)
    {
        _wal.Synced += OnSynced;
        _wal.Failed += OnWalFailed;
        Halted = halted;
        if (halted is null)
            Restart();
    }

    public void Tick() => Enter(false, 0, static (host, core, _) =>
    {
        var lateMs = host.NowMs - host._armedMs;
        if (lateMs >= host._options.HeartbeatIntervalMs)
            RuntimeLog.StoodStill(host._logger, lateMs);
        host._armedMs = long.MaxValue;
        if (!host.EndHandover() && host.PatienceEndsMs(core) <= host.NowMs)
            core.Tick(host.NowMs, host._effects);
        return true;
    });

    /// <summary>Takes a peer's message; the references to its batches are given up here.</summary>
    /// <param name="message">What has come.</param>
    /// <param name="namedCluster">The cluster its sender names; not empty where the message has entries and this log belongs to no cluster yet.</param>
    public void Receive(Message message, Guid namedCluster)
    {
        try
        {
            Enter(false, (message, namedCluster), static (host, core, received) =>
            {
                host._namedCluster = received.namedCluster;
                core.Receive(host.NowMs, received.message, host._effects);
                return true;
            });
        }
        finally
        {
            MessageCodec.ReleaseBatches(message);
        }
    }

    /// <summary>Nothing connects that node with this one any more.</summary>
    public void PeerDisconnected(NodeKey peer) => Enter(false, peer, static (host, core, peer) =>
    {
        core.PeerDisconnected(host.NowMs, peer, host._effects);
        return true;
    });

    /// <summary>That node has connected to this one.</summary>
    public void PeerConnected(NodeKey peer) => Enter(false, peer, static (host, core, peer) =>
    {
        core.PeerConnected(host.NowMs, peer, host._effects);
        return true;
    });

    /// <summary>Syncs what <see cref="Receive"/> appended, on this thread; the acknowledgement leaves from here as well.</summary>
    public void FlushReceived()
    {
        if (!Interlocked.Exchange(ref _unflushed, false))
            return;
        var began = _time.GetTimestamp();
        if (Interlocked.Increment(ref _flushing) == 1)
            Volatile.Write(ref _flushBeganMs, NowMs);
        try
        {
            _wal.FlushInline();
        }
        finally
        {
            if (_time.GetElapsedTime(began).TotalMilliseconds >= _options.HeartbeatIntervalMs)
                Volatile.Write(ref _flushedMs, NowMs);
            _ = Interlocked.Decrement(ref _flushing);
        }
    }

    public ProposeOutcome Propose(SealedBatch batch, long term) =>
        Enter(new ProposeOutcome(ProposeResult.NotLeader, 0, Role.Term), (batch, term), static (host, core, proposal) =>
        {
            var outcome = core.Propose(proposal.batch.Count, proposal.batch.Bytes, proposal.term, host._effects);
            host.BeginSample(outcome);
            return !outcome.Accepted || host.AppendProposed(proposal.batch.Assign(outcome.FirstLsn, outcome.Term))
                ? outcome
                : new ProposeOutcome(ProposeResult.NotLeader, 0, outcome.Term);
        });

    public ConfigurationOutcome ProposeConfiguration(ConfigurationChange change) =>
        Enter(new ConfigurationOutcome(ConfigurationResult.NotLeader, 0), change,
            static (host, core, change) => core.ProposeConfiguration(change, host._effects));

    public void SetFitness(bool fit)
    {
        Volatile.Write(ref _fit, fit);
        Enter(false, 0, static (host, core, _) =>
        {
            core.SetFitness(Volatile.Read(ref host._fit) && !host._givingUp ? Fitness.Fit : Fitness.Unfit, host._effects);
            return true;
        });
    }

    /// <summary>A picture of the core; null while halted.</summary>
    public CoreStatus? Status()
    {
        lock (_gate)
            return _core?.Status();
    }

    public void Dispose()
    {
        _wal.Synced -= OnSynced;
        _wal.Failed -= OnWalFailed;
        _timer.Dispose();
        lock (_gate)
            Halt("this node is stopping", resumable: false, log: false);
        _notifier.Drain();
    }

    /// <summary>Under the gate. Makes a core of what is on the disk, as after a crash: everything in the log is durable here.</summary>
    private void Build()
    {
        _log = new WalLogView(_wal);
        var restored = new RestoredState(
            _store.LoadHardState(), [.. _log.Configurations], Math.Min(CommitLsn, _wal.Last.Lsn), _wal.Generation, _wal.Durable.Lsn);
        _core = new RaftCore(_options, _self, restored, _log, new Random(System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue)));
        _core.SetFitness(_fit ? Fitness.Fit : Fitness.Unfit, _effects);
        Execute();
    }

    private void OnSynced(long lsn, long generation) => Enter(false, (lsn, generation), static (host, core, synced) =>
    {
        core.LogDurable(synced.lsn, synced.generation, host._effects);
        return true;
    });

    /// <summary>
    /// The one way to the core: one input, then all its effects, then the news. A core that throws has a state nobody knows, so the node ends its
    /// part. The inputs are static functions: nothing is allocated for them.
    /// </summary>
    /// <param name="otherwise">The result while the node does not take part.</param>
    private TResult Enter<TState, TResult>(TResult otherwise, TState state, Func<CoreHost, RaftCore, TState, TResult> input)
    {
        var result = otherwise;
        lock (_gate)
        {
            if (_core is { } core)
            {
                try
                {
                    result = input(this, core, state);
                }
                catch (Exception e)
                {
                    Halt($"the consensus core failed, which is a bug: {e}", resumable: false);
                }
                Execute();
            }
        }
        _notifier.Drain();
        return result;
    }

    /// <summary>Under the gate: everything the core wants done, in its order; then the timer.</summary>
    private void Execute()
    {
        try
        {
            for (var i = 0; i < _effects.Count && _core is not null; i++)
                Execute(_effects[i]);
        }
        catch (Exception e)
        {
            // Whatever it was, the core believes more than the disk holds now. What could not be made durable has not been answered, and what follows
            // is not executed: for everybody else it is as if this node had crashed here.
            Halt(e.Message, resumable: e is WalStoppedException { Failure.CanResume: true } or SqliteException { SqliteErrorCode: SqliteFull } or NotSavedException);
        }
        finally
        {
            _effects.Clear();
            _recent?.Release();
            _recent = null;
        }
        Arm();
    }

    /// <summary>Lets the timer fire when the core wants it, at the latest. One that fires too early does no harm, so a later wish changes nothing.</summary>
    private void Arm()
    {
        if (_core is not { } core)
            return;
        var deadlineMs = Math.Max(core.NextDeadlineMs, PatienceEndsMs(core));
        if (deadlineMs >= _armedMs)
            return;
        _armedMs = Math.Max(deadlineMs, NowMs); // what is due at once is not late
        _timer.Set(_armedMs);
    }

    /// <summary>
    /// While the thread that listens to the leader waits for this node's own disk, silence says nothing of the leader: its heartbeats lie in the socket. Until they can have been read a
    /// follower does not lose its patience. (A sync shorter than a heartbeat interval hides none: a leader that dies under load is replaced as soon as ever.) Where one disk serves several nodes, or the disks of all stall at once, they would otherwise replace a leader that lives. It costs nothing: a vote
    /// needs the same disk.
    /// </summary>
    /// <returns>Not before then; 0 for no such reason.</returns>
    private long PatienceEndsMs(RaftCore core)
    {
        if (core.Role != RaftRole.Follower)
            return 0;
        var (now, interval) = (NowMs, _options.HeartbeatIntervalMs);
        if (Volatile.Read(ref _flushing) > 0 && now - Volatile.Read(ref _flushBeganMs) >= interval)
            return now + interval;
        return Volatile.Read(ref _flushedMs) is > 0 and var flushed ? flushed + interval : 0;
    }
}
