using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>The log as the core sees it: metadata, from memory. Used under the gate only.</summary>
internal sealed class WalLogView : ILogView
{
    private readonly WriteAheadLog _wal;
    private readonly SortedDictionary<long, Configuration> _configurations = [];

    public WalLogView(WriteAheadLog wal)
    {
        _wal = wal;
        foreach (var entry in wal.Configurations)
            _configurations[entry.Lsn] = ConfigurationCodec.Decode(entry.Payload.Span);
    }

    public LogPosition Last => Convert(_wal.Last);

    public LogPosition First => Convert(_wal.Start.Before);

    /// <summary>All configurations that are still known, by LSN.</summary>
    public IEnumerable<PlacedConfiguration> Configurations => _configurations.Select(pair => new PlacedConfiguration(pair.Key, pair.Value));

    public long? TermAt(long lsn) => _wal.TermAt(lsn);

    public BatchInfo? BatchAfter(long lsn)
    {
        if (!_wal.TryGetBatchInfo(lsn + 1, out var info))
            return null;
        var configuration = info.FirstKind == EntryKind.Configuration ? _configurations.GetValueOrDefault(info.FirstLsn) : null;
        return new BatchInfo(info.FirstLsn, info.LastLsn, info.Term, info.Bytes, configuration);
    }

    public long BatchStart(long lsn) => _wal.BatchBounds(lsn)?.First
        ?? throw new InvalidOperationException($"LSN {lsn} is not in the log, which holds {_wal.FirstLsn} to {_wal.Last.Lsn}");

    /// <summary>A batch was appended.</summary>
    public void Appended(BatchInfo info)
    {
        if (info.Configuration is { } configuration)
            _configurations[info.FirstLsn] = configuration;
    }

    /// <summary>The log was cut off.</summary>
    public void Truncated(long lastKeptLsn)
    {
        foreach (var lsn in _configurations.Keys.Where(lsn => lsn > lastKeptLsn).ToArray())
            _configurations.Remove(lsn);
    }

    private static LogPosition Convert(WalPosition position) => new(position.Lsn, position.Term);
}
