using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal.Recovery;

/// <summary>What a folder holds, as far as it can be believed. Nothing has been changed.</summary>
internal sealed class LogImage : IDisposable
{
    /// <summary>The readable segments; the last one ends where reading ended.</summary>
    public List<Segment> Segments { get; } = [];

    /// <summary>Segment files after those: unreadable, or after damage.</summary>
    public List<string> OtherSegmentFiles { get; } = [];

    /// <summary>Files that a crash left half made.</summary>
    public List<string> TemporaryFiles { get; } = [];

    /// <summary>The synced record, or null when it is missing or unreadable.</summary>
    public SyncedRecord? Record { get; set; }

    /// <summary>The damage, or null.</summary>
    public WalDamage? Damage { get; set; }

    /// <summary>Bytes of a torn tail in the last segment.</summary>
    public long TornBytes { get; set; }

    /// <summary>Bytes read and checked.</summary>
    public long BytesChecked { get; set; }

    /// <summary>The state at the end.</summary>
    public LogState End => Segments.Count == 0 ? default : Segments[^1].After;

    /// <summary>The cluster that the segments name, or empty.</summary>
    public Guid ClusterId => Segments.Count == 0 ? Guid.Empty : Segments[0].Header.ClusterId;

    public RecoveryReport Report(TimeSpan duration) => new()
    {
        Created = Record is null && Segments.Count == 0 && Damage is null,
        Segments = Segments.Count + OtherSegmentFiles.Count,
        BytesChecked = BytesChecked,
        RecordedSyncedLsn = Record?.Lsn ?? 0,
        LastLsn = End.End.Lsn,
        TornBytes = TornBytes,
        Duration = duration,
        Damage = Damage,
    };

    public void Dispose() => Record?.Dispose();
}
