using System.Collections.Immutable;
using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Positions;

/// <summary>
/// Compares a server with the log (design: Position; rule C2: the feed starts at LSN n only if the server stands exactly, domain, server and
/// sequence, at n − 1). Pure: it looks at the log and at what was read from the server, and does nothing.
/// </summary>
public static class PositionComparison
{
    /// <summary>Compares by position alone; <see cref="Standing.NeedsHistory"/> where that does not tell.</summary>
    public static Standing Compare(ServerPosition server, IReplicatedLog log)
    {
        var view = new LogView(log, server.Domain);
        var current = server.Current;
        if (DataMismatch(server, log, view, current) is { } mismatch)
            return mismatch;

        var foreign = current.Without(server.Domain);
        var own = current.Find(server.Domain);
        if (!foreign.Equals(view.Base.Without(server.Domain)))
            return server.Binlog.IsEmpty ? Mismatch(current, view) : new Standing.NeedsHistory();
        if (view.Find(own) is { } lsn)
            return new Standing.Exact(lsn, lsn <= view.CommitLsn);
        if (own is null || (view.Floor is { } floor && own.Value.Sequence < floor.Sequence))
            return Behind(current, view);
        return server.Binlog.IsEmpty ? Mismatch(current, view) : new Standing.NeedsHistory();
    }

    /// <summary>Compares with the server's binlog at hand.</summary>
    /// <param name="history">Null: its binlogs do not reach back to a point that the log knows.</param>
    public static Standing Compare(ServerPosition server, IReplicatedLog log, BinlogHistory? history)
    {
        if (Compare(server, log) is not Standing.NeedsHistory)
            return Compare(server, log);
        var view = new LogView(log, server.Domain);
        if (history is null || !view.IsClean(history.Start))
            return Mismatch(server.Current, view);

        // A server that was seeded stands at gtid_slave_pos when its first binlog begins, not at that binlog's start.
        var seeded = server.Slave.Find(server.Domain) is { } seed && view.IsClean(server.Slave)
            && history.Groups.All(g => g.Domain != server.Domain || g.Sequence > seed.Sequence)
            && (history.Start.Find(server.Domain)?.Sequence ?? 0) < seed.Sequence;
        var ancestor = seeded ? server.Slave : history.Start;
        var known = 0;
        while (known < history.Groups.Count && view.Knows(history.Groups[known]))
            ancestor = ancestor.With(history.Groups[known++]);
        ImmutableArray<Gtid> tail = [.. history.Groups.Skip(known)];

        // A gap between the two, or an end before gtid_slave_pos: changes that no binlog shows, and undoing the tail would not lead
        // to the ancestor.
        var end = tail.Aggregate(ancestor, (position, group) => position.With(group));
        if (tail.IsEmpty || !Adjoins(server, ancestor, tail) || !end.Equals(server.Current)
            || view.Find(ancestor.Find(server.Domain)) is not { } ancestorLsn)
        {
            return Mismatch(server.Current, view);
        }

        return Continues(server, view, ancestor, tail)
            ? new Standing.AheadOfLog(ancestor, tail)
            : new Standing.Diverged(ancestor, ancestorLsn, tail);
    }

    /// <summary>Whether a history may begin at this position of the server's binlog: everything before it is the cluster's.</summary>
    public static bool IsCleanStart(GtidPosition start, IReplicatedLog log, uint domain) => new LogView(log, domain).IsClean(start);

    /// <summary>
    /// A continuation is valid when only this server wrote after the log's last group: its own groups, gapless. Another leader's group in
    /// between would stand in the log, and the ancestor would not be its end.
    /// </summary>
    private static bool Continues(ServerPosition server, LogView view, GtidPosition ancestor, ImmutableArray<Gtid> tail)
    {
        if (ancestor.Find(server.Domain) != view.Last)
            return false;
        var expected = (view.Last?.Sequence ?? 0) + 1;
        foreach (var group in tail)
        {
            if (group.Domain != server.Domain || group.ServerId != server.ServerId || group.Sequence != expected++)
                return false;
        }

        return true;
    }

    /// <summary>Sequence numbers of the cluster's domain have no gaps: a tail that does not begin right after the ancestor lacks something.</summary>
    private static bool Adjoins(ServerPosition server, GtidPosition ancestor, ImmutableArray<Gtid> tail)
    {
        foreach (var group in tail)
        {
            if (group.Domain == server.Domain)
                return group.Sequence == (ancestor.Find(server.Domain)?.Sequence ?? 0) + 1;
        }

        return true;
    }

    /// <summary>Rule C2: a server with old data and one without both report an empty position, and must not be taken for equal.</summary>
    private static Standing.Unrelated? DataMismatch(ServerPosition server, IReplicatedLog log, LogView view, GtidPosition current)
    {
        if (!current.Equals(view.Base) && !current.IsEmpty)
            return null; // Past the base: the position itself tells.
        if (server.HasUserData && current.IsEmpty)
        {
            return new Standing.Unrelated(
                "The server holds data of its own and has no GTID position: nothing shows that they are the cluster's. Copy a member's data to it.");
        }

        return !server.HasUserData && !log.BaseServerWasEmpty
            ? new Standing.Unrelated(
                $"The server holds no data, and the cluster began with data at {Show(view.Base)}. Copy a member's data to it.")
            : null;
    }

    private static Standing.BehindUnknown Behind(GtidPosition current, LogView view) =>
        new($"The server stands at {Show(current)}, and the log begins after {Show(view.Floor)}: what lies between is gone. Copy a member's data to it.");

    private static Standing.Unrelated Mismatch(GtidPosition current, LogView view) =>
        new($"The server stands at {Show(current)}, which is not in the cluster's log (last group {Show(view.Last)}), and its binlogs do not show where the two parted. "
            + "Copy a member's data to it.");

    private static string Show(object? position) => position?.ToString() is { Length: > 0 } text ? text : "an empty position";
}
