using System.Buffers.Binary;
using System.Text;

namespace WolfScale.Cluster.Wire;

/// <summary>
/// A bounds-checked cursor over one frame's payload. Integers are little-endian; text is a u16 length and UTF-8. Every read beyond the
/// end throws <see cref="WireFormatException"/>, so a decoder never looks at a byte that was not sent.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly int Remaining => _rest.Length;

    public byte Byte() => Take(1)[0];

    public bool Flag() => Byte() switch
    {
        0 => false,
        1 => true,
        var other => throw new WireFormatException($"a flag is {other}, it must be 0 or 1"),
    };

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>An LSN, a term or another number that is never negative.</summary>
    public long Position()
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
        return value >= 0 ? value : throw new WireFormatException($"a position is negative ({value})");
    }

    public Guid Guid() => new(Take(16));

    /// <summary>Text of at most <paramref name="maxBytes"/> bytes; invalid UTF-8 is refused.</summary>
    public string Text(int maxBytes)
    {
        var length = UInt16();
        if (length > maxBytes)
            throw new WireFormatException($"a text of {length} bytes stands where at most {maxBytes} are allowed");
        try
        {
            return StrictUtf8.GetString(Take(length));
        }
        catch (DecoderFallbackException e)
        {
            throw new WireFormatException("a text is not valid UTF-8", e);
        }
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new WireFormatException($"{count} bytes are expected and {_rest.Length} are left");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    /// <summary>Everything that is left.</summary>
    public ReadOnlySpan<byte> Rest() => Take(_rest.Length);

    /// <summary>Refuses bytes after the last field: they would be silently ignored otherwise.</summary>
    public readonly void End()
    {
        if (_rest.Length != 0)
            throw new WireFormatException($"{_rest.Length} bytes follow the end of the message");
    }

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
