using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;

namespace WolfScale.Proxy.Responses;

/// <summary>What the relay wants to know of an OK packet (0x00), or of the one that ends rows under DEPRECATE_EOF (0xFE).</summary>
internal readonly ref struct OkInfo
{
    public const byte Marker = 0x00;
    public const byte EndOfRowsMarker = 0xFE;

    private OkInfo(ServerStatus status, ushort warnings, ReadOnlySpan<byte> head, ReadOnlySpan<byte> message, ReadOnlySpan<byte> changes)
    {
        (Status, Warnings) = (status, warnings);
        Head = head;
        Message = message;
        Changes = changes;
    }

    public ServerStatus Status { get; }

    public ushort Warnings { get; }

    /// <summary>Marker, affected rows and last insert id, as they came.</summary>
    public ReadOnlySpan<byte> Head { get; }

    public ReadOnlySpan<byte> Message { get; }

    /// <summary>The session's changes, see <see cref="SessionChanges"/>; empty where there are none.</summary>
    public ReadOnlySpan<byte> Changes { get; }

    /// <summary>Rows were changed, or it ends rows, and how many were changed is not told.</summary>
    public bool MayHaveChangedRows { get; private init; }

    /// <summary>The last insert id is not 0.</summary>
    public bool HasInsertId { get; private init; }

    public bool HasMoreResults => (Status & ServerStatus.MoreResults) != 0;

    /// <param name="payload">Of a packet from a connection with CLIENT_SESSION_TRACK.</param>
    /// <exception cref="ProtocolException">The packet ends early.</exception>
    public static OkInfo Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        reader.Skip(1);
        var changedRows = reader.ReadLengthEncodedInteger();
        var insertId = reader.ReadLengthEncodedInteger();
        var head = payload[..reader.Position];
        var status = (ServerStatus)reader.ReadUInt16();
        var warnings = reader.ReadUInt16();
        var message = reader.IsAtEnd ? default : reader.ReadLengthEncodedBytes();
        var changes = (status & ServerStatus.SessionStateChanged) != 0 && !reader.IsAtEnd ? reader.ReadLengthEncodedBytes() : default;
        return new OkInfo(status, warnings, head, message, changes) { HasInsertId = insertId != 0, MayHaveChangedRows = changedRows != 0 || payload[0] == EndOfRowsMarker };
    }
}
