namespace WolfScale.Server.Http;

/// <summary>How members go, as an operator asks for it over HTTP.</summary>
internal interface IMembership
{
    /// <summary>On the leader: takes a member out of the cluster.</summary>
    /// <param name="nodeId">Whom.</param>
    /// <param name="force">Although it lives.</param>
    /// <param name="dryRun">Only say what would be.</param>
    /// <param name="cancellationToken">Gives up waiting; the change may come about all the same.</param>
    Task<Departure> RemoveAsync(string nodeId, bool force, bool dryRun, CancellationToken cancellationToken);

    /// <summary>This node leaves for good; it hands the lead over first.</summary>
    Task<Departure> LeaveAsync(bool dryRun, CancellationToken cancellationToken);
}

/// <summary>What became of it: <paramref name="Document"/>, or why not.</summary>
/// <param name="Document">Null where it was refused.</param>
/// <param name="Code">Stable, for programs.</param>
/// <param name="Reason">For a person: why, and what to do.</param>
internal sealed record Departure(DepartureDocument? Document, string Code, string Reason)
{
    public static Departure Refused(string code, string reason) => new(null, code, reason);
}
