namespace WolfScale.Consensus;

/// <summary>Mode "available": leads that are taken, and handed over, without votes.</summary>
public sealed partial class RaftCore
{
    /// <summary>Leads from now on, in an epoch of its own, later than all it has seen; durable before anybody hears of it, so it is never taken twice.</summary>
    internal void TakeLead()
    {
        Node.EnterTerm(Node.NextTerm);
        Node.CastVote(Self);
        BecomeLeader();
    }

    /// <summary>
    /// The target of a hand-over asks to take over. A leader that agrees leads no more before the answer leaves, and agrees only where the target has the
    /// whole log: nothing that it acknowledges can be missing in the new epoch. A TimeoutNow that comes late, when writes go on here, is refused.
    /// </summary>
    private void AnswerTakeover(VoteRequest request)
    {
        bool granted = request.LeaderTransfer && request.Term > Term && IsLeader && Transfer?.Target == request.From && request.Last == Node.Log.Last;
        if (granted)
            BecomeFollower(request.Term, leader: null);
        Node.Send(new VoteResponse(Self, request.From, Node.Term, granted));
    }

    /// <summary>The former leader has stepped aside for this node, and for the log that it asked with: a node whose log is another one by now waits for an election.</summary>
    private void OnTakeoverAnswered(VoteResponse response)
    {
        if (response.Granted && response.Term == Node.NextTerm && Node.Leader == response.From && _role is FollowerState { AskedWith: { } asked } && asked == Node.Log.Last)
            TakeLead();
        else if (!response.Granted && response.Term > Term)
            BecomeFollower(response.Term, leader: null);
    }
}
