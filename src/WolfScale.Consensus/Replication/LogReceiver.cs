namespace WolfScale.Consensus;

/// <summary>
/// A follower's side of log replication in one term (Raft §5.3): checks, appends, truncates, acknowledges what is durable.
/// </summary>
internal sealed class LogReceiver(NodeContext node)
{
    /// <summary>A back-off hint looks at this many batches at most; the next round goes on from there.</summary>
    internal const int MaxHintSteps = 1024;

    /// <summary>Up to here this log is known to be this term's leader's log.</summary>
    private long _verifiedLsn;

    /// <summary>What the leader says is committed.</summary>
    private long _leaderCommitLsn;

    private long _acknowledgedLsn;
    private long _readIndexContext;

    /// <summary>
    /// What is in every leader's log and needs no comparison: the committed prefix (Raft §5.4.3). In mode "available" another leader may have come to
    /// be without it, so nothing is.
    /// </summary>
    private long SettledLsn => node.IsAvailable && Rules.CommittedIsCompared ? -1 : node.CommitLsn;

    /// <summary>What may be acknowledged: verified and durable. The settled prefix needs no verification.</summary>
    private long MatchLsn
    {
        get
        {
            long verified = Math.Max(_verifiedLsn, SettledLsn);
            return Rules.AcknowledgeDurableOnly ? Math.Min(node.DurableLsn, verified) : verified;
        }
    }

    public void Receive(AppendRequest request)
    {
        if (!IsWellFormed(request))
        {
            node.Alarm($"{request.From} sent batches that do not follow one another after {request.Previous}");
            return;
        }

        _readIndexContext = Math.Max(_readIndexContext, request.ReadIndexContext);
        if (!Matches(request.Previous))
        {
            Refuse(request);
            return;
        }

        if (!Accept(request))
            return;
        _verifiedLsn = Math.Max(_verifiedLsn, request.EndLsn);
        _leaderCommitLsn = Math.Max(_leaderCommitLsn, request.CommitLsn);
        AdvanceCommit();

        // New entries are acknowledged when they are durable; those that are already, at once.
        if (request.AnswerNow || (!request.Batches.IsEmpty && MatchLsn >= request.EndLsn))
            Acknowledge(request.From, request.Previous.Lsn);
    }

    /// <summary>One answer for everything that one sync made durable.</summary>
    public void OnDurable()
    {
        AdvanceCommit();
        if (MatchLsn > _acknowledgedLsn)
            Acknowledge();
    }

    /// <summary>Tells the leader where this node stands, unasked.</summary>
    public void Acknowledge()
    {
        if (node.Leader is { } leader)
            Acknowledge(leader, MatchLsn);
    }

    private void Acknowledge(NodeKey leader, long previousLsn)
    {
        _acknowledgedLsn = MatchLsn;
        node.Send(new AppendResponse(
            node.Self, leader, node.Term, Success: true, _acknowledgedLsn, previousLsn, Hint: default, node.Standing, _readIndexContext));
    }

    private void Refuse(AppendRequest request) =>
        node.Send(new AppendResponse(
            node.Self, request.From, node.Term, Success: false, MatchLsn, request.Previous.Lsn, HintFor(request.Previous), node.Standing,
            _readIndexContext));

    /// <summary>Raft §5.3, the consistency check: this log holds the entry before the new ones.</summary>
    private bool Matches(LogPosition previous) =>
        previous.Lsn <= SettledLsn
        || (Rules.LogMatching ? node.Log.TermAt(previous.Lsn) == previous.Term : previous.Lsn <= node.Log.Last.Lsn);

    /// <summary>Raft §5.3: skip what is there, cut off what conflicts, append the rest.</summary>
    /// <returns>False after an alarm.</returns>
    private bool Accept(AppendRequest request)
    {
        if (request.Previous.Lsn <= SettledLsn && node.Log.TermAt(request.Previous.Lsn) is { } term && term != request.Previous.Term)
        {
            node.Alarm($"{request.From} has {request.Previous} in its log, where this one has committed an entry of term {term}");
            return false;
        }

        int first = 0;
        while (first < request.Batches.Length && Holds(request.Batches[first]))
            first++;
        if (first == request.Batches.Length)
            return true;

        long keep = request.Batches[first].FirstLsn - 1;
        if (keep < node.Log.Last.Lsn)
        {
            if (keep < SettledLsn)
            {
                node.Alarm($"{request.From} would replace committed entries after LSN {keep}, commit LSN {node.CommitLsn}");
                return false;
            }

            node.Truncate(keep);
        }

        Append(request, first);
        return true;
    }

    private void Append(AppendRequest request, int first)
    {
        Configuration? before = node.Configuration;
        for (int i = first; i < request.Batches.Length; i++)
            node.Append(request.Batches[i]);
        node.Emit(new Effect.AppendReceived(request, first));

        // In force from now on, committed or not (thesis §4.1).
        if (node.Configuration is { } active && !ReferenceEquals(active, before))
            node.Emit(new Effect.ConfigurationChanged(active, node.Configurations.ActiveLsn));
    }

    /// <summary>Same LSN and term, same batch, same everything before it (log matching).</summary>
    private bool Holds(BatchInfo batch) => batch.LastLsn <= SettledLsn || node.Log.TermAt(batch.LastLsn) == batch.Term;

    /// <summary>
    /// On a follower the commit LSN is also capped by its own durable LSN, so that its MariaDB never gets ahead of its own log.
    /// </summary>
    private void AdvanceCommit()
    {
        long lsn = Math.Min(_leaderCommitLsn, Math.Min(_verifiedLsn, node.DurableLsn));
        if (lsn > node.CommitLsn)
            node.AdvanceCommit(lsn);
        if (!node.IsInStep && node.IsAvailable && node.Log.TermAt(node.CommitLsn) == node.Term)
            node.IsInStep = true;
    }

    /// <summary>
    /// The last boundary at or before the refused position whose term is not above the refused one: everything between cannot match, so a
    /// whole divergent term is skipped in one round (the optimisation at the end of Raft §5.3).
    /// </summary>
    private LogPosition HintFor(LogPosition refused)
    {
        long lsn = node.Log.AlignDown(refused.Lsn);
        for (int step = 0; step < MaxHintSteps && lsn > Math.Max(SettledLsn, node.Log.First.Lsn) && node.Log.TermAt(lsn) > refused.Term; step++)
            lsn = node.Log.BoundaryBefore(lsn);
        return new LogPosition(lsn, node.Log.TermAt(lsn) ?? 0);
    }

    private static bool IsWellFormed(AppendRequest request)
    {
        LogPosition previous = request.Previous;
        foreach (BatchInfo batch in request.Batches)
        {
            if (batch.FirstLsn != previous.Lsn + 1 || batch.LastLsn < batch.FirstLsn
                || batch.Term < previous.Term || batch.Term > request.Term)
                return false;
            previous = new LogPosition(batch.LastLsn, batch.Term);
        }

        return true;
    }
}
