namespace WolfScale.Consensus;

/// <summary>The switchable twin of the production build's <c>Rules</c>: one rule at a time can be taken out, per thread.</summary>
internal static class Rules
{
    [ThreadStatic]
    private static string? _broken;

    public static bool PersistVote => Holds(nameof(PersistVote));

    public static bool ElectionRestriction => Holds(nameof(ElectionRestriction));

    public static bool LogMatching => Holds(nameof(LogMatching));

    public static bool CommitOwnTermOnly => Holds(nameof(CommitOwnTermOnly));

    public static bool AcknowledgeDurableOnly => Holds(nameof(AcknowledgeDurableOnly));

    public static bool IgnoreStaleSyncs => Holds(nameof(IgnoreStaleSyncs));

    public static bool CountPerIncarnation => Holds(nameof(CountPerIncarnation));

    public static bool ConfigurationWaitsForOwnTerm => Holds(nameof(ConfigurationWaitsForOwnTerm));

    public static bool OneConfigurationAtATime => Holds(nameof(OneConfigurationAtATime));

    public static bool RevertTruncatedConfiguration => Holds(nameof(RevertTruncatedConfiguration));

    public static bool LearnersDoNotCount => Holds(nameof(LearnersDoNotCount));

    public static bool ReadIndexRound => Holds(nameof(ReadIndexRound));

    public static bool ReadIndexWaitsForOwnTerm => Holds(nameof(ReadIndexWaitsForOwnTerm));

    public static bool UnfitNeverServes => Holds(nameof(UnfitNeverServes));

    public static bool UnfitHandsOver => Holds(nameof(UnfitHandsOver));

    public static bool EpochsNameTheirLeader => Holds(nameof(EpochsNameTheirLeader));

    public static bool DiscardsAreReported => Holds(nameof(DiscardsAreReported));

    public static bool CommittedIsCompared => Holds(nameof(CommittedIsCompared));

    public static bool CompleteLogsLead => Holds(nameof(CompleteLogsLead));

    /// <summary>Takes a rule out until the result is disposed.</summary>
    public static IDisposable Break(string rule)
    {
        if (typeof(Rules).GetProperty(rule) is null)
            throw new ArgumentException($"there is no rule {rule}", nameof(rule));
        _broken = rule;
        return new Mended();
    }

    private static bool Holds(string rule) => !ReferenceEquals(rule, _broken) && rule != _broken;

    private sealed class Mended : IDisposable
    {
        public void Dispose() => _broken = null;
    }
}
