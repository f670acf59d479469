namespace WolfScale.Wal;

/// <summary>What the batch header says of the groups in the batch. On disk: never renumber.</summary>
[Flags]
internal enum GroupFlags : byte
{
    None = 0,

    /// <summary>The first entry continues a group that began in an earlier batch.</summary>
    HeadContinues = 1,

    /// <summary>… and that group ends in this batch.</summary>
    HeadEnds = 2,

    /// <summary>… or the whole batch is pieces of it, and it goes on.</summary>
    HeadSpans = 4,

    /// <summary>At least one group begins and ends in this batch.</summary>
    HasComplete = 8,

    /// <summary>A group begins in this batch and goes on after it.</summary>
    TailOpen = 16,

    /// <summary>There is at least one group entry, so the range of sequences is valid.</summary>
    HasGroups = 32,

    All = 63,
}

/// <summary>
/// The groups of one batch in short, so that look-ups and <see cref="GroupState"/> need no body. Offsets count entries from the batch's first.
/// </summary>
internal struct GroupSummary
{
    public GroupFlags Flags;
    public ulong MinSequence;
    public ulong MaxSequence;
    public EntryKey Head;
    public int HeadEnd;
    public EntryKey LastComplete;
    public int LastCompleteEnd;
    public EntryKey Tail;

    public readonly bool Has(GroupFlags flag) => (Flags & flag) != 0;

    /// <summary>Whether an entry of that sequence can be in the batch.</summary>
    public readonly bool MayHold(ulong sequence) => Has(GroupFlags.HasGroups) && sequence >= MinSequence && sequence <= MaxSequence;
}

/// <summary>Makes a <see cref="GroupSummary"/> from a batch's entries, in order.</summary>
internal struct GroupSummaryBuilder
{
    private GroupSummary _summary;
    private GroupState _state;
    private bool _inHead;
    private int _count;

    public void Add(EntryKind kind, EntryFlags flags, EntryKey key)
    {
        int index = _count++;
        bool continues = kind == EntryKind.Group && (flags & EntryFlags.First) == 0;
        if (kind == EntryKind.Group)
            AddSequence(key.Sequence);
        if (index == 0 && continues)
        {
            _summary.Flags |= GroupFlags.HeadContinues;
            _summary.Head = key;
            _inHead = true;
        }

        if (_inHead && continues && key == _summary.Head)
        {
            if ((flags & EntryFlags.Last) == 0)
                return;
            _summary.Flags |= GroupFlags.HeadEnds;
            _summary.HeadEnd = index;
            _inHead = false;
            return;
        }

        _inHead = false;
        _state = _state.After(kind, flags, key, index);
    }

    public readonly GroupSummary Finish()
    {
        GroupSummary summary = _summary;
        if (_inHead)
            summary.Flags |= GroupFlags.HeadSpans;
        if (_state.HasLast)
        {
            summary.Flags |= GroupFlags.HasComplete;
            summary.LastComplete = _state.Last.Key;
            summary.LastCompleteEnd = (int)_state.Last.LastLsn;
        }

        if (_state.HasOpen)
        {
            summary.Flags |= GroupFlags.TailOpen;
            summary.Tail = _state.Open;
        }

        return summary;
    }

    private void AddSequence(ulong sequence)
    {
        bool first = !_summary.Has(GroupFlags.HasGroups);
        _summary.Flags |= GroupFlags.HasGroups;
        _summary.MinSequence = first ? sequence : Math.Min(_summary.MinSequence, sequence);
        _summary.MaxSequence = first ? sequence : Math.Max(_summary.MaxSequence, sequence);
    }
}
