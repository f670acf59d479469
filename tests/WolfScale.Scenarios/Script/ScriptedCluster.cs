using System.Collections.Immutable;
using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Scenarios;

/// <summary>The cluster of a script: nodes, the messages between them, and a clock that moves when told to.</summary>
internal sealed class ScriptedCluster
{
    private readonly Action<string> _print;
    private readonly List<Message> _inFlight = [];
    private readonly HashSet<(string From, string To)> _cut = [];
    private readonly HashSet<(string From, string To)> _held = [];
    private readonly List<Message> _kept = [];

    public ScriptedCluster(Action<string> print) => _print = print;

    public RaftOptions Options { get; set; } = new() { CommitUpdateDelayMs = 0 };

    public List<ScriptedNode> Nodes { get; } = [];

    public long NowMs { get; private set; }

    public int InFlight => _inFlight.Count;

    public ScriptedNode Node(string id) => Nodes.Find(node => node.Id == id) ?? throw new ArgumentException($"there is no node {id}");

    public ClusterMode Mode { get; set; } = ClusterMode.Consistent;

    /// <summary>All members hold LSN 1, the bootstrap's configuration, in term 1 (in mode "available", the first member's first epoch); outsiders hold nothing.</summary>
    public void Bootstrap(ImmutableArray<Member> members, IEnumerable<NodeKey> outsiders, IReadOnlySet<string> unfit)
    {
        var configuration = new Configuration(new Guid(1, 0, 0, new byte[8]), "scripted", Mode, new LogBase("", true), members);
        long term = Mode == ClusterMode.Available ? Epoch.Next(0, configuration.Members[0].Key) : 1;
        var first = new BatchInfo(1, 1, term, 64, configuration);
        foreach (Member member in configuration.Members)
        {
            var log = new SimulatedLog();
            log.Append(first, ScriptedNode.PayloadOf(first));
            log.Sync(1);
            Nodes.Add(new ScriptedNode(member.Key, log, new HardState(term, null)));
        }

        Nodes.AddRange(outsiders.Select(key => new ScriptedNode(key, new SimulatedLog(), default)));
        foreach (ScriptedNode node in Nodes)
        {
            if (unfit.Contains(node.Id))
                node.SetFitness(Fitness.Unfit);
            Start(node);
        }
    }

    public void Start(ScriptedNode node)
    {
        node.Start(NowMs, Options);
        Execute(node);
    }

    /// <summary>Lets time pass; every node is ticked when its deadline comes.</summary>
    public void Wait(long ms)
    {
        long until = NowMs + ms;
        while (Nodes.Where(node => node.Core is not null).MinBy(node => node.Core!.NextDeadlineMs) is { } next && next.Core!.NextDeadlineMs <= until)
        {
            NowMs = Math.Max(NowMs, next.Core.NextDeadlineMs);
            next.Core.Tick(NowMs, next.Effects);
            Execute(next);
        }

        NowMs = until;
    }

    /// <summary>All nodes stand still for a while; what is in flight lies unread.</summary>
    public void Freeze(long ms) => NowMs += ms;

    /// <summary>Lets time pass on a network and disks that take none.</summary>
    public void Run(long ms)
    {
        long until = NowMs + ms;
        Stabilize();
        while (NowMs < until)
        {
            long next = Nodes.Where(node => node.Core is not null).Min(node => node.Core!.NextDeadlineMs);
            Wait(Math.Clamp(next, NowMs, until) - NowMs);
            Stabilize();
        }
    }

    /// <summary>Delivers what is in flight now on these links; the answers stay in flight.</summary>
    public void Deliver(Func<Message, bool> which)
    {
        foreach (Message message in Take(which))
        {
            ScriptedNode receiver = Node(message.To.Id);
            if (receiver.Core is null || _cut.Contains((message.From.Id, message.To.Id)))
                continue;
            receiver.Core.Receive(NowMs, message, receiver.Effects);
            Execute(receiver);
        }
    }

    public int Drop(Func<Message, bool> which) => Take(which).Count;

    public void Duplicate(Func<Message, bool> which) => _inFlight.AddRange(_inFlight.Where(which).ToList());

    /// <summary>Delivers and syncs until there is nothing left to say.</summary>
    public void Stabilize()
    {
        for (int round = 0; round < 1000; round++)
        {
            Deliver(_ => true);
            foreach (ScriptedNode node in Nodes)
                Sync(node);
            if (_inFlight.Count == 0)
                return;
        }

        throw new InvalidOperationException("the conversation does not end");
    }

    public void Sync(ScriptedNode node)
    {
        node.Sync();
        Execute(node);
    }

    public void Cut(string a, string b) => _cut.Add((a, b));

    public void Heal() => _cut.Clear();

    /// <summary>Messages on this link wait until released: late messages.</summary>
    public void Hold(string from, string to)
    {
        _held.Add((from, to));
        _kept.AddRange(Take(message => (message.From.Id, message.To.Id) == (from, to)));
    }

    public void Release()
    {
        _held.Clear();
        _inFlight.AddRange(_kept);
        _kept.Clear();
    }

    /// <summary>Executes what the node's core has asked for, and prints it.</summary>
    public void Execute(ScriptedNode node)
    {
        var effects = new List<Effect>();
        foreach (Effect effect in node.Effects)
            effects.Add(effect);
        node.Effects.Clear();
        foreach (Effect effect in effects)
        {
            _print(Format.Effect(node.Id, effect));
            switch (effect)
            {
                case Effect.PersistHardState persist:
                    node.Persist(persist.State);
                    break;
                case Effect.AppendOwn own:
                    node.Log.Append(own.Batch, ScriptedNode.PayloadOf(own.Batch));
                    break;
                case Effect.AppendReceived received:
                    foreach (BatchInfo batch in received.Request.Batches.Skip(received.FirstBatch))
                        node.Log.Append(batch, ScriptedNode.PayloadOf(batch));
                    break;
                case Effect.Truncate truncate:
                    node.Log.TruncateAfter(truncate.LastKeptLsn, truncate.Generation);
                    break;
                case Effect.Send send:
                    bool held = _held.Contains((send.Message.From.Id, send.Message.To.Id));
                    (held ? _kept : _inFlight).Add(send.Message);
                    break;
            }
        }
    }

    private List<Message> Take(Func<Message, bool> which)
    {
        List<Message> taken = [.. _inFlight.Where(which)];
        _inFlight.RemoveAll(taken.Contains);
        return taken;
    }
}
