namespace WolfScale.Wal.Reading;

/// <summary>What the log itself reads out of batches.</summary>
internal static class BatchReading
{
    /// <summary>The configuration a batch holds (it is alone in it), copied; null when it holds none.</summary>
    public static ConfigurationEntry? ConfigurationOf(WalBatch batch)
    {
        if (batch.FirstKind != EntryKind.Configuration)
            return null;
        using EntryReader entries = batch.Entries();
        return entries.MoveNext() ? new ConfigurationEntry(batch.FirstLsn, entries.Current.Payload.ToArray()) : null;
    }

    /// <summary>The group state after the entries of a batch up to and including <paramref name="throughLsn"/>.</summary>
    public static GroupState Fold(WalBatch batch, GroupState before, long throughLsn)
    {
        using EntryReader entries = batch.Entries();
        while (entries.MoveNext() && entries.Current.Lsn <= throughLsn)
            before = before.After(entries.Current.Kind, entries.Current.Flags, entries.Current.Key, entries.Current.Lsn);
        return before;
    }

    /// <summary>Where in a batch the group <paramref name="key"/> completes, or null.</summary>
    public static long? EndOfGroup(WalBatch batch, GroupState before, EntryKey key)
    {
        using EntryReader entries = batch.Entries();
        long? found = null;
        while (entries.MoveNext())
        {
            WalEntry entry = entries.Current;
            before = before.After(entry.Kind, entry.Flags, entry.Key, entry.Lsn);
            if (before.HasLast && before.Last == new GroupEnd(key, entry.Lsn))
                found = entry.Lsn;
        }

        return found;
    }
}
