namespace WolfScale.Cluster;

/// <summary>
/// The node cannot start, or must not: the message says what is wrong, with what, and what to do. The program ends with it.
/// </summary>
public sealed class ClusterStartException : Exception
{
    public ClusterStartException()
    {
    }

    public ClusterStartException(string message) : base(message)
    {
    }

    public ClusterStartException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
