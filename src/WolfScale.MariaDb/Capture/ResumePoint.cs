using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>
/// Where a capture connection begins, and how the groups that come again are told from new ones. A fresh one for each connection.
/// <para>
/// The server must send the last committed group again: its commit may still wait there, because the ACK got lost with the previous
/// connection or the leader before died, and only an ACK of a group that was sent on <i>this</i> connection may release it. A connection that
/// starts <i>at</i> a GTID does not get that group, so the start is the group before it. Where the server's binary log begins only behind that
/// group (after a re-seed, or RESET MASTER with <c>gtid_binlog_state</c>), nothing waits there, and the start is the committed group itself.
/// </para>
/// </summary>
internal sealed class ResumePoint
{
    private readonly IReplicatedLog _log;
    private readonly Gtid? _lastInLog;
    private readonly ulong _lastCovered;
    private Gtid? _expectedFirst;
    private Gtid? _lastSeen;

    private ResumePoint(IReplicatedLog log, GtidPosition start, Gtid? expectedFirst, Gtid? lastInLog, GtidPosition basePosition, uint? domain)
    {
        _log = log;
        Start = start;
        _expectedFirst = expectedFirst;
        _lastInLog = lastInLog;
        Domain = domain;
        if (expectedFirst is null && domain is { } known)
            _lastSeen = start.Find(known);
        _lastCovered = lastInLog?.Sequence ?? (domain is { } d ? basePosition.Find(d)?.Sequence : null) ?? 0;
    }

    /// <summary>What <c>@slave_connect_state</c> is set to.</summary>
    public GtidPosition Start { get; }

    /// <summary>
    /// The cluster's GTID domain. Where neither the log nor its base tells it, the connection fills in the server's <c>gtid_domain_id</c>.
    /// </summary>
    public uint? Domain { get; set; }

    /// <summary>
    /// The places to try, best first. The second one is tried when the server does not know the first one any more.
    /// </summary>
    public static IReadOnlyList<ResumePoint> Find(IReplicatedLog log)
    {
        var basePosition = GtidPosition.Parse(log.BaseGtidPosition);
        uint? baseDomain = basePosition.Gtids is [var only] ? only.Domain : null;
        if (log.LastGroupAtOrBefore(log.LastLsn) is not { } last)
            return [new ResumePoint(log, basePosition, null, null, basePosition, baseDomain)];

        var lastInLog = last.Gtid.ToGtid();
        var domain = lastInLog.Domain;

        // What is not committed yet is not released either: it comes again and is ACKed when it is. If nothing is committed yet, the base is the start.
        if (log.LastGroupAtOrBefore(Math.Min(log.CommitLsn, log.LastLsn)) is not { } committed)
            return [new ResumePoint(log, basePosition, null, lastInLog, basePosition, domain)];

        var committedGtid = committed.Gtid.ToGtid();
        var before = log.LastGroupAtOrBefore(committed.LastLsn - 1);
        var previous = before is { } group ? basePosition.With(group.Gtid.ToGtid()) : basePosition;
        return
        [
            new ResumePoint(log, previous, committedGtid, lastInLog, basePosition, domain),
            new ResumePoint(log, basePosition.With(committedGtid), null, lastInLog, basePosition, domain),
        ];
    }

    /// <summary>
    /// Takes the next group the server sends.
    /// </summary>
    /// <returns>The LSN of its last entry where the log has it already; null for a new one.</returns>
    /// <exception cref="CaptureException">It cannot follow on what the log holds.</exception>
    public long? Recognise(Gtid gtid)
    {
        Domain ??= gtid.Domain;
        if (gtid.Domain != Domain)
        {
            throw new CaptureException(
                CaptureFaultKind.ForeignDomain,
                $"The server wrote the group {gtid} under gtid_domain_id {gtid.Domain}; the cluster's is {Domain}. It cannot be replicated, and its commit waits. "
                + $"Find the session that sets gtid_domain_id (or its own replication connection) and stop it; this server then needs a rewind or a re-seed.");
        }

        if (_lastSeen is { } seen && gtid.Sequence <= seen.Sequence)
            throw Diverged($"The server sent the group {gtid} after {seen}: its sequence goes back, although gtid_strict_mode is required.");
        if (_expectedFirst is { } expected && gtid != expected)
            throw Diverged($"The server sent the group {gtid} where the log has {expected}.");
        _expectedFirst = null;

        if (gtid.Sequence <= _lastCovered)
        {
            _lastSeen = gtid;
            return _log.FindGroup(gtid.ToKey())
                ?? throw Diverged($"The server holds the group {gtid}, the replicated log does not, and goes on to {_lastInLog}.");
        }

        if (_lastInLog is { } last && (_lastSeen?.Sequence ?? 0) < last.Sequence)
            throw Diverged($"The server went on from {_lastSeen?.ToString() ?? "its beginning"} to {gtid}; the log holds {last} in between.");
        _lastSeen = gtid;
        return null;
    }

    private static CaptureException Diverged(string what) => new(
        CaptureFaultKind.Diverged, what + " The server's history is another one than the cluster's: it must not lead, and is rewound or re-seeded.");
}
