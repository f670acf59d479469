using System.Buffers.Binary;

namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 163: what all earlier files held. count and flags 4 (28 and 4 bits) · domain 4, server id 4, sequence 8 each.
/// Several GTIDs of one domain are possible, one for each server id; the last of a domain is the last one written.
/// </summary>
public readonly ref struct GtidListEvent
{
    private const int GtidSize = 16;
    private readonly ReadOnlySpan<byte> _gtids;

    private GtidListEvent(byte flags, ReadOnlySpan<byte> gtids)
    {
        Flags = flags;
        _gtids = gtids;
    }

    public byte Flags { get; }

    public int Count => _gtids.Length / GtidSize;

    public Gtid this[int index]
    {
        get
        {
            var gtid = _gtids.Slice(index * GtidSize, GtidSize);
            return new Gtid(
                BinaryPrimitives.ReadUInt32LittleEndian(gtid),
                BinaryPrimitives.ReadUInt32LittleEndian(gtid[4..]),
                BinaryPrimitives.ReadUInt64LittleEndian(gtid[8..]));
        }
    }

    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short for its count.</exception>
    public static GtidListEvent Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var count = reader.ReadUInt32();
        var bytes = (long)(count & 0x0FFF_FFFF) * GtidSize;
        if (bytes > reader.Remaining)
            ProtocolException.ThrowEnd((int)Math.Min(bytes, int.MaxValue), reader.Position, body.Length);
        return new GtidListEvent((byte)(count >> 28), reader.ReadBytes((int)bytes));
    }

    /// <summary>The event, with checksum.</summary>
    /// <param name="header">Type and length are filled in.</param>
    /// <param name="position">The GTIDs.</param>
    public static byte[] Build(EventHeader header, GtidPosition position)
    {
        var body = new byte[4 + (position.Gtids.Length * GtidSize)];
        BinaryPrimitives.WriteUInt32LittleEndian(body, (uint)position.Gtids.Length);
        var at = body.AsSpan(4);
        foreach (var gtid in position.Gtids)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, gtid.Domain);
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], gtid.ServerId);
            BinaryPrimitives.WriteUInt64LittleEndian(at[8..], gtid.Sequence);
            at = at[GtidSize..];
        }

        return EventBuilder.Build(header with { Type = EventType.GtidList }, body);
    }
}
