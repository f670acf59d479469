using System.Collections.Immutable;
using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Scenarios;

/// <summary>What is told better in code than in a script.</summary>
public class RaftCoreTests
{
    private static readonly NodeKey Self = new("n1", 1);

    private static readonly Configuration Alone = new(
        new Guid(1, 0, 0, new byte[8]), "alone", ClusterMode.Consistent, new LogBase("", true), [new Member(Self, "n1", MemberRole.Voter)]);

    [Fact]
    public void A_vote_older_than_the_log_is_refused_at_start()
    {
        // Somebody restored the state database from a backup: the node would vote again in terms in which it has voted.
        SimulatedLog log = BootstrappedLog();
        var restored = new RestoredState(new HardState(0, null), log.Configurations());
        var refused = Assert.Throws<ArgumentException>(() => new RaftCore(new RaftOptions(), Self, restored, log, new Random(1)));
        Assert.Contains("the saved vote is older than the log", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_durable_at_start_does_not_count_until_it_is()
    {
        // The core was made anew over a log that is still being written: after a full disk, say.
        SimulatedLog log = BootstrappedLog();
        var effects = new EffectList();
        var core = new RaftCore(
            new RaftOptions(), Self, new RestoredState(new HardState(1, null), log.Configurations(), DurableLsn: 0), log, new Random(1));
        core.Tick(0, effects);
        Assert.Equal((2L, 0L), (core.Last.Lsn, core.Status().DurableLsn));
        core.LogDurable(1, 0, effects);
        Assert.Equal(0, core.CommitLsn); // LSN 1 is of an older term
        core.LogDurable(2, 0, effects);
        Assert.Equal(2, core.CommitLsn);
    }

    [Fact]
    public void The_only_voter_leads_at_once()
    {
        RaftCore core = Lead(out _, out _);
        Assert.Equal((RaftRole.Leader, 2L), (core.Role, core.Term));
    }

    [Fact]
    public void A_batch_captured_in_another_term_is_refused()
    {
        RaftCore core = Lead(out _, out EffectList effects);
        Assert.Equal(new ProposeOutcome(ProposeResult.NotLeader, 0, 2), core.Propose(1, 10, expectedTerm: 1, effects));
        Assert.Equal(new ProposeOutcome(ProposeResult.Accepted, 3, 2), core.Propose(1, 10, expectedTerm: 2, effects));
    }

    [Fact]
    public void A_batch_costs_the_same_whatever_it_holds()
    {
        RaftCore core = Lead(out SimulatedLog log, out EffectList effects);
        long small = Measure(entries: 1);
        long large = Measure(entries: 1000);
        Assert.Equal(small, large);

        long Measure(int entries)
        {
            long best = long.MaxValue;
            for (int i = 0; i < 50; i++)
            {
                effects.Clear();
                long before = GC.GetAllocatedBytesForCurrentThread();
                ProposeOutcome outcome = core.Propose(entries, 100, core.Term, effects);
                best = Math.Min(best, GC.GetAllocatedBytesForCurrentThread() - before);
                log.Append(new BatchInfo(outcome.FirstLsn, outcome.FirstLsn + entries - 1, outcome.Term, 100), outcome.FirstLsn);
            }

            return best;
        }
    }

    [Fact]
    public void A_message_carries_no_more_entries_than_it_may_and_at_least_one_batch()
    {
        var learner = new NodeKey("n2", 1);
        RaftCore core = Lead(out SimulatedLog log, out EffectList effects, new RaftOptions { MaxMessageEntries = 6 }, Alone.WithMembers([.. Alone.Members, new Member(learner, "n2", MemberRole.Learner)]));
        foreach (int entries in (int[])[3, 3, 3, 10, 2, 2, 2, 2])
        {
            ProposeOutcome outcome = core.Propose(entries, 100, core.Term, effects);
            log.Append(new BatchInfo(outcome.FirstLsn, outcome.FirstLsn + entries - 1, outcome.Term, 100), outcome.FirstLsn);
        }

        effects.Clear();
        core.Receive(10, new AppendResponse(learner, Self, core.Term, true, 2, 2, default, default, 0), effects);

        Assert.Equal([2, 1, 1, 3, 1], Each(effects).OfType<Effect.Send>().Select(s => s.Message).OfType<AppendRequest>().Where(m => !m.Batches.IsEmpty).Select(m => m.Batches.Length));
    }

    [Fact]
    public void C1_a_message_for_an_earlier_incarnation_changes_nothing()
    {
        RaftCore core = Lead(out _, out EffectList effects);
        var old = new NodeKey("n1", 0);
        core.Receive(10_000, new AppendRequest(new NodeKey("n2", 1), old, 99, default, [], 0, 0, AnswerNow: true), effects);
        core.Receive(10_000, new VoteRequest(new NodeKey("n2", 1), old, 99, new LogPosition(9, 98), default, LeaderTransfer: true), effects);
        Assert.Equal(0, effects.Count);
        Assert.Equal((RaftRole.Leader, 2L), (core.Role, core.Term));
    }

    [Fact]
    public void Two_leaders_in_one_term_are_an_alarm()
    {
        RaftCore core = Lead(out _, out EffectList effects);
        core.Receive(10, new AppendRequest(new NodeKey("n2", 1), Self, 2, default, [], 0, 0, AnswerNow: true), effects);
        Assert.Contains("election safety", Assert.IsType<Effect.SafetyAlarm>(effects[0]).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Committed_entries_are_never_replaced()
    {
        // A leader that lacks what is committed here cannot exist; if it does, somebody broke a promise, and the log stays as it is.
        RaftCore core = Lead(out _, out EffectList effects);
        var impostor = new NodeKey("n2", 1);
        core.Receive(10, new AppendRequest(impostor, Self, 7, default, [new BatchInfo(1, 5, 6, 100)], 0, 0, AnswerNow: false), effects);
        Assert.Contains(Each(effects), effect => effect is Effect.SafetyAlarm);
        Assert.DoesNotContain(Each(effects), effect => effect is Effect.Truncate or Effect.AppendReceived);
    }

    private static SimulatedLog BootstrappedLog(Configuration? configuration = null)
    {
        var log = new SimulatedLog();
        log.Append(new BatchInfo(1, 1, 1, 64, configuration ?? Alone), 1);
        log.Sync(1);
        return log;
    }

    /// <summary>A cluster of one, whose no-op (LSN 2, term 2) is committed.</summary>
    private static RaftCore Lead(out SimulatedLog log, out EffectList effects, RaftOptions? options = null, Configuration? configuration = null)
    {
        log = BootstrappedLog(configuration);
        effects = new EffectList();
        var core = new RaftCore(options ?? new RaftOptions(), Self, new RestoredState(new HardState(1, null), log.Configurations()), log, new Random(1));
        core.SetFitness(Fitness.Fit, effects);
        core.Tick(0, effects);
        log.Append(Each(effects).OfType<Effect.AppendOwn>().Single().Batch, 2);
        log.Sync(1);
        core.LogDurable(2, 0, effects);
        Assert.Equal(2, core.CommitLsn);
        effects.Clear();
        return core;
    }

    private static ImmutableArray<Effect> Each(EffectList effects)
    {
        var result = ImmutableArray.CreateBuilder<Effect>();
        foreach (Effect effect in effects)
            result.Add(effect);
        return result.ToImmutable();
    }
}
