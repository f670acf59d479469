using System.Buffers.Binary;

namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 4: the log goes on in another file. position 8 · file name up to the end. Real at a file's end; artificial (see
/// <see cref="EventHeaderFlags.Artificial"/>, timestamp 0) at the start of a dump and of every further file.
/// </summary>
public readonly ref struct RotateEvent
{
    private RotateEvent(ulong position, ReadOnlySpan<byte> fileName)
    {
        Position = position;
        FileName = fileName;
    }

    /// <summary>Offset in the next file; 4 at its beginning.</summary>
    public ulong Position { get; }

    /// <summary>Without a folder.</summary>
    public ReadOnlySpan<byte> FileName { get; }

    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short, or names no file.</exception>
    public static RotateEvent Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var position = reader.ReadUInt64();
        if (reader.IsAtEnd)
            ProtocolException.Throw("A ROTATE event names no file.");
        return new RotateEvent(position, reader.ReadRest());
    }

    /// <summary>An artificial ROTATE: "what follows is from this file, at this position".</summary>
    public static byte[] BuildArtificial(uint serverId, ulong position, ReadOnlySpan<byte> fileName)
    {
        Span<byte> body = stackalloc byte[8 + fileName.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(body, position);
        fileName.CopyTo(body[8..]);
        return EventBuilder.Build(new EventHeader(0, EventType.Rotate, serverId, 0, 0, EventHeaderFlags.Artificial), body);
    }
}
