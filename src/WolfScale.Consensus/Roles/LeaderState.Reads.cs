namespace WolfScale.Consensus;

/// <summary>A leader's strong reads (thesis §6.4).</summary>
internal sealed partial class LeaderState
{
    public ReadIndexResult BeginReadIndex(long context)
    {
        if (_reads.Count >= Node.Options.MaxPendingReads)
            return ReadIndexResult.TooManyInFlight;
        if (Rules.ReadIndexWaitsForOwnTerm && !OwnTermCommitted)
            _reads.AddEarly(context);
        else
            BeginRead(context);
        return ReadIndexResult.Started;
    }

    private void BeginEarlyReads()
    {
        while (OwnTermCommitted && _reads.TryTakeEarly(out long context))
            BeginRead(context);
    }

    private void BeginRead(long context)
    {
        if (_reads.Add(context, Node.CommitLsn))
            SendRound();
        ConfirmReads();
    }

    private void SendRound()
    {
        foreach (PeerProgress peer in _peers)
            if (Identity.IsVoter(peer.Member))
                _sender.SendEmpty(peer, answerNow: true);
    }

    /// <summary>A lost round is repeated by the next heartbeat, which carries its number.</summary>
    private void ConfirmReads()
    {
        if (_reads.Count == 0)
            return;
        // In mode "available" there may be another leader that no majority speaks for: a read is as strong as the side it is on.
        long confirmed = Rules.ReadIndexRound && !Node.IsAvailable
            ? MajorityValue(0, _reads.Round, static peer => peer.ReadIndexContext)
            : _reads.Round;
        if (_reads.Confirm(confirmed, Node))
            SendRound();
    }
}
