namespace WolfScale.Protocol.Binlog;

/// <summary>What a GTID event says about its group (<c>Gtid_log_event::FL_*</c>).</summary>
[Flags]
public enum GtidFlags : byte
{
    None = 0,

    /// <summary>The group is one statement and ends with it; no COMMIT follows.</summary>
    Standalone = 1,

    /// <summary>The event carries a commit id: the group was written together with others.</summary>
    GroupCommitId = 2,
    Transactional = 4,
    AllowParallel = 8,
    Waited = 16,
    Ddl = 32,

    /// <summary>An XA transaction up to its prepare; the event carries the XID.</summary>
    PreparedXa = 64,

    /// <summary>XA COMMIT or XA ROLLBACK of a prepared one; the event carries the XID.</summary>
    CompletedXa = 128,
}
