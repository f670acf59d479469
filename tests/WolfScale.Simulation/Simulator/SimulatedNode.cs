using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// One machine: the production core, a log and a disk. It executes effects as the host's contract demands, in order and each before the
/// next call, with disks that take time and crashes at any point between.
/// </summary>
public sealed class SimulatedNode
{
    private readonly Cluster _cluster;
    private readonly Queue<Action<RaftCore, EffectList>> _inbox = new();
    private readonly Queue<Effect> _effects = new();
    private readonly EffectList _produced = new();
    private long _life;
    private long _tickAtMs = long.MaxValue;
    private bool _syncing;
    private bool _running;
    private bool _persisting;
    private HardState _hardState;

    public SimulatedNode(Cluster cluster, NodeKey key, SimulatedLog log, HardState hardState)
    {
        _cluster = cluster;
        Key = key;
        Log = log;
        _hardState = hardState;
    }

    public NodeKey Key { get; private set; }

    public SimulatedLog Log { get; private set; }

    /// <summary>The running core; null while the node is down.</summary>
    public RaftCore? Core { get; private set; }

    public Fitness Fitness { get; private set; } = Fitness.Fit;

    /// <summary>The role last announced to the host.</summary>
    public RaftRole AnnouncedRole { get; private set; }

    public bool IsSlow { get; set; }

    public bool IsPaused { get; private set; }

    public bool IsUp => Core is not null;

    /// <summary>The commit LSN last announced to the host, who may remember it over a crash, or not.</summary>
    public long RememberedCommitLsn { get; private set; }

    public void Start()
    {
        if (IsUp)
            return;
        bool remembers = _cluster.Random.Next(2) == 0;
        Core = new RaftCore(
            _cluster.CoreOptions, Key,
            new RestoredState(_hardState, Log.Configurations(), remembers ? Math.Min(RememberedCommitLsn, Log.Last.Lsn) : 0, Log.Generation),
            Log, new Random(_cluster.Random.Next()));
        _cluster.Checker.OnStarted(this);
        Run((core, effects) => core.Tick(_cluster.NowMs, effects));
        Run((core, effects) => core.SetFitness(Fitness, effects));
    }

    /// <summary>Power is lost now: nothing that was not durable is certain to survive.</summary>
    public void Crash()
    {
        if (!IsUp)
            return;
        if (_persisting && _cluster.Random.Next(2) == 0 && _effects.TryPeek(out Effect? next) && next is Effect.PersistHardState persist)
            _hardState = persist.State;
        _cluster.Checker.OnCrashed(this);
        Core = null;
        _life++;
        _inbox.Clear();
        _effects.Clear();
        _produced.Clear();
        _syncing = false;
        _persisting = false;
        _tickAtMs = long.MaxValue;
        IsPaused = false;
        AnnouncedRole = RaftRole.Follower;
        Log.Crash(_cluster.Random.Next(Log.UnsyncedCount + 1));
        RememberedCommitLsn = Math.Min(RememberedCommitLsn, Log.Last.Lsn);
    }

    /// <summary>The disk is emptied: the node comes back as a new incarnation without log and vote (rule C1).</summary>
    public void Wipe(NodeKey newKey)
    {
        Crash();
        Key = newKey;
        Log = new SimulatedLog();
        _hardState = default;
        RememberedCommitLsn = 0;
    }

    /// <summary>The node's data is replaced by a copy that stands at a committed position (migration): its log begins there.</summary>
    public void Migrate(SimulatedLog start)
    {
        Crash();
        Log = start;
        RememberedCommitLsn = 0;
        _hardState = _hardState with { Term = Math.Max(_hardState.Term, start.First.Term) };
    }

    /// <summary>SIGSTOP: inputs pile up.</summary>
    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        Pump();
    }

    public void SetFitness(Fitness fitness)
    {
        if (!IsUp)
            Fitness = fitness;
        Run((core, effects) =>
        {
            Fitness = fitness;
            core.SetFitness(fitness, effects);
        });
    }

    /// <summary>Hands an input to the core, now or when the node is free again.</summary>
    public void Run(Action<RaftCore, EffectList> input)
    {
        if (!IsUp)
            return;
        _inbox.Enqueue(input);
        Pump();
    }

    private void Pump()
    {
        if (_running)
            return;
        _running = true;
        long life = _life;
        while (life == _life && IsUp && !IsPaused && !_persisting)
        {
            if (_effects.TryPeek(out Effect? effect))
            {
                Execute(effect);
                continue;
            }

            if (!_inbox.TryDequeue(out Action<RaftCore, EffectList>? input))
                break;
            input(Core!, _produced);
            foreach (Effect produced in _produced)
                _effects.Enqueue(produced);
            _produced.Clear();
        }

        _running = false;
        if (IsUp && !IsPaused && !_persisting)
            ScheduleTick();
    }

    private void Execute(Effect effect)
    {
        if (_cluster.CrashesNow())
        {
            _cluster.CrashAndRestart(this);
            return;
        }

        if (effect is Effect.PersistHardState persist)
        {
            BeginPersist(persist.State);
            return;
        }

        _ = _effects.Dequeue();
        _cluster.Trace(this, effect);
        switch (effect)
        {
            case Effect.AppendOwn own:
                Append(own.Batch, _cluster.NewPayload());
                break;
            case Effect.AppendReceived received:
                var payloads = (long[])received.Request.Attachment!;
                for (int i = received.FirstBatch; i < received.Request.Batches.Length; i++)
                    Append(received.Request.Batches[i], payloads[i]);
                break;
            case Effect.Truncate truncate:
                _cluster.Checker.OnTruncate(this, truncate.LastKeptLsn);
                Log.TruncateAfter(truncate.LastKeptLsn, truncate.Generation);
                ScheduleSync();
                break;
            case Effect.Send send:
                _cluster.Checker.OnSent(this, send.Message);
                _cluster.Network.Send(WithPayloads(send.Message));
                if (send.Message is VoteResponse { Granted: true } && _cluster.CrashesAfterVote())
                    _cluster.CrashAndRestart(this);
                break;
            default:
                _cluster.Checker.OnEffect(this, effect);
                if (effect is Effect.CommitAdvanced commit)
                    RememberedCommitLsn = commit.Lsn;
                else if (effect is Effect.Discarding discarding)
                    RememberedCommitLsn = Math.Min(RememberedCommitLsn, discarding.CommitLsn);
                else if (effect is Effect.RoleChanged role)
                    Announced(role);
                break;
        }
    }

    private void Announced(Effect.RoleChanged role)
    {
        AnnouncedRole = role.Role;
        if (role.Role != RaftRole.Leader)
            return;
        _cluster.Operator.ChangeAtTheWorstTime(this);
        _cluster.Faults.ShiftAtTheWorstTime();
    }

    /// <summary>Nothing else happens on this node until term and vote are durable.</summary>
    private void BeginPersist(HardState state)
    {
        long delay = _cluster.PersistDelayMs(this);
        if (delay == 0)
        {
            EndPersist(state);
            return;
        }

        _persisting = true;
        long life = _life;
        _cluster.Events.In(delay, () =>
        {
            if (life != _life)
                return;
            _persisting = false;
            EndPersist(state);
            Pump();
        });
    }

    private void EndPersist(HardState state)
    {
        _cluster.Trace(this, _effects.Dequeue());
        _hardState = state;
    }

    /// <summary>A host appends a proposal before it executes the effects of the call that accepted it.</summary>
    public void Append(BatchInfo batch, long payload)
    {
        _cluster.Checker.OnAppended(this, Log.Append(batch, payload));
        ScheduleSync();
    }

    private Message WithPayloads(Message message)
    {
        if (message is not AppendRequest { Batches.IsEmpty: false } request)
            return message;
        var payloads = new long[request.Batches.Length];
        for (int i = 0; i < payloads.Length; i++)
        {
            StoredBatch? stored = Log.Holding(request.Batches[i].FirstLsn);
            if (stored is null || stored.Batch.Term != request.Batches[i].Term || stored.Batch.LastLsn != request.Batches[i].LastLsn)
                throw new InvariantViolationException($"{Key} sends {request.Batches[i]}, which is not in its log");
            payloads[i] = stored.Payload;
        }

        return request with { Attachment = payloads };
    }

    /// <summary>Group commit: everything that was written when a sync begins is durable when it ends.</summary>
    private void ScheduleSync()
    {
        if (_syncing || !Log.HasUnsynced)
            return;
        _syncing = true;
        int writes = Log.UnsyncedCount;
        long lsn = Log.Last.Lsn;
        long generation = Log.Generation;
        long life = _life;
        _cluster.Events.In(_cluster.SyncDelayMs(this), () =>
        {
            if (life != _life)
                return;
            Log.Sync(writes);
            _syncing = false;
            ScheduleSync();
            Run((core, effects) => core.LogDurable(lsn, generation, effects));
        });
    }

    private void ScheduleTick()
    {
        long due = Core!.NextDeadlineMs;
        if (due >= _tickAtMs || due == long.MaxValue)
            return;
        _tickAtMs = due;
        long life = _life;
        _cluster.Events.At(due, () =>
        {
            if (life != _life || _tickAtMs != due)
                return;
            _tickAtMs = long.MaxValue;
            Run((core, effects) => core.Tick(_cluster.NowMs, effects));
        });
    }
}
