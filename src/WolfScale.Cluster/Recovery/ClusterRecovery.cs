using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.History;
using WolfScale.Cluster.State;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Recovery;

/// <summary>What a survivor's files say, and what a recovery would make of them.</summary>
/// <param name="NodeId">The survivor.</param>
/// <param name="ClusterId">The cluster that it belongs to.</param>
/// <param name="ClusterName">Its name; may be empty.</param>
/// <param name="Members">As the survivor's log has them.</param>
/// <param name="LastLsn">Where its log ends; everything up to there is kept.</param>
/// <param name="LastTerm">The term of its last entry.</param>
/// <param name="NewTerm">The term the recovered cluster begins in.</param>
public sealed record RecoveryPlan(string NodeId, Guid ClusterId, string ClusterName, ImmutableArray<Member> Members, long LastLsn, long LastTerm, long NewTerm)
{
    /// <summary>It was leaving when it ended: the others may have let it go and have gone on without it, and its log does not say.</summary>
    public bool WasLeaving { get; init; }
}

/// <summary>
/// The last resort, where a majority is gone for good: makes one survivor, which does not run, the only voter of its cluster. As Consul's peers.json and
/// CockroachDB's recovery plan do it, on the files of a stopped node: nothing moves meanwhile, the log's lock keeps the node from starting half-way, and
/// what is decided rests on what is durable.
/// <para>Why the lost majority cannot win against it when it comes back after all:</para>
/// <list type="number">
/// <item>The survivor gets a new incarnation (rule C1). The lost nodes' configuration names the old one, so it votes for nobody of theirs, and answers
/// nothing that could carry its new term to them.</item>
/// <item>Its term begins a new <see cref="RecoveryGeneration"/>. A node that has a configuration of an earlier one and hears of it, by a status or by any
/// message of consensus, never takes the term over: it ends its own incarnation and with it the vote that its line counts on
/// (<see cref="ClusterNode.Superseded"/>), and comes back as a learner.</item>
/// <item>What cannot be kept apart by anybody: lost nodes that form a majority of their own and reach nobody of the recovered cluster. They lead one
/// another until they do.</item>
/// </list>
/// <para>
/// All of the survivor's log is kept. Its end may not have been committed, but it may as well have been, and was then acknowledged: keeping can show a write
/// whose client never heard an answer, dropping could lose one that was promised. Lost is what the others had acknowledged and this log does not hold.
/// </para>
/// </summary>
public static class ClusterRecovery
{
    /// <summary>Looks, and changes nothing that a start of the node would not.</summary>
    /// <exception cref="ClusterStartException">The node runs, or its files are not fit for it; the message says what to do.</exception>
    public static async Task<RecoveryPlan> ExamineAsync(ClusterOptions options)
    {
        var (store, wal) = await OpenAsync(options);
        await using (wal)
        {
            using (store)
                return Plan(store, wal, options);
        }
    }

    /// <summary>
    /// Does it. Each step is durable before the next, and after a crash it can be done again:
    /// <code>
    ///   1 the old incarnation ends                      the node is no voter of anything, and supersedes nobody: if the others come back after all, it joins them
    ///   2 the configuration of one, in the new term     the recovery has happened
    ///   3 the vote in that term
    /// </code>
    /// The new term is said by the log first: a node that spoke of it without the configuration would take the votes of all others, and nobody would be left to lead.
    /// </summary>
    /// <exception cref="ClusterStartException">As <see cref="ExamineAsync"/>; or the log cannot be written.</exception>
    public static Task<RecoveryPlan> RecoverAsync(ClusterOptions options, TimeProvider time, ILogger logger) => RecoverAsync(options, time, logger, _ => { });

    /// <summary>As above.</summary>
    /// <param name="options">The survivor's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where the history tells of its troubles.</param>
    /// <param name="afterStep">Called after each step with its number; the tests crash here.</param>
    internal static async Task<RecoveryPlan> RecoverAsync(ClusterOptions options, TimeProvider time, ILogger logger, Action<int> afterStep)
    {
        var (store, wal) = await OpenAsync(options);
        await using var closingWal = wal;
        using var closingStore = store;
        var plan = Plan(store, wal, options);
        var identity = NodeIdentity.Load(store, options.NodeId, time);
        identity.Renew(NewLife.Recovered, time);                                                                  // 1
        identity.Return(); // it may have been on its way out of the cluster that is gone
        afterStep(1);
        var last = LastConfiguration(wal, options);
        var self = new Member(identity.Key, options.AdvertiseAddress, MemberRole.Voter, options.NeverLeader, options.Witness);
        ClusterStart.Append(wal, last.WithMembers([self]), plan.NewTerm);                                          // 2
        afterStep(2);
        store.SaveHardState(new HardState(plan.NewTerm, identity.Key));                                            // 3
        afterStep(3);
        await using var history = EventHistory.Open(Path.GetDirectoryName(store.Path)!, options.NodeId, time, logger);
        history.Record(
            EventKinds.Recovered,
            $"an operator has restored the cluster by force: this node is its only voter, with all of its log up to LSN {plan.LastLsn}; the others are expelled and may come back as learners",
            ("last_lsn", plan.LastLsn), ("term", plan.NewTerm), ("expelled", string.Join(' ', plan.Members.Where(m => m.Key.Id != options.NodeId).Select(m => m.Key.Id))));
        return plan;
    }

    private static async Task<(SqliteStateStore Store, WriteAheadLog Wal)> OpenAsync(ClusterOptions options) => await StoppedNode.OpenFilesAsync(options.DataDirectory, options.SegmentBytes)
        ?? throw new ClusterStartException($"there is no node in {options.DataDirectory}: name the configuration of the surviving node with --config");

    private static RecoveryPlan Plan(SqliteStateStore store, WriteAheadLog wal, ClusterOptions options)
    {
        var configuration = LastConfiguration(wal, options);
        if (configuration.Mode == ClusterMode.Available)
            throw new ClusterStartException($"the cluster is in mode \"available\", which needs no majority: start {options.NodeId}, and it leads, alone if need be");
        var left = store.Get(NodeIdentity.LeftFact);
        if (left is not null and not NodeIdentity.Leaving)
            throw new ClusterStartException($"{options.NodeId} has left the cluster, or was removed: its log ends before the cluster's. Recover a node that was a member to the end");
        if (configuration.FindById(options.NodeId) is null)
        {
            throw new ClusterStartException(
                $"{options.NodeId} is no member of the cluster that its log tells of (those are {string.Join(", ", configuration.Members.Select(m => m.Key.Id))}): recover one of these");
        }
        var term = RecoveryGeneration.FirstTermAfter(Math.Max(store.LoadHardState().Term, wal.Last.Term));
        return new RecoveryPlan(options.NodeId, configuration.ClusterId, configuration.ClusterName, configuration.Members, wal.Last.Lsn, wal.Last.Term, term) { WasLeaving = left is not null };
    }

    private static Configuration LastConfiguration(WriteAheadLog wal, ClusterOptions options) => ClusterStart.LastConfiguration(wal)
        ?? throw new ClusterStartException($"the log in {options.DataDirectory} is empty: there is nothing to recover; a new cluster is founded with 'wolfscale start --bootstrap'");
}
