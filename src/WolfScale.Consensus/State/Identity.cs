namespace WolfScale.Consensus;

/// <summary>Rule C1 in one place: who counts as whom.</summary>
internal static class Identity
{
    /// <summary>
    /// The same id is not enough: an emptied disk comes back with the same id and without the entries it acknowledged and the vote it gave,
    /// so it is another node to every count.
    /// </summary>
    public static bool IsSame(NodeKey a, NodeKey b) =>
        Rules.CountPerIncarnation ? a == b : string.Equals(a.Id, b.Id, StringComparison.Ordinal);

    public static bool IsVoter(Member member) => member.IsVoter || !Rules.LearnersDoNotCount;
}
