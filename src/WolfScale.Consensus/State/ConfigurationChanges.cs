using System.Collections.Immutable;
using Outcome = (WolfScale.Consensus.ConfigurationResult Result, WolfScale.Consensus.Configuration? Changed);

namespace WolfScale.Consensus;

/// <summary>
/// What a change makes of a configuration: never more than one vote more or less, so old and new majorities overlap (thesis §4.1).
/// </summary>
internal static class ConfigurationChanges
{
    public static Outcome Apply(Configuration active, NodeKey leader, ConfigurationChange change) => change switch
    {
        ConfigurationChange.AddLearner add => AddLearner(active, leader, add),
        ConfigurationChange.Promote promote => SetRole(active, leader, promote.Key, MemberRole.Voter),
        ConfigurationChange.Demote demote => SetRole(active, leader, demote.Key, MemberRole.Learner),
        ConfigurationChange.Remove remove => Remove(active, leader, remove.Key),
        ConfigurationChange.Update update => Update(active, update),
        _ => throw new ArgumentOutOfRangeException(nameof(change), change, "unknown change"),
    };

    /// <summary>Rule C1: a new incarnation takes the place of the old one as a learner, and the old vote goes in the same entry.</summary>
    private static Outcome AddLearner(Configuration active, NodeKey leader, ConfigurationChange.AddLearner add)
    {
        if (active.Find(add.Key) is not null)
            return (ConfigurationResult.NothingToDo, null);
        if (add.Key.Id == leader.Id)
            return (ConfigurationResult.IdInUse, null);
        Member? old = active.FindById(add.Key.Id);
        var learner = new Member(add.Key, add.Address, MemberRole.Learner, add.NeverLeader, add.Witness);
        ImmutableArray<Member> rest = old is null ? active.Members : active.Members.Remove(old);
        return (ConfigurationResult.Accepted, active.WithMembers(rest.Add(learner)));
    }

    private static Outcome SetRole(Configuration active, NodeKey leader, NodeKey key, MemberRole role)
    {
        if (active.Find(key) is not { } member)
            return (ConfigurationResult.UnknownNode, null);
        if (member.Role == role)
            return (ConfigurationResult.NothingToDo, null);
        if (role == MemberRole.Learner && Forbidden(active, leader, member) is { } forbidden)
            return (forbidden, null);
        return (ConfigurationResult.Accepted, active.WithMembers(active.Members.Replace(member, member with { Role = role })));
    }

    private static Outcome Remove(Configuration active, NodeKey leader, NodeKey key)
    {
        if (active.Find(key) is not { } member)
            return (ConfigurationResult.UnknownNode, null);
        if (Forbidden(active, leader, member) is { } forbidden)
            return (forbidden, null);
        return (ConfigurationResult.Accepted, active.WithMembers(active.Members.Remove(member)));
    }

    private static Outcome Update(Configuration active, ConfigurationChange.Update update)
    {
        if (active.Find(update.Key) is not { } member)
            return (ConfigurationResult.UnknownNode, null);
        Member changed = member with { Address = update.Address, NeverLeader = update.NeverLeader, Witness = update.Witness };
        return changed == member
            ? (ConfigurationResult.NothingToDo, null)
            : (ConfigurationResult.Accepted, active.WithMembers(active.Members.Replace(member, changed)));
    }

    /// <summary>Why this vote must stay, if it must.</summary>
    private static ConfigurationResult? Forbidden(Configuration active, NodeKey leader, Member member)
    {
        if (!member.IsVoter)
            return null;
        if (active.VoterCount == 1)
            return ConfigurationResult.LastVoter;
        return member.Key == leader ? ConfigurationResult.LeaderMustHandOver : null;
    }
}
