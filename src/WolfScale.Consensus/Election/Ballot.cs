namespace WolfScale.Consensus;

/// <summary>
/// A node as a voter: answers (pre-)vote requests, in whatever role. Learners answer too: the candidate's configuration, not the voter's,
/// says whose answer counts (thesis §4.1).
/// </summary>
internal sealed class Ballot(NodeContext node)
{
    /// <summary>More refusals than any cluster has candidates; beyond it nobody is refused for being worse placed.</summary>
    private const int MaxRefusals = 64;

    private readonly HashSet<NodeKey> _refusedOnce = [];
    private PlacedCandidate? _best;

    /// <summary>A leader is there: whatever was heard before its election is of no interest.</summary>
    public void LeaderHeard()
    {
        _best = null;
        if (_refusedOnce.Count > 0)
            _refusedOnce.Clear();
    }

    /// <returns>Whether this node itself is better placed than the candidate and should ask for votes now.</returns>
    public bool Answer(PreVoteRequest request, bool isLeader)
    {
        bool standsMyself = false;
        bool granted = request.Term > node.Term
            && !ProtectsLeader(isLeader, request.From)
            && IsUpToDate(request.Last)
            && !RefusesOnce(Place(request.From, request.Standing, request.Last), isLeader, out standsMyself);
        node.Send(new PreVoteResponse(node.Self, request.From, granted ? request.Term : node.Term, granted));
        return standsMyself;
    }

    /// <summary>
    /// Mode "available": answers a node that asks who is there. Objects where a leader is heard, or where this node has the better claim.
    /// </summary>
    /// <returns>Whether this node should stand instead.</returns>
    public bool AnswerRollCall(PreVoteRequest request, bool isLeader)
    {
        bool hearsLeader = ProtectsLeader(isLeader, request.From);
        bool better = node.IsVoter && ElectionPolicy.HasBetterClaim(
            node.Self, node.Standing, node.Log.Last, request.From, request.Standing, request.Last);
        bool granted = request.Term > node.Term && !hearsLeader && !better;
        if (granted)
            node.RestartElectionTimer();
        node.Send(new PreVoteResponse(node.Self, request.From, granted ? request.Term : node.Term, granted));
        return better && !hearsLeader;
    }

    /// <summary>Answers a request of the current term.</summary>
    /// <returns>Whether this node itself is better placed than the candidate and should ask for votes now.</returns>
    public bool Answer(VoteRequest request, bool isLeader)
    {
        bool standsMyself = false;
        bool granted = node.HardState.Vote is { } vote
            ? Identity.IsSame(vote, request.From) // one vote per term, Raft §5.2; the same answer to the same question
            : node.Leader is null
              && IsUpToDate(request.Last)
              && (request.LeaderTransfer
                  || !RefusesOnce(Place(request.From, request.Standing, request.Last), isLeader, out standsMyself));
        if (granted)
        {
            node.CastVote(request.From);
            node.RestartElectionTimer();
        }

        node.Send(new VoteResponse(node.Self, request.From, node.Term, granted));
        return standsMyself;
    }

    /// <summary>
    /// Thesis §4.2.3: whoever hears a leader does not help to replace it. A leader that asks for votes itself, for a term after its own, leads no
    /// more: it has lost its majority, and what this node has just heard of it was said before.
    /// </summary>
    public bool ProtectsLeader(bool isLeader, NodeKey candidate) =>
        isLeader || (node.Leader is { } leader && leader != candidate && node.NowMs - node.LeaderHeardMs < ElectionPolicy.ProtectionMs(node.Options));

    /// <summary>Raft §5.4.1: the election restriction, on which leader completeness rests.</summary>
    private bool IsUpToDate(LogPosition last) => !Rules.ElectionRestriction || last.IsAtLeastAsUpToDateAs(node.Log.Last);

    /// <summary>
    /// A candidate is refused once when a better-placed one could win as well: one heard lately, or this node itself. Once only, so that
    /// the worse one still wins when the better one cannot. Refusing is always safe.
    /// </summary>
    private bool RefusesOnce(PlacedCandidate candidate, bool isLeader, out bool standsMyself)
    {
        bool better = _best is { } best
            && node.NowMs - best.HeardMs <= node.Options.ElectionTimeoutMinMs
            && best.Key != candidate.Key
            && best.Last.IsAtLeastAsUpToDateAs(candidate.Last)
            && ElectionPolicy.IsBetterPlaced(best.Key, best.Standing, candidate.Key, candidate.Standing);
        bool myself = !isLeader && node.IsVoter
            && node.Log.Last.IsAtLeastAsUpToDateAs(candidate.Last)
            && ElectionPolicy.IsBetterPlaced(node.Self, node.Standing, candidate.Key, candidate.Standing);
        if (!better)
            _best = candidate;
        standsMyself = false;
        if (!(better || myself) || _refusedOnce.Count >= MaxRefusals || !_refusedOnce.Add(candidate.Key))
            return false;
        standsMyself = myself && !better;
        return true;
    }

    private PlacedCandidate Place(NodeKey key, Standing standing, LogPosition last) => new(key, standing, last, node.NowMs);

    private readonly record struct PlacedCandidate(NodeKey Key, Standing Standing, LogPosition Last, long HeardMs);
}
