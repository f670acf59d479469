using System.Buffers.Binary;
using System.Text;

namespace WolfScale.Protocol.SemiSync;

/// <summary>
/// A semi-sync replica's answer: 0xEF · position 8 · binlog file name up to the end, in a packet with sequence number 0.
/// It releases every commit that waits at this position or before it, so one that is too high releases commits nobody holds yet.
/// </summary>
public static class SemiSyncAck
{
    /// <summary>MariaDB's own limit for a file name (<c>FN_REFLEN</c>).</summary>
    public const int MaxFileNameLength = 512;

    /// <summary>Longest ACK packet, header included.</summary>
    public const int MaxLength = PacketHeader.Size + 1 + 8 + MaxFileNameLength;

    /// <summary>Writes a whole packet.</summary>
    /// <param name="destination">At least <see cref="MaxLength"/> bytes.</param>
    /// <param name="position">End of the event in its file, 64 bits: the header's <c>log_pos</c> has only 32.</param>
    /// <param name="fileName">As the ROTATE event gave it.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, long position, ReadOnlySpan<byte> fileName)
    {
        var length = 1 + 8 + fileName.Length;
        new PacketHeader(length, 0).Write(destination);
        destination[PacketHeader.Size] = SemiSyncHeader.Magic;
        BinaryPrimitives.WriteInt64LittleEndian(destination[(PacketHeader.Size + 1)..], position);
        fileName.CopyTo(destination[(PacketHeader.Size + 9)..]);
        return PacketHeader.Size + length;
    }

    /// <summary>Reads the payload of an ACK.</summary>
    /// <exception cref="ProtocolException">Not an ACK.</exception>
    public static (long Position, string FileName) Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        if (reader.ReadByte() != SemiSyncHeader.Magic)
            ProtocolException.Throw("Not a semi-sync ACK.");
        return ((long)reader.ReadUInt64(), Encoding.UTF8.GetString(reader.ReadRest()));
    }
}
