namespace WolfScale.Cluster.Wire;

/// <summary>
/// Bytes of a peer that cannot be what they claim to be: too short, too long, or with a value outside its range. The connection they
/// came on is closed; nothing of the frame has had an effect.
/// </summary>
public sealed class WireFormatException : Exception
{
    public WireFormatException()
    {
    }

    public WireFormatException(string message) : base(message)
    {
    }

    public WireFormatException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
