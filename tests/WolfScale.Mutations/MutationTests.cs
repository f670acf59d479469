using System.Reflection;
using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Mutations;

/// <summary>
/// Proof that the simulator's checker can fail: each test takes one rule out of the core and demands that one of the fixed seeds notices.
/// The core is compiled into this program a second time for that (see the project file); nothing of it exists in the production build.
/// </summary>
public class MutationTests
{
    [Fact]
    public void Raft_5_1_vote_is_persisted_before_the_answer() => AssertCaught(nameof(Rules.PersistVote));

    [Fact]
    public void Raft_5_4_1_votes_go_to_complete_logs_only() => AssertCaught(nameof(Rules.ElectionRestriction));

    [Fact]
    public void Raft_5_3_log_matching() => AssertCaught(nameof(Rules.LogMatching));

    [Fact]
    public void Raft_5_4_2_only_entries_of_the_own_term_are_committed_by_counting() => AssertCaught(nameof(Rules.CommitOwnTermOnly));

    [Fact]
    public void Raft_5_1_only_durable_entries_are_acknowledged() => AssertCaught(nameof(Rules.AcknowledgeDurableOnly));

    [Fact]
    public void Stale_syncs_say_nothing_about_what_was_appended_after_a_truncation() => AssertCaught(nameof(Rules.IgnoreStaleSyncs));

    [Fact]
    public void C1_votes_and_acknowledgements_count_per_incarnation() => AssertCaught(nameof(Rules.CountPerIncarnation));

    [Fact]
    public void C1_configuration_changes_wait_for_a_committed_entry_of_the_own_term() => AssertCaught(nameof(Rules.ConfigurationWaitsForOwnTerm));

    [Fact]
    public void Thesis_4_1_one_configuration_change_at_a_time() => AssertCaught(nameof(Rules.OneConfigurationAtATime));

    [Fact]
    public void Thesis_4_1_a_truncated_configuration_is_not_in_force() => AssertCaught(nameof(Rules.RevertTruncatedConfiguration));

    [Fact]
    public void Thesis_4_2_1_learners_do_not_count() => AssertCaught(nameof(Rules.LearnersDoNotCount));

    [Fact]
    public void Thesis_6_4_strong_reads_wait_for_a_round_of_messages() => AssertCaught(nameof(Rules.ReadIndexRound));

    [Fact]
    public void Thesis_6_4_strong_reads_wait_for_an_entry_of_the_own_term() => AssertCaught(nameof(Rules.ReadIndexWaitsForOwnTerm));

    [Fact]
    public void C3_a_leader_that_cannot_serve_takes_no_writes() => AssertCaught(nameof(Rules.UnfitNeverServes));

    [Fact]
    public void C3_a_leader_that_cannot_serve_hands_over() => AssertCaught(nameof(Rules.UnfitHandsOver));

    [Fact]
    public void C5_an_epoch_names_its_leader() => AssertCaught(nameof(Rules.EpochsNameTheirLeader), ClusterMode.Available);

    [Fact]
    public void C5_what_is_cut_off_is_reported_before() => AssertCaught(nameof(Rules.DiscardsAreReported), ClusterMode.Available);

    [Fact]
    public void C5_the_committed_prefix_is_compared_too() => AssertCaught(nameof(Rules.CommittedIsCompared), ClusterMode.Available);

    [Fact]
    public void C5_who_answers_with_a_more_complete_log_leads_instead() => AssertCaught(nameof(Rules.CompleteLogsLead), ClusterMode.Available);

    [Fact]
    public void C5_only_durable_entries_are_acknowledged_by_the_leader_alone() => AssertCaught(nameof(Rules.AcknowledgeDurableOnly), ClusterMode.Available);

    [Fact]
    public void Every_rule_has_its_test()
    {
        int rules = typeof(Rules).GetProperties(BindingFlags.Public | BindingFlags.Static).Length;
        int tests = typeof(MutationTests).GetMethods().Count(method => method.GetCustomAttribute<FactAttribute>() is not null);
        Assert.Equal(rules, tests - 2); // this one, and one rule is tried in both modes
    }

    private static void AssertCaught(string rule, ClusterMode mode = ClusterMode.Consistent)
    {
        using IDisposable broken = Rules.Break(rule);
        for (int seed = FixedSeeds.First; seed < FixedSeeds.First + FixedSeeds.Count; seed++)
        {
            try
            {
                Simulator.Run(seed, FixedSeeds.Steps, mode: mode);
            }
            catch (InvariantViolationException violation)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"without {rule}: {violation.Message}");
                return;
            }
        }

        Assert.Fail($"none of {FixedSeeds.Count} seeds noticed that {rule} was taken out");
    }
}
