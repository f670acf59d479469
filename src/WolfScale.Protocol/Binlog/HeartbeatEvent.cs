namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 27: the master is alive and stands at this position of this file. File name up to the end; where the position passes 32 bits the
/// header's <c>log_pos</c> is 0 and the position stands, 8 bytes, before the file name (<c>HB_SUB_HEADER_LEN</c> in <c>sql/sql_repl.cc</c>).
/// </summary>
public readonly ref struct HeartbeatEvent
{
    private HeartbeatEvent(long position, ReadOnlySpan<byte> fileName)
    {
        Position = position;
        FileName = fileName;
    }

    /// <summary>End of the last event that was sent, 64 bits.</summary>
    public long Position { get; }

    public ReadOnlySpan<byte> FileName { get; }

    /// <param name="header">The event's header: it holds the position, where 32 bits suffice.</param>
    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static HeartbeatEvent Read(scoped in EventHeader header, ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var position = header.LogPosition != 0 ? header.LogPosition : (long)reader.ReadUInt64();
        return new HeartbeatEvent(position, reader.ReadRest());
    }

    /// <summary>The event, with checksum. Positions beyond 32 bits are not written here: rotate before.</summary>
    public static byte[] Build(uint serverId, uint position, ReadOnlySpan<byte> fileName) =>
        EventBuilder.Build(new EventHeader(0, EventType.Heartbeat, serverId, 0, position, EventHeaderFlags.None), fileName);
}
