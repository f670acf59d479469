namespace WolfScale.MariaDb;

/// <summary>Why a capture stopped or had to reconnect.</summary>
public enum CaptureFaultKind
{
    /// <summary>The server cannot be reached, refuses the login, or the connection broke. Capture tries again.</summary>
    Connection,

    /// <summary>The server sent what the protocol does not allow, or an event whose checksum is wrong. Capture reconnects.</summary>
    Protocol,

    /// <summary>Settings of the server make capture impossible, for example <c>binlog_checksum=NONE</c>. Capture tries again.</summary>
    Settings,

    /// <summary>This node's write-ahead log accepts nothing, for example because the disk is full. Capture tries again.</summary>
    Log,

    /// <summary>A group of another GTID domain than the cluster's. Final: it cannot enter the log, and what comes after it waits.</summary>
    ForeignDomain,

    /// <summary>The server's binary log is not a continuation of the replicated log. Final: the server must be rewound or re-seeded.</summary>
    Diverged,

    /// <summary>The server lost events on their way into its binary log (INCIDENT). Final: what it holds cannot be replicated any more.</summary>
    LostEvents,

    /// <summary>A defect of this program. Final.</summary>
    Internal,
}

/// <summary>An expected failure of a capture: who failed and at what.</summary>
/// <param name="Kind">What failed.</param>
/// <param name="Message">For people: what happened, to what, what to do.</param>
public sealed record CaptureFault(CaptureFaultKind Kind, string Message)
{
    /// <summary>Whether capture has ended by it: this server cannot go on leading.</summary>
    public bool IsFinal => Kind is CaptureFaultKind.ForeignDomain or CaptureFaultKind.Diverged or CaptureFaultKind.LostEvents or CaptureFaultKind.Internal;
}

/// <summary>Carries a fault out of the depths of the stream.</summary>
public sealed class CaptureException(CaptureFault fault, Exception? innerException = null) : Exception(fault.Message, innerException)
{
    public CaptureException(CaptureFaultKind kind, string message)
        : this(new CaptureFault(kind, message))
    {
    }

    public CaptureFault Fault { get; } = fault;
}
