using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace WolfScale.Consensus;

/// <summary>
/// The bytes of a configuration entry in the log.
/// <code>
/// version   u8 = 1
/// clusterId 16 bytes, RFC 4122 order      clusterName text
/// mode      u8                            base        text (GTID position), u8 (server was empty)
/// members   u16 count, each: id text · incarnation u64 · address text · role u8 · flags u8 (1 never_leader, 2 witness)
/// text      u16 length in bytes, UTF-8; all integers little-endian
/// </code>
/// </summary>
public static class ConfigurationCodec
{
    private const byte Version = 1;
    private const byte NeverLeaderFlag = 1;
    private const byte WitnessFlag = 2;

    /// <summary>More members than any cluster has: a count above it is damage.</summary>
    public const int MaxMembers = 256;

    public static byte[] Encode(Configuration configuration)
    {
        using var stream = new MemoryStream(256);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Version);
        Span<byte> guid = stackalloc byte[16];
        configuration.ClusterId.TryWriteBytes(guid, bigEndian: true, out _);
        writer.Write(guid);
        WriteText(writer, configuration.ClusterName);
        writer.Write((byte)configuration.Mode);
        WriteText(writer, configuration.Base.GtidPosition);
        writer.Write(configuration.Base.ServerWasEmpty);
        writer.Write(checked((ushort)configuration.Members.Length));
        foreach (Member member in configuration.Members)
        {
            WriteText(writer, member.Key.Id);
            writer.Write(member.Key.Incarnation);
            WriteText(writer, member.Address);
            writer.Write((byte)member.Role);
            writer.Write((byte)((member.NeverLeader ? NeverLeaderFlag : 0) | (member.Witness ? WitnessFlag : 0)));
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are not a configuration: another version, cut short, or damaged.</exception>
    public static Configuration Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new Cursor(bytes);
        byte version = reader.Byte();
        if (version != Version)
        {
            throw new InvalidDataException(
                $"configuration entry of version {version}, this program reads version {Version}: it was written by a newer WolfScale");
        }

        var clusterId = new Guid(reader.Take(16), bigEndian: true);
        string clusterName = reader.Text();
        byte mode = reader.Byte();
        if (mode > (byte)ClusterMode.Available)
            throw new InvalidDataException($"configuration entry with unknown mode {mode}");
        var logBase = new LogBase(reader.Text(), reader.Byte() != 0);
        int count = reader.UInt16();
        if (count > MaxMembers)
            throw new InvalidDataException($"configuration entry with {count} members, more than {MaxMembers}");
        var members = ImmutableArray.CreateBuilder<Member>(count);
        for (int i = 0; i < count; i++)
        {
            var key = new NodeKey(reader.Text(), reader.UInt64());
            string address = reader.Text();
            byte role = reader.Byte();
            if (role > (byte)MemberRole.Voter)
                throw new InvalidDataException($"configuration entry with unknown role {role} of {key}");
            byte flags = reader.Byte();
            members.Add(new Member(key, address, (MemberRole)role, (flags & NeverLeaderFlag) != 0, (flags & WitnessFlag) != 0));
        }

        if (!reader.AtEnd)
            throw new InvalidDataException("configuration entry with bytes after its end");
        try
        {
            return new Configuration(clusterId, clusterName, (ClusterMode)mode, logBase, members.MoveToImmutable());
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write(checked((ushort)bytes.Length));
        writer.Write(bytes);
    }

    /// <summary>A bounds-checked reader.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool AtEnd => _rest.IsEmpty;

        public ReadOnlySpan<byte> Take(int count)
        {
            if (count > _rest.Length)
                throw new InvalidDataException("configuration entry cut short");
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        public byte Byte() => Take(1)[0];

        public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

        public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

        public string Text() => Encoding.UTF8.GetString(Take(UInt16()));
    }
}
