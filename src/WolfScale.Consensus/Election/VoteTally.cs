namespace WolfScale.Consensus;

/// <summary>How an election stands.</summary>
internal enum TallyResult : byte
{
    Open,
    Won,
    Lost,
}

/// <summary>Counts answers of the voters of one configuration, each voter once, per incarnation (rule C1).</summary>
internal sealed class VoteTally(Configuration configuration)
{
    private readonly HashSet<string> _counted = new(StringComparer.Ordinal);
    private int _granted;
    private int _refused;

    public bool HasAnswered(NodeKey voter) => _counted.Contains(voter.Id);

    public TallyResult Record(NodeKey from, bool granted)
    {
        foreach (Member member in configuration.Members)
        {
            // Configurations hold an id once, so the id of the member stands for it.
            if (!Identity.IsSame(member.Key, from) || !Identity.IsVoter(member) || !_counted.Add(member.Key.Id))
                continue;
            if (granted)
                _granted++;
            else
                _refused++;
        }

        int voters = configuration.VoterCount;
        if (_granted >= QuorumArithmetic.Majority(voters))
            return TallyResult.Won;
        return _refused > voters - QuorumArithmetic.Majority(voters) ? TallyResult.Lost : TallyResult.Open;
    }
}
