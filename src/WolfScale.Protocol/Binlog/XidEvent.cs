namespace WolfScale.Protocol.Binlog;

/// <summary>Type 16: the commit of a transaction. transaction number 8 (the server's own, not the GTID).</summary>
public static class XidEvent
{
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static ulong Read(ReadOnlySpan<byte> body) => new PayloadReader(body).ReadUInt64();
}
