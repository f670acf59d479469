namespace WolfScale.Wal;

/// <summary>
/// What is known of groups at one place in the log: whether one has begun and not ended, and the last one that is complete. Folding every
/// entry into it is rule C7 itself: only a group whose pieces stand one after the other, from First to Last, counts.
/// </summary>
internal readonly record struct GroupState(bool HasOpen, EntryKey Open, bool HasLast, GroupEnd Last)
{
    /// <summary>The state after one more entry.</summary>
    public GroupState After(EntryKind kind, EntryFlags flags, EntryKey key, long lsn)
    {
        // A change of the membership is proposed by others than the capture, at any time: it interrupts nothing. A new term always begins with a
        // no-op, and whoever captures a group anew begins it anew, so what may not be joined together never stands around a configuration alone.
        if (kind == EntryKind.Configuration)
            return this;
        // C7: anything else but its continuation makes an unfinished group void; a piece without its beginning never was a group.
        bool isPiece = kind == EntryKind.Group && ((flags & EntryFlags.First) != 0 || (HasOpen && Open == key));
        if (!isPiece)
            return this with { HasOpen = false, Open = default };
        if ((flags & EntryFlags.Last) == 0)
            return this with { HasOpen = true, Open = key };
        return new GroupState(false, default, true, new GroupEnd(key, lsn));
    }

    /// <summary>The state after a whole batch, from its header alone. Equal to folding its entries one by one (tested against it).</summary>
    public GroupState After(in BatchHeader batch)
    {
        if (batch.FirstKind == EntryKind.Configuration)
            return this; // alone in its batch
        GroupSummary groups = batch.Groups;
        bool headIsOurs = groups.Has(GroupFlags.HeadContinues) && HasOpen && Open == groups.Head;
        GroupEnd? ended = groups.Has(GroupFlags.HasComplete) ? new GroupEnd(groups.LastComplete, batch.FirstLsn + groups.LastCompleteEnd)
            : headIsOurs && groups.Has(GroupFlags.HeadEnds) ? new GroupEnd(groups.Head, batch.FirstLsn + groups.HeadEnd)
            : null;
        EntryKey? open = groups.Has(GroupFlags.HeadSpans) ? (headIsOurs ? groups.Head : null)
            : groups.Has(GroupFlags.TailOpen) ? groups.Tail
            : null;
        return new GroupState(open is not null, open ?? default, HasLast || ended is not null, ended ?? Last);
    }
}
