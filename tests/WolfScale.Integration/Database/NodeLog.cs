using WolfScale.Integration.Capture;
using WolfScale.MariaDb.Log;
using WolfScale.Wal;

namespace WolfScale.Integration.Database;

/// <summary>One node's view of the test's log: all nodes share the entries, each knows for itself whether another leads.</summary>
internal sealed class NodeLog(TestLog log) : IReplicatedLog
{
    private volatile bool _settled;

    /// <summary>Whether another node leads and has committed something in its term.</summary>
    public bool IsSettled
    {
        get => _settled;
        set => _settled = value;
    }

    /// <summary>Whether another node is known to lead.</summary>
    public bool AnotherNodeLeads { get; set; } = true;

    public long FirstLsn => log.FirstLsn;

    public long LastLsn => log.LastLsn;

    public long CommitLsn => log.CommitLsn;

    public string BaseGtidPosition => log.BaseGtidPosition;

    public bool BaseServerWasEmpty => log.BaseServerWasEmpty;

    public event Action<long>? CommitAdvanced
    {
        add => log.CommitAdvanced += value;
        remove => log.CommitAdvanced -= value;
    }

    public ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken) => log.WaitForCommitAsync(lsn, cancellationToken);

    public long? FindGroup(EntryKey gtid) => log.FindGroup(gtid);

    public (EntryKey Gtid, long LastLsn)? LastGroupAtOrBefore(long lsn) => log.LastGroupAtOrBefore(lsn);

    public WalCursor OpenCursor(long firstLsn) => log.OpenCursor(firstLsn);
}
