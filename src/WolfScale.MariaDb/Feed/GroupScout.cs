using WolfScale.MariaDb.Log;
using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>What became of a group that began.</summary>
internal enum GroupFate : byte
{
    /// <summary>Its end is not committed yet, nor anything that makes it void.</summary>
    Open,

    /// <summary>It is complete; all of it is committed.</summary>
    Complete,

    /// <summary>It was followed by something else than its continuation or a configuration (rule C7): the capture died in the middle of it.</summary>
    Void,
}

/// <summary>
/// Looks ahead of the feed, over the pieces of a group of several entries, to see whether it is whole before its first byte is sent: a replica
/// cannot take back half a group. It goes on where it stopped when more is committed, and holds one batch at a time.
/// </summary>
internal sealed class GroupScout
{
    private readonly IReplicatedLog _log;
    private readonly WalCursor _cursor;
    private readonly EntryKey _key;
    private readonly long _firstLsn;
    private GroupFate _fate;

    public GroupScout(IReplicatedLog log, in WalEntry first)
    {
        _log = log;
        _key = first.Key;
        _firstLsn = first.Lsn;
        _cursor = log.OpenCursor(first.Lsn);
        LastLsn = first.Lsn;
    }

    /// <summary>LSN of the last piece seen so far: of the group's last entry where it is complete.</summary>
    public long LastLsn { get; private set; }

    /// <summary>Reads what is committed by now.</summary>
    public GroupFate Look()
    {
        while (_fate == GroupFate.Open && _cursor.TryRead(_log.CommitLsn, out var batch))
        {
            try
            {
                using var entries = batch.Entries();
                while (_fate == GroupFate.Open && entries.MoveNext())
                    Observe(entries.Current);
            }
            finally
            {
                batch.Release();
            }
        }

        return _fate;
    }

    private void Observe(in WalEntry entry)
    {
        if (entry.Lsn <= _firstLsn || entry.Kind == EntryKind.Configuration)
            return; // a change of the membership interrupts no group
        if (entry.Kind != EntryKind.Group || entry.Key != _key || (entry.Flags & EntryFlags.First) != 0)
        {
            _fate = GroupFate.Void;
            return;
        }

        LastLsn = entry.Lsn;
        if ((entry.Flags & EntryFlags.Last) != 0)
            _fate = GroupFate.Complete;
    }
}
