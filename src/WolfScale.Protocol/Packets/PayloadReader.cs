using System.Buffers.Binary;

namespace WolfScale.Protocol;

/// <summary>
/// Cursor over the payload of one packet or event. Little-endian, as everything in the protocol. Every read is checked against the end.
/// </summary>
/// <remarks>A read beyond the end throws <see cref="ProtocolException"/> and moves nothing.</remarks>
public ref struct PayloadReader(ReadOnlySpan<byte> payload)
{
    private readonly ReadOnlySpan<byte> _payload = payload;

    /// <summary>Offset of the next byte to be read.</summary>
    public int Position { readonly get; private set; }

    public readonly int Remaining => _payload.Length - Position;

    public readonly bool IsAtEnd => Position == _payload.Length;

    /// <summary>Everything that was not read yet; does not move.</summary>
    public readonly ReadOnlySpan<byte> Rest => _payload[Position..];

    /// <summary>The next byte, without moving.</summary>
    public readonly byte PeekByte()
    {
        if (Remaining < 1)
            ProtocolException.ThrowEnd(1, Position, _payload.Length);
        return _payload[Position];
    }

    public byte ReadByte() => ReadBytes(1)[0];

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(2));

    /// <summary>A 3-byte number.</summary>
    public int ReadUInt24()
    {
        var bytes = ReadBytes(3);
        return bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
    }

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4));

    /// <summary>A 6-byte number (table ids).</summary>
    public ulong ReadUInt48()
    {
        var bytes = ReadBytes(6);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes) | ((ulong)BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) << 32);
    }

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(8));

    /// <summary>A length-encoded integer: 1, 3, 4 or 9 bytes.</summary>
    public ulong ReadLengthEncodedInteger()
    {
        var first = PeekByte();
        switch (first)
        {
            case < 0xFB:
                Position++;
                return first;
            case 0xFC:
                return BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(3)[1..]);
            case 0xFD:
                return BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4)) >> 8;
            case 0xFE:
                return BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(9)[1..]);
            default:
                ProtocolException.Throw($"0x{first:X2} does not begin a length-encoded integer (offset {Position}).");
                return 0;
        }
    }

    /// <summary>A length-encoded string.</summary>
    public ReadOnlySpan<byte> ReadLengthEncodedBytes()
    {
        var before = Position;
        var length = ReadLengthEncodedInteger();
        if (length > (ulong)Remaining)
        {
            var position = Position;
            Position = before;
            ProtocolException.ThrowEnd((int)Math.Min(length, int.MaxValue), position, _payload.Length);
        }

        return ReadBytes((int)length);
    }

    /// <summary>A length-encoded string of a text resultset's row, where 0xFB stands for NULL.</summary>
    /// <returns>False for NULL.</returns>
    public bool TryReadLengthEncodedBytes(out ReadOnlySpan<byte> value)
    {
        if (PeekByte() == 0xFB)
        {
            Position++;
            value = default;
            return false;
        }

        value = ReadLengthEncodedBytes();
        return true;
    }

    /// <summary>The bytes up to the next NUL, which is read too and not returned.</summary>
    public ReadOnlySpan<byte> ReadNullTerminated()
    {
        var length = Rest.IndexOf((byte)0);
        if (length < 0)
            ProtocolException.Throw($"No NUL ends the string at offset {Position}.");
        var value = ReadBytes(length);
        Position++;
        return value;
    }

    /// <summary>Everything up to the end.</summary>
    public ReadOnlySpan<byte> ReadRest() => ReadBytes(Remaining);

    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if ((uint)count > (uint)Remaining)
            ProtocolException.ThrowEnd(count, Position, _payload.Length);
        var bytes = _payload.Slice(Position, count);
        Position += count;
        return bytes;
    }

    public void Skip(int count) => _ = ReadBytes(count);
}
