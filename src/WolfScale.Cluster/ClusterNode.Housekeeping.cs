using System.Collections.Immutable;
using WolfScale.Cluster.Runtime;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What a node does with every heartbeat besides consensus: tells its status, asks to join, cares for membership, links and the log's size.</summary>
public sealed partial class ClusterNode
{
    /// <summary>A link that reaches nobody and that nobody has wanted for so long is given up.</summary>
    private const long UnwantedAfterMs = 10 * 60_000;

    /// <summary>Retention looks every so many heartbeats.</summary>
    private const long RetentionEveryHeartbeats = 20;

    private readonly Lock _viewLock = new();
    private volatile IReadOnlyList<string> _rememberedPeers = [];
    private ImmutableArray<NodeKey> _behindRetention = [];
    private long _nextRetentionMs;

    /// <summary>More than a slow machine's delay: the thread that keeps the core's time is stuck, or gone.</summary>
    private const long LateClockMs = 10_000;

    private TaskCompletionSource _round = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Completes when housekeeping, which passes the consensus core, has come round once more and the core's clock is not late: proof that neither hangs. On a node that has stopped it
    /// does not complete.
    /// </summary>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        do
            await Volatile.Read(ref _round).Task.WaitAsync(cancellationToken);
        while (_host.ClockLateMs > LateClockMs);
    }

    private async Task KeepHouseAsync()
    {
        using var heartbeat = new PeriodicTimer(TimeSpan.FromMilliseconds(Options.HeartbeatIntervalMs), _time);
        try
        {
            while (await heartbeat.WaitForNextTickAsync(_stopping.Token))
            {
                KeepHouse();
                Interlocked.Exchange(ref _round, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    private void KeepHouse()
    {
        try
        {
            var nowMs = _host.NowMs;
            _host.TryResume();
            if (_host.Status() is { } status)
            {
                _behindRetention = [.. status.Peers.Where(p => p.State == ReplicationState.BehindRetention).Select(p => p.Key)];
                _keeper.Tick(status, nowMs);
                _starts.Tick(status, nowMs);
            }
            _join.Tick();
            GoOnLeaving();
            WantPeers();
            _peers.DropUnwanted(nowMs - UnwantedAfterMs);
            Announce();
            if (nowMs >= _nextRetentionMs)
            {
                var first = _nextRetentionMs == 0; // the others have not been heard yet
                _nextRetentionMs = nowMs + (RetentionEveryHeartbeats * Options.HeartbeatIntervalMs);
                if (!first)
                    _retention.Tick(NeedOfOwn(nowMs), MemberNeeds(nowMs));
            }
        }
        catch (Exception e)
        {
            RuntimeLog.HousekeepingFailed(_logger, e.Message);
        }
    }

    /// <summary>Tells all others, and this node's own readers, how things stand.</summary>
    private void Announce()
    {
        _peers.Broadcast(Report(goodbye: false).Frame());
        RefreshView();
        var commits = _background.TakeCommits();
        if (Role.Role != RaftRole.Leader || Configuration is not { } configuration)
            return;
        _peers.Broadcast(_board.Sight(_view, configuration, Self, _host.NowMs).Frame());
        if (!commits.IsEmpty || _host.CommitWaits)
            _peers.Broadcast(new CommitTimes(commits).Frame());
    }

    private NodeReport Report(bool goodbye)
    {
        var role = Role;
        return new NodeReport(
            role.Role, role.Term, Wal.Durable.Lsn, CommitLsn, _local, _host.Halted ?? "", goodbye,
            role.Role == RaftRole.Leader ? _behindRetention : []);
    }

    private void RefreshView()
    {
        ClusterView view;
        lock (_viewLock)
        {
            var facts = new SelfFacts(
                Self, Address, Report(goodbye: false), Role.Leader, Configuration, Options.ClusterName, _join.Reason, Options.Witness);
            _view = view = _board.Build(facts, _host.NowMs);
        }
        if (!_disposed)
            _chronicle.OnView(view);
        ViewChanged?.Invoke(view);
    }

    private void WantPeers()
    {
        var nowMs = _host.NowMs;
        foreach (var peer in Options.Peers.Concat(_rememberedPeers))
            _peers.Want(peer, nowMs);
        foreach (var member in Configuration?.Members ?? [])
        {
            if (member.Key != Self)
                _peers.Want(member.Address, nowMs);
        }
        WantDiscovered();
    }

    /// <summary>So that a restarted node finds its cluster even where its configuration file is out of date.</summary>
    private void RememberPeers()
    {
        if (Configuration is not { } configuration)
            return;
        var others = configuration.Members.Where(m => m.Key != Self).Select(m => (m.Key.Id, m.Address)).ToArray();
        _store.SavePeers(others);
        _rememberedPeers = [.. others.Select(o => o.Address)];
    }

    private OwnNeed NeedOfOwn(long nowMs) => OwnNeed.Of(
        Self, _local, Options.Witness, CommitLsn, Configuration?.Members ?? [],
        key => _board.Find(key, nowMs) is { } heard && heard.AgeMs < Options.DropAfterS * 1000L ? heard.Report.Local : null);

    /// <summary>The first LSN that each other member needs: a dropped one is not waited for, and one that was never heard needs everything.</summary>
    private List<MemberNeed> MemberNeeds(long nowMs)
    {
        var needs = new List<MemberNeed>();
        foreach (var member in (Configuration?.Members ?? []).Where(m => m.Key != Self))
        {
            var last = _board.Find(member.Key, nowMs);
            needs.Add(new MemberNeed(member.Key.Id, 1 + (last?.Report.DurableLsn ?? 0), (last?.AgeMs ?? nowMs) < Options.DropAfterS * 1000L));
        }
        return needs;
    }
}
