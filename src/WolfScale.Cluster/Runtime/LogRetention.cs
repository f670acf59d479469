using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Transport;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>The first LSN that another member still needs; whether it is heard often enough to be waited for (cluster.drop_after_s).</summary>
internal readonly record struct MemberNeed(string NodeId, long FirstLsn, bool IsWaitedFor);

/// <summary>
/// Deletes old segments: those older than wal.retention_hours that nobody needs any more, and, above wal.max_size_gb, also younger ones and those that
/// only a member which is behind would need. Never what this node needs itself, see <see cref="OwnNeed"/>.
/// </summary>
internal sealed class LogRetention(WriteAheadLog wal, CurrentOptions options, TimeProvider time, ILogger logger)
{
    private readonly LogThrottle _throttle = new(time, TimeSpan.FromHours(1));

    /// <param name="own">What this node itself still needs.</param>
    /// <param name="members">What the others still need.</param>
    public void Tick(OwnNeed own, IReadOnlyList<MemberNeed> members)
    {
        var memberNeedLsn = members.Where(m => m.IsWaitedFor).Select(m => m.FirstLsn).DefaultIfEmpty(long.MaxValue).Min();
        var keepFrom = KeepFrom(wal.Segments, own.FirstLsn, memberNeedLsn, options.Value, Age);
        if (!own.KeptFor.IsDefaultOrEmpty && KeepFrom(wal.Segments, wal.Last.Lsn, memberNeedLsn, options.Value, Age) > keepFrom && _throttle.Allow(string.Join(", ", own.KeptFor), out _))
            RuntimeLog.KeptForData(logger, string.Join(", ", own.KeptFor));
        var before = wal.FirstLsn;
        if (keepFrom <= before)
            return;
        var first = wal.Prune(keepFrom);
        RuntimeLog.Pruned(logger, first - 1);
        // Only news: who was behind before has been told of.
        foreach (var member in members.Where(m => m.FirstLsn >= before && m.FirstLsn < first))
            RuntimeLog.LeftBehind(logger, member.NodeId, member.FirstLsn, first, member.IsWaitedFor ? "wal.max_size_gb" : "it was dropped, and wal.retention_hours or wal.max_size_gb is reached");
    }

    /// <summary>The first LSN to keep, by the rule above; the newest segment always stays.</summary>
    public static long KeepFrom(
        IReadOnlyList<WalSegmentInfo> segments, long ownNeedLsn, long memberNeedLsn, ClusterOptions options, Func<WalSegmentInfo, TimeSpan> age)
    {
        var total = segments.Sum(s => s.Bytes);
        var keepFrom = segments.Count == 0 ? 0 : segments[0].FirstLsn;
        for (var i = 0; i < segments.Count - 1; i++)
        {
            var segment = segments[i];
            var full = options.MaxLogBytes > 0 && total > options.MaxLogBytes;
            var old = age(segment) > TimeSpan.FromHours(options.RetentionHours);
            if (segment.LastLsn >= ownNeedLsn || !(full || (old && segment.LastLsn < memberNeedLsn)))
                break;
            keepFrom = segment.LastLsn + 1;
            total -= segment.Bytes;
        }
        return keepFrom;
    }

    /// <summary>Since it was last written.</summary>
    private TimeSpan Age(WalSegmentInfo segment)
    {
        try
        {
            return time.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(segment.Path);
        }
        catch (IOException)
        {
            return TimeSpan.Zero;
        }
    }
}
