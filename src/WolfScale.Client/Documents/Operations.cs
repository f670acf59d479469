namespace WolfScale.Client;

/// <summary>How a planned switchover ended.</summary>
/// <param name="Success">Another node leads.</param>
/// <param name="Leader">Who leads now, as far as this node knows.</param>
/// <param name="DurationMs">From the first statement to the new leader's election.</param>
/// <param name="Reason">Why it failed, and what to do.</param>
public sealed record SwitchoverDocument(bool Success, string? Leader, long DurationMs, string? Reason)
{
    /// <summary>
    /// How long writes waited at most, by the clock of the node that led: from the moment it let no new transaction begin until it heard that the new leader's
    /// server takes writes. Null where it heard nothing in time, or nothing moved.
    /// </summary>
    public long? WritePauseMs { get; init; }
}

/// <summary>Body of <c>POST /admin/promote</c>: the node, or the one that is asked.</summary>
public sealed record PromoteRequest(string? Node);

/// <summary>Body of <c>POST /admin/log-level</c>.</summary>
public sealed record LogLevelRequest(string? Level);
