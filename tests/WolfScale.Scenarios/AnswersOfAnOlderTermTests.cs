using System.Collections.Immutable;
using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Scenarios;

/// <summary>
/// "You are of an older term" says nothing about the log. It comes late to a node that leads again, in the very term that it names: a leader whose connection broke had sent in its old epoch what was read
/// after the first word of the new one.
/// </summary>
public class AnswersOfAnOlderTermTests
{
    private static readonly NodeKey One = new("n1", 1);
    private static readonly NodeKey Two = new("n2", 1);

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void An_answer_to_the_word_of_an_earlier_epoch_moves_no_member_behind_retention_nor_back(long first)
    {
        long earlier = Epoch.Next(0, One);
        var effects = new EffectList();
        RaftCore leader = Core(One, first, earlier, earlier, effects);
        for (int i = 0; i < 10 && !Each(effects).Any(e => e is Effect.Send { Message: PreVoteRequest }); i++)
            leader.Tick(leader.NextDeadlineMs, effects);
        leader.Receive(leader.NextDeadlineMs, new PreVoteResponse(Two, One, Epoch.Next(earlier, One), Granted: true), effects);
        Assert.Equal((RaftRole.Leader, Epoch.Next(earlier, One)), (leader.Role, leader.Term));
        PeerStatus before = Assert.Single(leader.Status().Peers);
        AppendRequest probe = Each(effects).OfType<Effect.Send>().Select(e => e.Message).OfType<AppendRequest>().Last();

        // The member knows the new epoch by now, and answers what was sent in the earlier one.
        var answers = new EffectList();
        RaftCore member = Core(Two, first, earlier, leader.Term, answers);
        answers.Clear();
        member.Receive(10, probe with { Term = earlier }, answers);
        AppendResponse answer = Each(answers).OfType<Effect.Send>().Select(e => e.Message).OfType<AppendResponse>().Single();
        Assert.Equal((false, leader.Term), (answer.Success, answer.Term));
        leader.Receive(20, answer, effects);

        PeerStatus after = Assert.Single(leader.Status().Peers);
        Assert.Equal((before.State, before.NextLsn), (after.State, after.NextLsn));
    }

    private static RaftCore Core(NodeKey self, long first, long logTerm, long term, EffectList effects)
    {
        var configuration = new Configuration(
            new Guid(1, 0, 0, new byte[8]), "two", ClusterMode.Available, new LogBase("", true), [new Member(One, "n1", MemberRole.Voter), new Member(Two, "n2", MemberRole.Voter)]);
        var log = first == 0 ? new SimulatedLog() : SimulatedLog.StartingAt(new LogPosition(first, logTerm), 0, new PlacedConfiguration(1, configuration));
        long next = first + 1;
        if (first == 0)
            log.Append(new BatchInfo(next, next++, logTerm, 64, configuration), 1);
        for (int i = 0; i < 10; i++, next++)
            log.Append(new BatchInfo(next, next, logTerm, 64), next);
        log.Sync(log.UnsyncedCount);
        var core = new RaftCore(new RaftOptions(), self, new RestoredState(new HardState(term, null), log.Configurations()), log, new Random(1));
        core.SetFitness(Fitness.Fit, effects);
        core.Tick(0, effects);
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
