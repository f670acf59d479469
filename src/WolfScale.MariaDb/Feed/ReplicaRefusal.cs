namespace WolfScale.MariaDb;

/// <summary>Why a replica was not fed.</summary>
public enum ReplicaRefusalReason
{
    /// <summary>It stands at a GTID position the log does not hold: it has groups of its own, or is from elsewhere.</summary>
    UnknownPosition,

    /// <summary>It reports an empty position, while the cluster began with a server that held data (rule C2).</summary>
    NotTheBase,

    /// <summary>What it needs next has been pruned from the log.</summary>
    Pruned,

    /// <summary>It lacks what is needed to feed it safely: GTID capability, strict mode, semi-sync framing.</summary>
    Unsafe,

    /// <summary>What it needs is in the log, and cannot be read.</summary>
    LogDamaged,
}

/// <summary>A replica that was turned away.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Position">The GTID position it reported.</param>
/// <param name="Message">For people: what happened and what to do. The replica has it as <c>Last_IO_Error</c>.</param>
public sealed record ReplicaRefusal(ReplicaRefusalReason Reason, string Position, string Message);

/// <summary>Carries a refusal out of a connection.</summary>
internal sealed class ReplicaRefusedException(ReplicaRefusal refusal) : Exception(refusal.Message)
{
    public ReplicaRefusal Refusal { get; } = refusal;
}
