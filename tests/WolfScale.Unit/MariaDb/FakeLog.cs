using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.Unit.MariaDb;

/// <summary>A log of groups, one entry each; the first stands at LSN 2, after the no-op at LSN 1.</summary>
internal sealed class FakeLog : IReplicatedLog
{
    private readonly List<EntryKey> _groups = [];

    public FakeLog(string baseGtidPosition = "", bool? baseServerWasEmpty = null, params string[] groups)
    {
        BaseGtidPosition = baseGtidPosition;
        BaseServerWasEmpty = baseServerWasEmpty ?? baseGtidPosition.Length == 0;
        Append(groups);
        CommitLsn = LastLsn;
    }

    public long FirstLsn { get; set; } = 1;

    public long LastLsn => _groups.Count + 1;

    public long CommitLsn { get; set; }

    public bool IsSettled { get; set; }

    public string BaseGtidPosition { get; }

    public bool BaseServerWasEmpty { get; }

    public void Append(params string[] groups) =>
        _groups.AddRange(groups.Select(g => Gtid.Parse(g)).Select(g => new EntryKey(g.Domain, g.ServerId, g.Sequence)));

    public long? FindGroup(EntryKey gtid) => _groups.IndexOf(gtid) is var i and >= 0 && i + 2 >= FirstLsn ? i + 2 : null;

    public (EntryKey Gtid, long LastLsn)? LastGroupAtOrBefore(long lsn) =>
        Math.Min(lsn, LastLsn) is var last and >= 2 ? (_groups[(int)last - 2], last) : null;

    public event Action<long>? CommitAdvanced;

    public void Commit(long lsn)
    {
        CommitLsn = lsn;
        CommitAdvanced?.Invoke(lsn);
    }

    public ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken) => throw new NotSupportedException();

    public WalCursor OpenCursor(long firstLsn) => throw new NotSupportedException();
}
