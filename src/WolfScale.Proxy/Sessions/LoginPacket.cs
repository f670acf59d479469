using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What a connection from one node's proxy to another's is for.</summary>
internal enum HopKind : byte
{
    /// <summary>It is none, but a client's or to a server.</summary>
    None,

    /// <summary>Whatever the client does, on the leader's server.</summary>
    ToLeader,

    /// <summary>Reads, on the server beside the proxy, which follows.</summary>
    ToReader,
}

/// <summary>Whose connection this is that a proxy without a node has opened. The nodes know that client by nothing else: it was greeted there, maybe by a leader of before.</summary>
/// <param name="Proxy">That proxy; chosen at random when it started, never 0.</param>
/// <param name="ClientId">With which it has greeted the client; 0 where its connections change hands between clients.</param>
internal readonly record struct ClientOrigin(ulong Proxy, uint ClientId);

/// <summary>
/// A client's login (handshake response, 4.1), taken apart far enough to send it on to a server with other capabilities, or with another proof of the
/// password. What the proxy does not know stays as it came.
/// </summary>
internal sealed class LoginPacket
{
    /// <summary>What every backend is asked for, whatever the client speaks: the GTID of a commit is reported only with both.</summary>
    public const Capabilities Always = Capabilities.SessionTrack | Capabilities.DeprecateEof;

    /// <summary>Between client and proxy alone.</summary>
    public const Capabilities Never = Capabilities.Ssl | Capabilities.Compress;

    private const int MariaDbOffset = 20;
    private const int ProxyDigits = 16;
    private const int OriginDigits = ProxyDigits + 8;
    private readonly byte[] _head; // character set 1, reserved 19, MariaDB's capabilities 4
    private readonly byte[] _user; // in the client's character set, as the database
    private readonly byte[]? _database;
    private readonly byte[] _attributes;
    private readonly uint _maxPacket;

    private LoginPacket(Capabilities capabilities, uint maxPacket, byte[] head, byte[] user, byte[] answer, byte[]? database, string plugin, byte[] attributes)
    {
        (Capabilities, _maxPacket, _head, _user, Answer, _database, Plugin, _attributes) = (capabilities, maxPacket, head, user, answer, database, plugin, attributes);
        User = Encoding.UTF8.GetString(user);
        Database = database is null ? null : Encoding.UTF8.GetString(database);
        var hop = attributes.AsSpan().IndexOf(HopAttribute);
        Origin = hop < 0 ? null : ReadOrigin(attributes);
        Hop = hop < 0 ? HopKind.None : attributes.AsSpan(hop + HopAttribute.Length).StartsWith(ToReader) ? HopKind.ToReader : HopKind.ToLeader;
    }

    /// <summary>The client's own.</summary>
    public Capabilities Capabilities { get; }

    /// <summary>MariaDB's own, which a client has that leaves CLIENT_MYSQL out.</summary>
    public MariaDbCapabilities MariaDb => (Capabilities & Capabilities.LongPassword) == 0 ? (MariaDbCapabilities)BinaryPrimitives.ReadUInt32LittleEndian(_head.AsSpan(MariaDbOffset)) : 0;

    public string User { get; }

    /// <summary>What a login decides about its session for good, its connection's attributes apart.</summary>
    public string PoolKey => $"{Convert.ToHexString(_user)}/{(string.IsNullOrEmpty(Database) ? "-" : "+")}/{(uint)Capabilities:x8}/{_maxPacket:x8}/{Convert.ToHexString(_head)}";

    /// <summary>The client's proof of its password, for the plugin it names.</summary>
    public byte[] Answer { get; }

    public string? Database { get; }

    public string Plugin { get; }

    /// <summary>What the login's collation id says of the client's character set.</summary>
    public ClientCharset Charset => CharsetOf(_head[0]);

    /// <param name="collation">Its id.</param>
    public static ClientCharset CharsetOf(int collation) => collation switch
    {
        33 or 83 or 45 or 46 or 11 or 65 or (>= 192 and <= 247) => ClientCharset.Utf8,
        5 or 8 or 15 or 31 or 47 or 48 or 49 or 94 => ClientCharset.SingleByte, // latin1
        _ => ClientCharset.AsciiUnsafe,
    };

    /// <summary>It comes from another proxy, for the servers of this node alone: it is never sent on to a third.</summary>
    public bool IsHop => Hop != HopKind.None;

    /// <summary>What another proxy wants of this one.</summary>
    public HopKind Hop { get; }

    /// <summary>Null: of a node's proxy, or no hop at all. Said to a node's proxy with the next login there.</summary>
    public ClientOrigin? Origin { get; set; }

    private static ReadOnlySpan<byte> HopAttribute => "_wolfscale_hop"u8;

    /// <summary>Its value: 16 and 8 hexadecimal digits, a length before them.</summary>
    private static ReadOnlySpan<byte> OriginAttribute => "_wolfscale_client"u8;

    // The attribute's value, with its length before it.
    private static ReadOnlySpan<byte> ToLeader => "\u00011"u8;

    private static ReadOnlySpan<byte> ToReader => "\u0001r"u8;

    /// <summary>Whether this is the short packet that asks for TLS.</summary>
    public static bool IsTlsRequest(ReadOnlySpan<byte> payload) =>
        payload.Length == 32 && ((Capabilities)BinaryPrimitives.ReadUInt32LittleEndian(payload) & Capabilities.Ssl) != 0;

    /// <exception cref="ProtocolException">Not a 4.1 login.</exception>
    public static LoginPacket Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var capabilities = (Capabilities)reader.ReadUInt32();
        if ((capabilities & Capabilities.Protocol41) == 0)
            ProtocolException.Throw("The client does not speak the 4.1 protocol.");
        var maxPacket = reader.ReadUInt32();
        var head = reader.ReadBytes(24).ToArray();
        var user = reader.ReadNullTerminated().ToArray();
        var answer = (capabilities & Capabilities.PluginAuthLengthEncodedData) != 0 ? reader.ReadLengthEncodedBytes()
            : (capabilities & Capabilities.SecureConnection) != 0 ? reader.ReadBytes(reader.ReadByte())
            : reader.ReadNullTerminated();
        var proof = answer.ToArray();
        var database = (capabilities & Capabilities.ConnectWithDatabase) != 0 && !reader.IsAtEnd ? reader.ReadNullTerminated().ToArray() : null;
        var plugin = (capabilities & Capabilities.PluginAuth) != 0 && !reader.IsAtEnd
            ? Encoding.ASCII.GetString(reader.Rest.Contains((byte)0) ? reader.ReadNullTerminated() : reader.ReadRest())
            : "";
        var attributes = (capabilities & Capabilities.ConnectAttributes) != 0 && !reader.IsAtEnd ? reader.ReadLengthEncodedBytes().ToArray() : [];
        return new LoginPacket(capabilities, maxPacket, head, user, proof, database, plugin, attributes);
    }

    /// <summary>The login with which the session that COM_CHANGE_USER has begun could have begun; null where there is none: a login has one byte for the collation.</summary>
    public LoginPacket? After(UserChange change, byte[] answer)
    {
        if (change.Collation > byte.MaxValue)
            return null;
        byte[] head = [(byte)change.Collation, .. _head.AsSpan(1)];
        return new LoginPacket(Capabilities, _maxPacket, head, change.User, answer, change.Schema, Plugin, _attributes) { Origin = Origin };
    }

    /// <summary>Writes the login for a backend.</summary>
    /// <param name="writer">Its sequence number is set by the caller.</param>
    /// <param name="server">What the server offers.</param>
    /// <param name="answer">The proof of the password, for <paramref name="plugin"/>.</param>
    /// <param name="plugin">Empty where the client named none.</param>
    /// <param name="hop">What is wanted of another node's proxy.</param>
    /// <param name="first">It is the server that has greeted the client. Others may not presume that the client knows any columns.</param>
    public void WriteFor(PacketWriter writer, Capabilities server, ReadOnlySpan<byte> answer, string plugin, HopKind hop, bool first)
    {
        var capabilities = BackendCapabilities(server);
        var writesAttributes = (server & Capabilities.ConnectAttributes) != 0 && (_attributes.Length > 0 || hop != HopKind.None);
        capabilities = writesAttributes ? capabilities | Capabilities.ConnectAttributes : capabilities & ~Capabilities.ConnectAttributes;
        _ = writer.Begin().UInt32((uint)capabilities).UInt32(_maxPacket).Bytes(_head.AsSpan(0, MariaDbOffset))
            .UInt32(BinaryPrimitives.ReadUInt32LittleEndian(_head.AsSpan(MariaDbOffset)) & ~(first ? 0 : (uint)MariaDbCapabilities.CacheMetadata)).Bytes(_user).Byte(0);
        if ((capabilities & Capabilities.PluginAuthLengthEncodedData) != 0)
            _ = writer.LengthEncodedInteger((ulong)answer.Length).Bytes(answer);
        else if ((capabilities & Capabilities.SecureConnection) != 0)
            _ = writer.Byte(checked((byte)answer.Length)).Bytes(answer);
        else
            _ = writer.Bytes(answer).Byte(0);
        if (_database is { } database)
            _ = writer.Bytes(database).Byte(0);
        if ((capabilities & Capabilities.PluginAuth) != 0)
            _ = writer.NullTerminated(plugin);
        if (writesAttributes)
            WriteAttributes(writer, hop);
        writer.End();
    }

    /// <summary>What is agreed on with the server: the client's wishes, as far as the server has them, and what the proxy needs.</summary>
    public Capabilities BackendCapabilities(Capabilities server)
    {
        var wanted = (Capabilities | Always) & ~Never;
        wanted = Database is null ? wanted & ~Capabilities.ConnectWithDatabase : wanted | Capabilities.ConnectWithDatabase;
        // CLIENT_MYSQL is the client's word that it knows no MariaDB capabilities, and the server leaves it out to say that it has some.
        return wanted & (server | Capabilities.LongPassword | Capabilities.ConnectWithDatabase | Capabilities.Interactive | Capabilities.FoundRows | Capabilities.IgnoreSpace);
    }

    /// <summary>The last one, and behind the last hop: what a client says for itself stands before what its proxy adds.</summary>
    private static ClientOrigin? ReadOrigin(ReadOnlySpan<byte> attributes)
    {
        attributes = attributes[attributes.LastIndexOf(HopAttribute)..];
        var at = attributes.LastIndexOf(OriginAttribute);
        if (at < 0 || attributes[(at + OriginAttribute.Length)..] is not [OriginDigits, .. var value] || value.Length < OriginDigits)
            return null;
        return ulong.TryParse(value[..ProxyDigits], NumberStyles.AllowHexSpecifier, null, out var proxy) && proxy != 0
            && uint.TryParse(value[ProxyDigits..OriginDigits], NumberStyles.AllowHexSpecifier, null, out var clientId) ? new ClientOrigin(proxy, clientId) : null;
    }

    private void WriteAttributes(PacketWriter writer, HopKind hop)
    {
        byte[] more = hop == HopKind.None ? [] : [(byte)HopAttribute.Length, .. HopAttribute, .. hop == HopKind.ToReader ? ToReader : ToLeader];
        if (hop != HopKind.None && Origin is { } origin)
            more = [.. more, (byte)OriginAttribute.Length, .. OriginAttribute, OriginDigits, .. Encoding.ASCII.GetBytes($"{origin.Proxy:x16}{origin.ClientId:x8}")];
        _ = writer.LengthEncodedInteger((ulong)(_attributes.Length + more.Length)).Bytes(_attributes).Bytes(more);
    }
}
