using System.Collections.Immutable;
using WolfScale.MariaDb.Health;

namespace WolfScale.MariaDb;

/// <summary>What the controller is doing with the server.</summary>
public enum DatabasePhase
{
    /// <summary>Not looked at yet.</summary>
    Starting,

    /// <summary>The server does not answer.</summary>
    Down,

    /// <summary>Preflight refuses the server: <see cref="DatabaseState.Reason"/> names what it lacks.</summary>
    Refused,

    /// <summary>It holds groups whose fate the cluster has not decided yet, or waits for a leader: nothing is fed, nothing is undone.</summary>
    Waiting,

    /// <summary>The feed runs and the server applies the log.</summary>
    Following,

    /// <summary>On the way to open for writes.</summary>
    Promoting,

    /// <summary>Open for writes; every commit waits for the quorum.</summary>
    Serving,

    /// <summary>Being closed for writes.</summary>
    Demoting,

    /// <summary>Groups that the cluster never committed are being undone (rejoin ladder, first rung).</summary>
    Rewinding,

    /// <summary>Cannot rejoin in place: wants a copy of a peer's data (rejoin ladder, second rung).</summary>
    NeedsMigration,

    /// <summary>Its data are being replaced by a copy of another node's (rejoin ladder, second rung): <see cref="DatabaseState.Migration"/>.</summary>
    Migrating,
}

/// <summary>Immutable snapshot of the local server, swapped whole.</summary>
public sealed record DatabaseState
{
    public DatabasePhase Phase { get; init; }

    /// <summary>Whether the server answers.</summary>
    public bool Up { get; init; }

    /// <summary>Fit to open for service now (rule C4): position verified, applier running, lag small, able to capture.</summary>
    public bool Fit { get; init; }

    /// <summary>Whether the server takes writes that the quorum gates.</summary>
    public bool Serving => Phase == DatabasePhase.Serving;

    /// <summary>
    /// Left open although this node does not lead, because nobody is known to: its commits wait, un-acknowledged. Closing it is still to be done when the node stops.
    /// </summary>
    public bool HoldsCommits { get; init; }

    /// <summary>Why the server is not fit, not serving, or not following: one line for an operator. Empty when all is well.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Why the server cannot write although it answers: its disk is full or read-only. Then it is not <see cref="Fit"/>. Empty when all is well.</summary>
    public string CannotWrite { get; init; } = "";

    /// <summary>The server's <c>@@version</c>; empty until it answered once.</summary>
    public string Version { get; init; } = "";

    public uint ServerId { get; init; }

    public int? LowerCaseTableNames { get; init; }

    /// <summary>GTID position: the later of <c>gtid_binlog_pos</c> and <c>gtid_slave_pos</c>, as last read.</summary>
    public string Position { get; init; } = "";

    /// <summary>Every entry up to this LSN is visible in the server. 0: none, or not verified yet.</summary>
    public long AppliedLsn { get; init; }

    /// <summary>Committed entries that the server has not applied, as last read.</summary>
    public long LagEntries { get; init; }

    /// <summary>For <see cref="DatabasePhase.Serving"/>: the term that is served.</summary>
    public long Term { get; init; }

    /// <summary>What is wrong although the server works, one line each: a foreign semi-sync replica, little disk space, an errant group.</summary>
    public ImmutableArray<string> Alarms { get; init; } = [];

    /// <summary>For <see cref="DatabasePhase.Serving"/>: whether its commits wait for the quorum, as its last look found it.</summary>
    public bool SemiSync => !Alarms.Contains(HealthRules.GateOff);

    /// <summary>The last errant transaction found on this server since the node started, and what to do about it; empty when there was none.</summary>
    public string LastErrant { get; init; } = "";

    /// <summary>The migration under way, or the last one since the node started; null: none.</summary>
    public MigrationProgress? Migration { get; init; }

    /// <summary>What the other nodes must know of this server, opaque: gossip it, and give it back to them through <see cref="PeerServer.From"/>.</summary>
    public string Announcement { get; init; } = "";

    /// <summary>ACTIVE, SYNCING, LAGGING, OFFLINE or NEEDS_MIGRATION, as <c>status</c> shows it.</summary>
    public string NodeStatus => Phase switch
    {
        DatabasePhase.Serving => "ACTIVE",
        DatabasePhase.Following => Fit ? "ACTIVE" : IsLagging ? "LAGGING" : "SYNCING",
        DatabasePhase.NeedsMigration => "NEEDS_MIGRATION",
        DatabasePhase.Down or DatabasePhase.Refused => "OFFLINE",
        _ => "SYNCING",
    };

    /// <summary>Was in step before and has fallen behind since; otherwise a follower that lags is still SYNCING.</summary>
    public bool IsLagging { get; init; }

    public bool Equals(DatabaseState? other) =>
        other is not null && Phase == other.Phase && Up == other.Up && Fit == other.Fit && HoldsCommits == other.HoldsCommits && Reason == other.Reason && CannotWrite == other.CannotWrite && Version == other.Version
        && ServerId == other.ServerId && LowerCaseTableNames == other.LowerCaseTableNames && Position == other.Position
        && LastErrant == other.LastErrant && Announcement == other.Announcement && AppliedLsn == other.AppliedLsn && LagEntries == other.LagEntries && Term == other.Term && IsLagging == other.IsLagging
        && Equals(Migration, other.Migration) && Alarms.SequenceEqual(other.Alarms);

    public override int GetHashCode() => HashCode.Combine(Phase, Fit, Reason, Position, AppliedLsn);
}
