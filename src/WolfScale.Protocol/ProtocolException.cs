using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Protocol;

/// <summary>
/// Bytes from the other side that are not what the MariaDB protocol allows at this place. Nothing was read beyond the packet:
/// the connection they came from cannot be trusted any further and is to be closed.
/// </summary>
public sealed class ProtocolException : Exception
{
    public ProtocolException()
    {
    }

    public ProtocolException(string message)
        : base(message)
    {
    }

    public ProtocolException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>A packet or event that ends before a field that must be there.</summary>
    [DoesNotReturn]
    internal static void ThrowEnd(int wanted, int position, int length) =>
        throw new ProtocolException($"The packet ends early: {wanted} bytes wanted at offset {position}, its length is {length}.");

    [DoesNotReturn]
    public static void Throw(string message) => throw new ProtocolException(message);
}
