using WolfScale.Protocol;

namespace WolfScale.Proxy.Sessions;

/// <summary>A packet that the proxy takes as a whole: logins, and the answers to its own statements.</summary>
internal static class ShortPacket
{
    private const int LongestPayload = 64 << 10;

    /// <returns>Whether all of it is there.</returns>
    /// <exception cref="ProtocolException">It is longer than anything that is said here, or empty.</exception>
    public static bool IsWhole(ReadOnlySpan<byte> bytes, out PacketHeader header)
    {
        header = default;
        if (bytes.Length < PacketHeader.Size)
            return false;
        header = PacketHeader.Read(bytes);
        if (header.PayloadLength is 0 or > LongestPayload)
            ProtocolException.Throw($"A packet of {header.PayloadLength} bytes is out of place here.");
        return bytes.Length >= PacketHeader.Size + header.PayloadLength;
    }
}
