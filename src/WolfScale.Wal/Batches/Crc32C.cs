using System.Buffers.Binary;
using System.Numerics;

namespace WolfScale.Wal;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4): one processor instruction per eight bytes where the processor has it.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of <paramref name="data"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> data) => ~Add(~0u, data);

    /// <summary>The checksum of <paramref name="data"/> as it stands at one place only: the same bytes elsewhere have another one.</summary>
    public static uint Of(ReadOnlySpan<byte> data, ulong salt, long offset) =>
        ~Add(BitOperations.Crc32C(BitOperations.Crc32C(~0u, salt), (ulong)offset), data);

    private static uint Add(uint crc, ReadOnlySpan<byte> data)
    {
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (byte b in data)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
