namespace WolfScale.Consensus;

/// <summary>
/// What a node does in one role of one term. A role object is made when the role begins and dropped when it ends, so nothing of an old term
/// survives in it. Messages reach it only when they are for this incarnation and of the current term.
/// </summary>
internal abstract class RoleState(RaftCore core)
{
    protected RaftCore Core { get; } = core;

    protected NodeContext Node { get; } = core.Node;

    public abstract RaftRole Role { get; }

    /// <summary>When <see cref="Tick"/> has something to do.</summary>
    public virtual long NextDeadlineMs => Node.ElectionDeadlineMs;

    public abstract void Tick();

    public abstract void OnAppendRequest(AppendRequest request);

    public virtual void OnAppendResponse(AppendResponse response)
    {
    }

    public virtual void OnPreVoteResponse(PreVoteResponse response)
    {
    }

    public virtual void OnVoteResponse(VoteResponse response)
    {
    }

    public virtual void OnTimeoutNow(TimeoutNow request)
    {
    }

    /// <summary>Nothing connects that node with this one any more.</summary>
    public virtual void OnPeerDisconnected(NodeKey peer)
    {
    }

    /// <summary>That node has connected to this one.</summary>
    public virtual void OnPeerConnected(NodeKey peer)
    {
    }

    /// <summary>More of the own log is durable.</summary>
    public virtual void OnDurable()
    {
    }

    /// <summary>The own fitness has changed.</summary>
    public virtual void OnStandingChanged()
    {
    }

    /// <summary>The role ends.</summary>
    public virtual void OnLeave()
    {
    }
}
