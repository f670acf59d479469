using System.Collections.Immutable;
using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// A whole simulated cluster: nodes, network, faults, users, operator, and the checker that watches. Everything follows from the seed.
/// </summary>
public sealed class Cluster
{
    private readonly Action<string>? _trace;
    private long _payloads;
    private ulong _incarnations;

    public Cluster(long seed, Weather? weather = null, Action<string>? trace = null, ClusterMode mode = ClusterMode.Consistent)
    {
        Mode = mode;
        Random = new Random(unchecked((int)(seed ^ (seed >> 32))));
        Profile = SimulationProfile.Draw(Random, weather);
        _trace = trace;
        Checker = mode == ClusterMode.Available ? new AvailableChecker(this) : new Checker(this);
        Network = new SimulatedNetwork(Events, Random, Profile, Deliver);
        CoreOptions = new RaftOptions
        {
            HeartbeatIntervalMs = Profile.HeartbeatMs,
            ElectionTimeoutMinMs = Profile.ElectionMinMs,
            ElectionTimeoutMaxMs = Profile.ElectionMaxMs,
            TransferTimeoutMs = Profile.ElectionMaxMs,
            CommitUpdateDelayMs = Profile.CommitUpdateDelayMs,
            MaxInflightMessages = Profile.MaxInflightMessages,
            MaxInflightBytes = 4 * Profile.MaxMessageBytes,
            MaxMessageBytes = Profile.MaxMessageBytes,
            MaxUncommittedBatches = 60,
            CaughtUpEntries = 20,
            ColdStartPatienceMs = 4 * Profile.ElectionMaxMs,
        };
        Faults = new FaultInjector(this);
        Operator = new Operator(this);
        Bootstrap();
    }

    public Random Random { get; }

    public ClusterMode Mode { get; }

    public SimulationProfile Profile { get; }

    public RaftOptions CoreOptions { get; }

    public EventQueue Events { get; } = new();

    public SimulatedNetwork Network { get; }

    public Checker Checker { get; }

    public FaultInjector Faults { get; }

    public Operator Operator { get; }

    public List<SimulatedNode> Nodes { get; } = [];

    public long NowMs => Events.NowMs;

    public long Steps { get; private set; }

    public SimulatedNode? Find(NodeKey key) => Nodes.Find(node => node.Key == key);

    public long NewPayload() => ++_payloads;

    public NodeKey NewKey(string id) => new(id, ++_incarnations);

    /// <summary>Lets this many events happen, with faults and users.</summary>
    public void Run(int steps)
    {
        Faults.Begin();
        Operator.Begin();
        for (int i = 0; i < steps; i++)
            Step();
    }

    public void Step()
    {
        Steps++;
        if (!Events.Step())
            throw new InvariantViolationException("nothing is left to happen: no node waits for anything");
    }

    public bool CrashesNow() => Faults.IsOn && Profile.CrashAtEffect > 0 && Random.NextDouble() < Profile.CrashAtEffect;

    public bool CrashesAfterVote() => Faults.IsOn && Profile.CrashAfterVote > 0 && Random.NextDouble() < Profile.CrashAfterVote;

    public void CrashAndRestart(SimulatedNode node)
    {
        Trace(node, "crashes");
        Checker.Statistics.Crashes++;
        NodeKey gone = node.Key;
        node.Crash();
        Events.In(Random.Next(1, Profile.MaxDownMs), node.Start);
        foreach (SimulatedNode other in Nodes)
            if (other != node && Random.Next(3) != 0)
                Disconnect(other, gone);
    }

    /// <summary>A node notices, soon, that its connection from a peer has ended. A hint: the peer may be alive.</summary>
    public void Disconnect(SimulatedNode node, NodeKey peer) =>
        Events.In(Random.Next(1, 50), () => node.Run((core, effects) => core.PeerDisconnected(NowMs, peer, effects)));

    /// <summary>A node hears that a peer has connected, which may be dead again by then.</summary>
    public void Connect(SimulatedNode node, NodeKey peer) =>
        Events.In(Random.Next(1, 50), () => node.Run((core, effects) => core.PeerConnected(NowMs, peer, effects)));

    public long SyncDelayMs(SimulatedNode node) => !Faults.IsOn ? 1 : node.IsSlow ? Random.Next(Profile.SlowDiskMs) : Random.Next(Profile.SyncMs) + 1;

    public long PersistDelayMs(SimulatedNode node) => !Faults.IsOn ? 0 : node.IsSlow ? Random.Next(Profile.SlowDiskMs) : Random.Next(Profile.PersistMs + 1);

    public void Trace(SimulatedNode node, object what) => _trace?.Invoke($"{NowMs,8} {node.Key,-6} {Describe(what)}");

    private void Deliver(Message message)
    {
        foreach (SimulatedNode node in Nodes)
            if (node.Key.Id == message.To.Id)
                node.Run((core, effects) =>
                {
                    Checker.OnReceived(node, message);
                    core.Receive(NowMs, message, effects);
                });
    }

    /// <summary>The first voters begin with LSN 1, the bootstrap's configuration entry; the other nodes with nothing.</summary>
    private void Bootstrap()
    {
        var keys = new List<NodeKey>();
        for (int i = 1; i <= Profile.Nodes; i++)
            keys.Add(NewKey($"n{i}"));
        ImmutableArray<Member> voters = [.. keys.Take(Profile.InitialVoters).Select(key => new Member(key, key.Id, MemberRole.Voter))];
        var configuration = new Configuration(new Guid(1, 2, 3, new byte[8]), "simulated", Mode, new LogBase("", true), voters);
        long term = Mode == ClusterMode.Available ? Epoch.Next(0, keys[0]) : 1;
        var first = new BatchInfo(1, 1, term, 64, configuration);
        long payload = NewPayload();
        foreach (NodeKey key in keys)
        {
            var log = new SimulatedLog();
            bool isVoter = configuration.IsVoter(key);
            var node = new SimulatedNode(this, key, log, isVoter ? new HardState(term, null) : default);
            Nodes.Add(node);
            if (isVoter)
            {
                Checker.OnAppended(node, log.Append(first, payload));
                log.Sync(1);
            }
        }

        foreach (SimulatedNode node in Nodes)
            node.Start();
    }

    private static string Describe(object what) => what switch
    {
        Effect.Send send => $"-> {send.Message.To}: {Describe(send.Message)}",
        AppendRequest request => $"Append t{request.Term} prev {request.Previous} [{string.Join(' ', request.Batches.Select(Describe))}] "
            + $"commit {request.CommitLsn} round {request.ReadIndexContext}",
        AppendResponse response => $"AppendResponse t{response.Term} {(response.Success ? "ok" : "refused")} match {response.MatchLsn} "
            + $"prev {response.PreviousLsn} hint {response.Hint} round {response.ReadIndexContext}",
        BatchInfo batch => $"{batch.FirstLsn}-{batch.LastLsn}@{batch.Term}{(batch.Configuration is null ? "" : "c")}",
        Effect.AppendReceived received => $"append {received.Request.Batches[received.FirstBatch].FirstLsn}-{received.Request.EndLsn}",
        Effect.ConfigurationChanged changed =>
            $"configuration {string.Join(' ', changed.Active.Members.Select(m => m.Key + (m.IsVoter ? "" : "(learner)")))} at {changed.Lsn}",
        Effect.AppendOwn own => $"append own {own.Batch.FirstLsn}@{own.Batch.Term}",
        _ => what.ToString()!,
    };
}
