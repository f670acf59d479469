using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>A batch as the test remembers it.</summary>
internal sealed class TwinBatch
{
    public TwinBatch(WalBatch batch)
    {
        FirstLsn = batch.FirstLsn;
        LastLsn = batch.LastLsn;
        Term = batch.Term;
        IsConfiguration = batch.FirstKind == EntryKind.Configuration;
        Bytes = batch.Bytes.ToArray();
        using EntryReader entries = batch.Entries();
        foreach (WalEntry entry in entries)
            Entries.Add((entry.Lsn, entry.Kind, entry.Flags, entry.Key));
    }

    public long FirstLsn { get; }

    public long LastLsn { get; }

    public long Term { get; }

    public bool IsConfiguration { get; }

    public byte[] Bytes { get; }

    public List<(long Lsn, EntryKind Kind, EntryFlags Flags, EntryKey Key)> Entries { get; } = [];
}

/// <summary>
/// Rule C7 in the plainest words: leave out the configurations, walk back from every Last to its First, and see whether all between is of the group.
/// </summary>
internal sealed class GroupTwin
{
    private readonly List<(EntryKey Key, long Lsn)> _complete = [];

    public GroupTwin(IEnumerable<TwinBatch> batches)
    {
        List<(long Lsn, EntryKind Kind, EntryFlags Flags, EntryKey Key)> entries = [.. batches.SelectMany(batch => batch.Entries).Where(entry => entry.Kind != EntryKind.Configuration)];
        Keys = [.. entries.Where(entry => entry.Kind == EntryKind.Group).Select(entry => entry.Key).Distinct()];
        for (int end = 0; end < entries.Count; end++)
        {
            if (entries[end].Kind != EntryKind.Group || (entries[end].Flags & EntryFlags.Last) == 0)
                continue;
            int at = end;
            while (at > 0 && (entries[at].Flags & EntryFlags.First) == 0 && IsPieceBefore(entries[at - 1], entries[end].Key))
                at--;
            if ((entries[at].Flags & EntryFlags.First) != 0)
                _complete.Add((entries[end].Key, entries[end].Lsn));
        }
    }

    public List<EntryKey> Keys { get; }

    public (EntryKey Key, long Lsn)? LastAt(long lsn) => _complete.FindLast(group => group.Lsn <= lsn) is { Lsn: > 0 } found ? found : null;

    public long? Find(EntryKey key, long firstLsn) => _complete.FindLast(group => group.Key == key && group.Lsn >= firstLsn) is { Lsn: > 0 } found ? found.Lsn : null;

    private static bool IsPieceBefore((long Lsn, EntryKind Kind, EntryFlags Flags, EntryKey Key) entry, EntryKey key) =>
        entry.Kind == EntryKind.Group && entry.Key == key && (entry.Flags & EntryFlags.Last) == 0;
}
