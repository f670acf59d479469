using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>
/// A leader's side of log replication towards one member at a time (Raft §5.3), pipelined (thesis §10.2.1): probing with empty messages
/// until the logs meet, then sending ahead of the acknowledgements up to the in-flight window.
/// </summary>
internal sealed class LogSender(NodeContext node, ReadIndexQueue reads)
{
    private readonly List<BatchInfo> _collected = [];

    /// <summary>Sends all that may be sent now: batches up to the window, or a probe.</summary>
    public void SendTo(PeerProgress peer)
    {
        while (HasRoom(peer) && SendBatches(peer))
        {
        }

        if (peer.State == ReplicationState.Probe && !peer.ProbeSent)
            SendEmpty(peer, answerNow: true);
    }

    /// <summary>An append without batches: heartbeat, probe or read round, which want an answer; or a commit update.</summary>
    public void SendEmpty(PeerProgress peer, bool answerNow)
    {
        peer.ProbeSent = peer.State == ReplicationState.Probe;
        LogPosition? previous = node.Log.PositionAt(peer.NextLsn - 1);
        if (previous is null)
        {
            BecomeBehindRetention(peer);
            previous = node.Log.First;
        }

        Send(peer, previous.Value, [], answerNow);
    }

    public void OnResponse(PeerProgress peer, AppendResponse response)
    {
        peer.ProbeSent = false;
        if (response.Success)
            OnAccepted(peer, response);
        else
            OnRefused(peer, response);
    }

    private static void OnAccepted(PeerProgress peer, AppendResponse response)
    {
        peer.MatchLsn = Math.Max(peer.MatchLsn, response.MatchLsn);
        peer.Inflight.FreeThrough(peer.MatchLsn);
        if (peer.State != ReplicationState.Replicate)
        {
            // The probed position was accepted, or something at or after it is acknowledged.
            if (response.PreviousLsn != peer.NextLsn - 1 && peer.MatchLsn < peer.NextLsn - 1)
                return;
            peer.BecomeReplicate();
        }

        peer.NextLsn = Math.Max(peer.NextLsn, peer.MatchLsn + 1);
    }

    private void OnRefused(PeerProgress peer, AppendResponse response)
    {
        // An answer to this leader's own word of an earlier term. (Its hint is the log's very beginning: a pruned log would be taken to begin too late, and another to differ
        // from there on.) Or old news: that position has been acknowledged since, or another one is being probed. (The very beginning is refused in mode "available" alone, by
        // a member whose log begins later, on another line of history.)
        bool stale = response.PreviousLsn == AppendResponse.NothingCompared
            || (response.PreviousLsn <= peer.MatchLsn && peer.MatchLsn > 0)
            || (peer.State != ReplicationState.Replicate && response.PreviousLsn != peer.NextLsn - 1);
        if (stale)
            return;
        long meeting = FindMeetingPoint(response.Hint, response.PreviousLsn, peer.MatchLsn);
        if (meeting >= response.PreviousLsn || response.Hint.Lsn < node.Log.First.Lsn)
        {
            BecomeBehindRetention(peer);
            return;
        }

        peer.BecomeProbe(meeting);
    }

    /// <summary>
    /// What the member needs is pruned here. Heartbeats go on and ask for the earliest place this log still knows: they are accepted there
    /// once the member was migrated.
    /// </summary>
    private void BecomeBehindRetention(PeerProgress peer)
    {
        peer.BecomeProbe(node.Log.First.Lsn);
        peer.State = ReplicationState.BehindRetention;
    }

    /// <summary>
    /// The member's hint says: nothing after it matches, and its term there is so much. So the logs meet no later than at the last boundary
    /// of this log at or before the hint whose term is not above the hint's (end of Raft §5.3).
    /// </summary>
    private long FindMeetingPoint(LogPosition hint, long refusedLsn, long matchLsn)
    {
        long lsn = node.Log.AlignDown(Math.Min(hint.Lsn, refusedLsn));
        long floor = Math.Max(matchLsn, node.Log.First.Lsn);
        for (int step = 0; step < LogReceiver.MaxHintSteps && lsn > floor && node.Log.TermAt(lsn) > hint.Term; step++)
            lsn = node.Log.BoundaryBefore(lsn);

        // Strictly before what was refused, or the search would not end; where there is no such place the log begins too late.
        return lsn >= refusedLsn ? node.Log.BoundaryBefore(refusedLsn) : lsn;
    }

    private bool HasRoom(PeerProgress peer) =>
        peer.State == ReplicationState.Replicate
        && peer.NextLsn <= node.Log.Last.Lsn
        && peer.Inflight.Count < node.Options.MaxInflightMessages
        && peer.Inflight.Bytes < node.Options.MaxInflightBytes;

    /// <summary>Sends the next message with batches.</summary>
    private bool SendBatches(PeerProgress peer)
    {
        if (node.Log.PositionAt(peer.NextLsn - 1) is not { } previous || node.Log.BatchAfter(previous.Lsn) is not { } batch)
        {
            peer.BecomeProbe(peer.NextLsn - 1); // pruned meanwhile; SendEmpty finds out
            return false;
        }

        int bytes = 0;
        _collected.Clear();
        for (BatchInfo? next = batch; next is not null; next = node.Log.BatchAfter(next.LastLsn))
        {
            if (_collected.Count > 0 && (bytes + next.Bytes > node.Options.MaxMessageBytes || next.LastLsn - previous.Lsn > node.Options.MaxMessageEntries))
                break;
            _collected.Add(next);
            bytes += next.Bytes;
        }

        long last = _collected[^1].LastLsn;
        peer.Inflight.Add(last, bytes);
        peer.NextLsn = last + 1;
        Send(peer, previous, [.. _collected], answerNow: false);
        return true;
    }

    private void Send(PeerProgress peer, LogPosition previous, ImmutableArray<BatchInfo> batches, bool answerNow)
    {
        peer.SentCommitLsn = node.CommitLsn;
        node.Send(new AppendRequest(node.Self, peer.Key, node.Term, previous, batches, node.CommitLsn, reads.Round, answerNow));
    }
}
