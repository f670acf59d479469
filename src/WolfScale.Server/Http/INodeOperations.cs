namespace WolfScale.Server.Http;

/// <summary>What an operator may ask of the node over HTTP.</summary>
public interface INodeOperations
{
    /// <summary>
    /// Planned switchover: transactions under way end within a bound, then the lead moves. Writes go on here when it fails.
    /// </summary>
    /// <param name="nodeId">Who is to lead; null for the best fit node.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<SwitchoverDocument> HandOverAsync(string? nodeId, CancellationToken cancellationToken);

    /// <summary>Changes the log level until the process ends.</summary>
    /// <returns>False when there is no such level.</returns>
    bool SetLogLevel(string level);
}

/// <summary>How a planned switchover ended.</summary>
/// <param name="Success">Another node leads.</param>
/// <param name="Leader">Who leads now, as far as this node knows.</param>
/// <param name="DurationMs">From the first statement to the new leader's election.</param>
/// <param name="Reason">Why it failed, and what to do.</param>
public sealed record SwitchoverDocument(bool Success, string? Leader, long DurationMs, string? Reason);

/// <summary>Body of <c>POST /admin/promote</c>: the node, or the one that is asked.</summary>
public sealed record PromoteRequest(string? Node);

/// <summary>Body of <c>POST /admin/log-level</c>.</summary>
public sealed record LogLevelRequest(string? Level);
