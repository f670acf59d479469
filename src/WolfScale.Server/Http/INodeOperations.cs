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
