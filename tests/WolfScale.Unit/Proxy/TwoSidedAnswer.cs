using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;

namespace WolfScale.Unit.Proxy;

/// <summary>
/// An answer written down twice: as a backend sends it (DEPRECATE_EOF, SESSION_TRACK) and as a real MariaDB 10.11 says the same to a client of other
/// capabilities. Each side counts its own packets, so the client's side has no gaps.
/// </summary>
internal sealed class TwoSidedAnswer(Capabilities client)
{
    public const ServerStatus Plain = ServerStatus.AutoCommit;
    public const ServerStatus More = ServerStatus.AutoCommit | ServerStatus.MoreResults;
    public const ServerStatus OutParameters = More | ServerStatus.OutParameters;

    private readonly PacketWriter _backend = new() { Sequence = 1 };
    private readonly PacketWriter _client = new() { Sequence = 1 };

    public bool ClassicEof => (client & Capabilities.DeprecateEof) == 0;

    public byte[] FromBackend => _backend.Written.ToArray();

    public byte[] ToClient => _client.Written.ToArray();

    private bool TracksSession => (client & Capabilities.SessionTrack) != 0;

    /// <summary>A packet that is the same on both sides.</summary>
    public TwoSidedAnswer Both(params ReadOnlySpan<byte> payload)
    {
        _backend.Begin().Bytes(payload).End();
        _client.Begin().Bytes(payload).End();
        return this;
    }

    public TwoSidedAnswer Error(string message = "no such table") => Both([0xFF, 0x7A, 0x04, .. "#42S02"u8, .. Encoding.UTF8.GetBytes(message)]);

    /// <summary>stage 1 of 2, 12.5 %, as <c>net_send_progress_packet</c> writes it.</summary>
    public TwoSidedAnswer Progress() => Both([0xFF, 0xFF, 0xFF, 1, 1, 2, 0xD4, 0x30, 0, 5, .. "stage"u8]);

    public TwoSidedAnswer ColumnCount(byte columns) => Both(columns);

    /// <summary>Number of columns and their definitions; with classic EOF the status of the rows' end stands before them too.</summary>
    public TwoSidedAnswer Columns(byte columns, ServerStatus status = Plain)
    {
        _ = ColumnCount(columns);
        for (var i = 0; i < columns; i++)
            _ = Definition($"c{i}");
        return ClassicOnlyEof(status);
    }

    public TwoSidedAnswer Definition(string name) => Both([3, .. "def"u8, 0, 0, 0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), 0, 12, 63, 0, 1, 0, 0, 0, 3, 0x81, 0, 0, 0, 0]);

    /// <summary>The EOF that DEPRECATE_EOF leaves out.</summary>
    public TwoSidedAnswer ClassicOnlyEof(ServerStatus status = Plain)
    {
        if (ClassicEof)
            WriteEof(status, 0);
        return this;
    }

    public TwoSidedAnswer EndOfRows(ServerStatus status = Plain, ushort warnings = 0, byte[]? told = null, byte[]? hidden = null)
    {
        WriteOk(_backend, 0xFE, status, warnings, 0, "", [.. told ?? [], .. hidden ?? []]);
        if (ClassicEof)
            WriteEof(status, warnings);
        else
            WriteOk(_client, 0xFE, status, warnings, 0, "", TracksSession ? told ?? [] : []);
        return this;
    }

    /// <param name="status">Without SESSION_STATE_CHANGED, which follows from the changes.</param>
    /// <param name="affected">Rows.</param>
    /// <param name="message">MariaDB writes its length before it with and without SESSION_TRACK (measured).</param>
    /// <param name="told">Changes that a client with SESSION_TRACK hears of.</param>
    /// <param name="hidden">Changes that the proxy alone asked for.</param>
    public TwoSidedAnswer Ok(ServerStatus status = Plain, ulong affected = 0, string message = "", byte[]? told = null, byte[]? hidden = null)
    {
        WriteOk(_backend, 0, status, 3, affected, message, [.. told ?? [], .. hidden ?? []]);
        WriteOk(_client, 0, status, 3, affected, message, TracksSession ? told ?? [] : []);
        return this;
    }

    /// <summary>The client speaks: both sides count its packets.</summary>
    public TwoSidedAnswer ClientSends(int packets)
    {
        _backend.Sequence += (byte)packets;
        _client.Sequence += (byte)packets;
        return this;
    }

    public static byte[] Variable(string name, string value)
    {
        var data = new PacketWriter();
        data.Begin().LengthEncodedText(name).LengthEncodedText(value).End();
        return Change(0, data.Written.Span[PacketHeader.Size..]);
    }

    public static byte[] Schema(string name) => Change(1, [(byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);

    public static byte[] Change(byte kind, ReadOnlySpan<byte> data)
    {
        var entry = new PacketWriter();
        entry.Begin().Byte(kind).LengthEncodedBytes(data).End();
        return entry.Written.Span[PacketHeader.Size..].ToArray();
    }

    private static void WriteOk(PacketWriter writer, byte marker, ServerStatus status, ushort warnings, ulong affected, string message, byte[] changes)
    {
        if (changes.Length > 0)
            status |= ServerStatus.SessionStateChanged;
        _ = writer.Begin().Byte(marker).LengthEncodedInteger(affected).Byte(0).UInt16((ushort)status).UInt16(warnings);
        if (message.Length > 0 || changes.Length > 0)
            _ = writer.LengthEncodedText(message);
        if (changes.Length > 0)
            _ = writer.LengthEncodedBytes(changes);
        writer.End();
    }

    private void WriteEof(ServerStatus status, ushort warnings) => _client.Begin().Byte(0xFE).UInt16(warnings).UInt16((ushort)status).End();
}
