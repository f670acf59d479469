using System.Collections.Immutable;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Positions;

/// <summary>How a server's data relate to the log (design: Position; rule C2).</summary>
public abstract record Standing
{
    private Standing()
    {
    }

    /// <summary>The server holds exactly the groups up to <paramref name="Lsn"/> and nothing else. 0: the cluster's base.</summary>
    /// <param name="Lsn">LSN of the last entry of the server's last group.</param>
    /// <param name="IsCommitted">Whether that group is committed; else the cluster may still drop it.</param>
    public sealed record Exact(long Lsn, bool IsCommitted) : Standing;

    /// <summary>The server stands before what the log still holds: it cannot be brought up from here.</summary>
    public sealed record BehindUnknown(string Reason) : Standing;

    /// <summary>
    /// The server holds the whole log and, after its last group, groups of its own that continue it without a gap: a leader may capture
    /// them first, and everyone else must undo them.
    /// </summary>
    public sealed record AheadOfLog(GtidPosition Ancestor, ImmutableArray<Gtid> Groups) : Standing;

    /// <summary>The server holds groups that the log does not.</summary>
    /// <param name="Ancestor">Its position before the first of them.</param>
    /// <param name="AncestorLsn">LSN of the ancestor's last group; 0: the base.</param>
    /// <param name="Tail">Every group after the ancestor, in the binlog's order; groups of the log may be among them.</param>
    public sealed record Diverged(GtidPosition Ancestor, long AncestorLsn, ImmutableArray<Gtid> Tail) : Standing;

    /// <summary>The server's data and the cluster's have no common ancestor that could be shown.</summary>
    public sealed record Unrelated(string Reason) : Standing;

    /// <summary>The positions alone do not tell: compare again with the server's <see cref="BinlogHistory"/>.</summary>
    public sealed record NeedsHistory : Standing;
}
