using System.Buffers.Binary;
using System.Text;

namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 15: how the events that follow are laid out. version 2 (4) · server version 50, NUL-padded · creation time 4 · header length 1 (19) ·
/// length of the fixed part of every event type, 1 each · checksum algorithm 1 · checksum 4, always, even where the algorithm is "none".
/// </summary>
/// <param name="ServerVersion">For example <c>10.11.19-MariaDB-log</c>.</param>
/// <param name="CreatedTimestamp">Seconds since 1970; a replica drops its temporary tables where it is not 0.</param>
/// <param name="Checksum">How the events are secured.</param>
public readonly record struct FormatDescriptionEvent(string ServerVersion, uint CreatedTimestamp, ChecksumAlgorithm Checksum)
{
    /// <summary>Length of the event that <see cref="Build"/> gives.</summary>
    public const int BuiltLength = EventHeader.Size + 2 + VersionLength + 4 + 1 + TypeCount + 1 + EventChecksum.Size;

    private const int VersionLength = 50;
    private const int TypeCount = 171;

    /// <summary>
    /// Lengths of the fixed parts for types 1 to 171, as MariaDB 10.11.19 writes them; the same for all of 10.2 to 11.x
    /// (<c>Format_description_log_event</c> in <c>sql/log_event.cc</c>).
    /// </summary>
    private static ReadOnlySpan<byte> PostHeaderLengths =>
    [
        0x38, 0x0D, 0x00, 0x08, 0x00, 0x12, 0x00, 0x04, 0x04, 0x04, 0x04, 0x12, 0x00, 0x00, 0xE4, 0x00,
        0x04, 0x1A, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x08, 0x02, 0x00, 0x00, 0x00, 0x0A, 0x0A, 0x0A,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0A, 0x0A, 0x0A, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x04, 0x13, 0x04, 0x00, 0x0D, 0x08, 0x08, 0x08, 0x0A, 0x0A, 0x0A,
    ];

    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">Not a format this code can read: version other than 4, or other header length.</exception>
    public static FormatDescriptionEvent Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var version = reader.ReadUInt16();
        if (version != 4)
            ProtocolException.Throw($"The binary log has format version {version}; version 4 (MariaDB 5.0 and later) is read here.");
        var serverVersion = reader.ReadBytes(VersionLength);
        var created = reader.ReadUInt32();
        var headerLength = reader.ReadByte();
        if (headerLength != EventHeader.Size)
            ProtocolException.Throw($"The binary log has event headers of {headerLength} bytes; {EventHeader.Size} are expected.");
        var rest = reader.ReadRest();
        if (rest.IsEmpty)
            ProtocolException.Throw("The format description names no checksum algorithm.");
        return new FormatDescriptionEvent(
            Encoding.ASCII.GetString(serverVersion[..(serverVersion.IndexOf((byte)0) is var end and >= 0 ? end : VersionLength)]),
            created,
            (ChecksumAlgorithm)rest[^1]);
    }

    /// <summary>The event, with checksum.</summary>
    /// <param name="serverId">Of the sender.</param>
    /// <param name="logPosition">End of the event in the file it stands in.</param>
    public byte[] Build(uint serverId, uint logPosition)
    {
        Span<byte> body = stackalloc byte[2 + VersionLength + 4 + 1 + TypeCount + 1];
        body.Clear();
        body[0] = 4;
        _ = Encoding.ASCII.GetBytes(ServerVersion.AsSpan(0, Math.Min(ServerVersion.Length, VersionLength - 1)), body[2..]);
        BinaryPrimitives.WriteUInt32LittleEndian(body[(2 + VersionLength)..], CreatedTimestamp);
        body[2 + VersionLength + 4] = EventHeader.Size;
        PostHeaderLengths.CopyTo(body[(2 + VersionLength + 5)..]);
        body[^1] = (byte)Checksum;
        return EventBuilder.Build(new EventHeader(0, EventType.FormatDescription, serverId, 0, logPosition, EventHeaderFlags.None), body);
    }
}
