namespace WolfScale.Protocol.Binlog;

/// <summary>Type 161: crash recovery need not look at files before the named one. name length 4 · name.</summary>
public static class BinlogCheckpointEvent
{
    /// <returns>The file's name.</returns>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var length = reader.ReadUInt32();
        return reader.ReadBytes((int)Math.Min(length, int.MaxValue));
    }
}
