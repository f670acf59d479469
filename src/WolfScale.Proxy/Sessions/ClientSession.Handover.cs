namespace WolfScale.Proxy.Sessions;

/// <summary>The lead is given away while the leader lives: what a command meets that came too late to be held back.</summary>
internal sealed partial class ClientSession
{
    private const int HandoverLookMs = 5;

    private long _readOnlyUntilMs;

    /// <summary>
    /// 1290, option --read-only: nothing was executed, and the server gives the lead away or has done so. The statement is sent again, here or to the
    /// new leader; where the server stays read-only, somebody has made it so, and the client is told in the end.
    /// </summary>
    private void RetryAfterReadOnly()
    {
        if (InTransaction && _begun is null)
        {
            var lost = LostTransaction();
            DropLeader();
            Answer(lost);
            return;
        }

        if (_readOnlyUntilMs == 0)
            _readOnlyUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        if (!_wasNotSent)
        {
            WaitForHandover();
            return;
        }

        _isSent = false; // so that what it would have left behind does not tie the session
        Move();
    }

    /// <summary>Keeps the command until it is known who leads.</summary>
    private void WaitForHandover()
    {
        Phase = SessionPhase.Preparing;
        Later(HandoverLookMs, () =>
        {
            var routes = _context.Routes.Current;
            if (routes.IsHandingOver)
                WaitForHandover(); // bounded by the hand-over itself
            else if (routes.Leader is null || routes.Epoch != _epoch || _leader is not { IsClosed: false })
                Move();
            else
                SendToLeader();
        });
    }
}
