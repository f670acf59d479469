using WolfScale.Consensus;

namespace WolfScale.Scenarios;

/// <summary>The fast arithmetic against a naive twin that says what is meant.</summary>
public class QuorumArithmeticTests
{
    [Fact]
    public void Majority_value_is_the_largest_one_that_more_than_half_have_reached()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            long[] reached = [.. Enumerable.Range(0, random.Next(1, 10)).Select(_ => (long)random.Next(0, 6))];
            long naive = reached.Where(value => reached.Count(other => other >= value) * 2 > reached.Length).Max();
            Assert.Equal(naive, QuorumArithmetic.MajorityValue([.. reached]));
        }
    }

    [Fact]
    public void Two_majorities_of_configurations_that_differ_by_one_vote_overlap()
    {
        // Thesis §4.1: why single-server changes need no joint consensus.
        for (int voters = 1; voters < 30; voters++)
            Assert.True(QuorumArithmetic.Majority(voters) + QuorumArithmetic.Majority(voters + 1) > voters + 1);
    }

    [Fact]
    public void Tolerated_failures_leave_a_majority_and_one_more_does_not()
    {
        for (int voters = 1; voters < 30; voters++)
        {
            int tolerated = QuorumArithmetic.ToleratedFailures(voters);
            Assert.True(voters - tolerated >= QuorumArithmetic.Majority(voters));
            Assert.False(voters - tolerated - 1 >= QuorumArithmetic.Majority(voters));
        }
    }
}
