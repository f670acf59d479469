namespace WolfScale.Consensus;

/// <summary>
/// Strong reads of one leadership (thesis §6.4): each remembers the commit LSN at its start and waits for a round of messages that began
/// after it. One round is under way at a time; reads that come meanwhile share the next one. No clock is trusted.
/// </summary>
internal sealed class ReadIndexQueue
{
    private readonly Queue<(long Context, long Lsn, long Round)> _waiting = new();

    /// <summary>Reads that began before this leader had committed anything: their LSN is not known yet.</summary>
    private readonly Queue<long> _early = new();
    private long _confirmedRound;

    /// <summary>The latest round that has begun; every append message carries it.</summary>
    public long Round { get; private set; }

    public int Count => _waiting.Count + _early.Count;

    public void AddEarly(long context) => _early.Enqueue(context);

    public bool TryTakeEarly(out long context) => _early.TryDequeue(out context);

    /// <returns>Whether a round must be started now: messages must go out.</returns>
    public bool Add(long context, long commitLsn)
    {
        bool underWay = Round > _confirmedRound;
        _waiting.Enqueue((context, commitLsn, Round + 1));
        if (underWay)
            return false;
        Round++;
        return true;
    }

    /// <summary>A majority has answered <paramref name="round"/>.</summary>
    /// <returns>Whether the next round must be started now.</returns>
    public bool Confirm(long round, NodeContext node)
    {
        if (round <= _confirmedRound)
            return false;
        _confirmedRound = round;
        while (_waiting.TryPeek(out (long Context, long Lsn, long Round) read) && read.Round <= round)
        {
            _ = _waiting.Dequeue();
            node.Emit(new Effect.ReadIndexReady(read.Context, read.Lsn));
        }

        if (_waiting.Count == 0)
            return false;
        Round++;
        return true;
    }

    public void Abort(NodeContext node)
    {
        while (_waiting.TryDequeue(out (long Context, long Lsn, long Round) read))
            node.Emit(new Effect.ReadIndexAborted(read.Context));
        while (_early.TryDequeue(out long context))
            node.Emit(new Effect.ReadIndexAborted(context));
    }
}
