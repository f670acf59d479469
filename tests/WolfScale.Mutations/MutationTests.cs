using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Mutations;

public class MutationTests
{
    [Theory]
    [InlineData(nameof(Rules.PersistVote))]
    [InlineData(nameof(Rules.ElectionRestriction))]
    [InlineData(nameof(Rules.LogMatching))]
    [InlineData(nameof(Rules.CommitOwnTermOnly))]
    [InlineData(nameof(Rules.AcknowledgeDurableOnly))]
    [InlineData(nameof(Rules.IgnoreStaleSyncs))]
    [InlineData(nameof(Rules.CountPerIncarnation))]
    [InlineData(nameof(Rules.ConfigurationWaitsForOwnTerm))]
    [InlineData(nameof(Rules.OneConfigurationAtATime))]
    [InlineData(nameof(Rules.RevertTruncatedConfiguration))]
    [InlineData(nameof(Rules.LearnersDoNotCount))]
    [InlineData(nameof(Rules.ReadIndexRound))]
    [InlineData(nameof(Rules.ReadIndexWaitsForOwnTerm))]
    [InlineData(nameof(Rules.UnfitNeverServes))]
    [InlineData(nameof(Rules.UnfitHandsOver))]
    public void A_core_without_this_rule_is_caught(string rule)
    {
        using IDisposable broken = Rules.Break(rule);
        for (int seed = 1; seed <= 500; seed++)
        {
            try
            {
                Simulator.Run(seed, 20000);
            }
            catch (InvariantViolationException violation)
            {
                TestContext.Current.SendDiagnosticMessage($"{rule}: {violation.Message}");
                Console.WriteLine($"{rule}: {violation.Message.Split('\n')[0]}");
                return;
            }
        }

        Assert.Fail($"no seed noticed that {rule} was taken out");
    }
}
