using WolfScale.Protocol;

namespace WolfScale.Proxy.Responses;

/// <summary>How the answer to a command is built.</summary>
internal enum ResponseShape : byte
{
    /// <summary>No answer at all: COM_STMT_CLOSE, COM_STMT_SEND_LONG_DATA, COM_QUIT.</summary>
    None,

    /// <summary>One packet, whatever it is: COM_PING, COM_STATISTICS, COM_STMT_RESET.</summary>
    Single,

    /// <summary>OK, an error, or results: COM_QUERY, COM_STMT_EXECUTE, COM_STMT_BULK_EXECUTE, COM_PROCESS_INFO.</summary>
    Results,

    /// <summary>Rows alone, until they end: COM_STMT_FETCH.</summary>
    Rows,

    /// <summary>Column definitions, until they end: COM_FIELD_LIST.</summary>
    Fields,

    /// <summary>COM_STMT_PREPARE.</summary>
    Prepare,
}

/// <summary>What a packet of an answer is.</summary>
internal enum PacketRole : byte
{
    /// <summary>One of the kinds below that nobody needs to look into: a row, a definition.</summary>
    Body,

    /// <summary>Number of columns; begins a result set.</summary>
    ColumnCount,

    /// <summary>The same where the client knows the definitions and gets none (MariaDB, CACHE_METADATA).</summary>
    KnownColumns,

    /// <summary>The last definition of columns or parameters: with classic EOF a packet of its own follows.</summary>
    LastDefinition,
    Ok,

    /// <summary>Ends rows, as an OK with 0xFE.</summary>
    EndOfRows,
    Error,

    /// <summary>An error in form alone: a long statement says how far it is.</summary>
    Progress,

    /// <summary>The server wants the contents of a file.</summary>
    LocalInfile,
    PrepareOk,

    /// <summary>The one packet of a <see cref="ResponseShape.Single"/> that is neither OK nor error.</summary>
    Text,
}

/// <summary>
/// Follows a server's answer packet by packet: knows what each packet is from its length and first bytes, and when the answer is complete. For a
/// connection with DEPRECATE_EOF. Pure; the same for text and binary rows.
/// </summary>
internal struct ResponseTracker
{
    private enum Stage : byte
    {
        Done,
        First,
        Definitions,
        Rows,
        Parameters,
        PreparedColumns,
        AwaitingFile,
    }

    private Stage _stage;
    private ResponseShape _shape;
    private bool _continued;
    private ulong _left;
    private ushort _columnsAfterParameters;

    /// <summary>The answer is complete.</summary>
    public readonly bool IsDone => _stage == Stage.Done;

    /// <summary>The payload goes on in the next packet.</summary>
    public readonly bool IsContinued => _continued;

    /// <summary>The next packet begins a row, or ends the rows.</summary>
    public readonly bool IsAtRow => _stage == Stage.Rows && !_continued;

    /// <summary>
    /// How many of these bytes are whole rows, one after the other: for each <see cref="Next"/> would say <see cref="PacketRole.Body"/> and change nothing. A short way, because most of what
    /// passes are rows. Ends before whatever may be something else.
    /// </summary>
    /// <param name="bytes">They begin where <see cref="IsAtRow"/> holds.</param>
    /// <param name="shift">Added to the rows' sequence numbers.</param>
    /// <param name="lastSequence">The last row's number then; as it was where there is none.</param>
    public static int PassRows(Span<byte> bytes, byte shift, ref byte lastSequence)
    {
        var position = 0;
        while (bytes.Length - position > PacketHeader.Size)
        {
            var header = PacketHeader.Read(bytes[position..]);
            if (header.PayloadLength == 0 || header.IsContinued || bytes[position + PacketHeader.Size] >= OkInfo.EndOfRowsMarker || bytes.Length - position - PacketHeader.Size < header.PayloadLength)
                break;
            bytes[position + 3] = lastSequence = (byte)(header.Sequence + shift);
            position += PacketHeader.Size + header.PayloadLength;
        }

        return position;
    }

    /// <summary>The client has the word: it sends a file.</summary>
    public readonly bool AwaitsFile => _stage == Stage.AwaitingFile;

    public void Begin(ResponseShape shape)
    {
        _shape = shape;
        _continued = false;
        _stage = shape switch
        {
            ResponseShape.None => Stage.Done,
            ResponseShape.Rows => Stage.Rows,
            _ => Stage.First,
        };
    }

    /// <summary>The client has sent its file; the server's verdict follows.</summary>
    public void FileSent() => _stage = Stage.First;

    /// <summary>Whether the whole payload must be there for <see cref="Next"/>; else its first byte is enough.</summary>
    public readonly bool NeedsWhole(PacketHeader header, byte first) => !_continued && _stage switch
    {
        Stage.First => true,
        Stage.Rows => IsEnd(header, first) || first == 0xFF,
        Stage.Definitions when _shape == ResponseShape.Fields => IsEnd(header, first) || first == 0xFF,
        Stage.Parameters or Stage.PreparedColumns => _left == 1,
        _ => false,
    };

    /// <summary>Takes the next packet.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="payload">All of it where <see cref="NeedsWhole"/> says so, else at least its first byte (nothing of an empty one).</param>
    /// <exception cref="ProtocolException">Nothing that a server may say here.</exception>
    public PacketRole Next(PacketHeader header, ReadOnlySpan<byte> payload)
    {
        var continued = _continued;
        _continued = header.IsContinued;
        if (continued)
            return PacketRole.Body;
        switch (_stage)
        {
            case Stage.First:
                return First(header, payload);
            case Stage.Definitions when _shape == ResponseShape.Fields:
                return IsEnd(header, payload.IsEmpty ? (byte)0 : payload[0]) ? End(PacketRole.EndOfRows, payload) : payload is [0xFF, ..] ? Error(payload) : PacketRole.Body;
            case Stage.Definitions:
                if (--_left > 0)
                    return PacketRole.Body;
                _stage = Stage.Rows;
                return PacketRole.LastDefinition;
            case Stage.Rows:
                return payload.IsEmpty ? PacketRole.Body
                    : payload[0] == 0xFF ? Error(payload)
                    : IsEnd(header, payload[0]) ? End(PacketRole.EndOfRows, payload)
                    : PacketRole.Body;
            case Stage.Parameters:
                if (--_left > 0)
                    return PacketRole.Body;
                (_stage, _left) = _columnsAfterParameters > 0 ? (Stage.PreparedColumns, (ulong)_columnsAfterParameters) : (Stage.Done, 0UL);
                return PacketRole.LastDefinition;
            case Stage.PreparedColumns:
                if (--_left > 0)
                    return PacketRole.Body;
                _stage = Stage.Done;
                return PacketRole.LastDefinition;
            default:
                ProtocolException.Throw("The server says something that was not asked for.");
                return default;
        }
    }

    /// <summary>0xFE begins the end of rows, or the length of a value of more than 16 MiB: then the packet is as long as a packet can be.</summary>
    private static bool IsEnd(PacketHeader header, byte first) => first == OkInfo.EndOfRowsMarker && !header.IsContinued;

    private PacketRole First(PacketHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty)
            ProtocolException.Throw("The server's answer is an empty packet.");
        if (payload[0] == 0xFF)
            return Error(payload);
        switch (_shape)
        {
            case ResponseShape.Single:
                _stage = Stage.Done;
                return payload[0] == OkInfo.Marker ? PacketRole.Ok : IsEnd(header, payload[0]) ? PacketRole.EndOfRows : PacketRole.Text;
            case ResponseShape.Fields:
                _stage = Stage.Definitions;
                return IsEnd(header, payload[0]) ? End(PacketRole.EndOfRows, payload) : PacketRole.Body;
            case ResponseShape.Prepare:
                return Prepared(payload);
            default:
                return FirstOfResult(payload);
        }
    }

    private PacketRole FirstOfResult(ReadOnlySpan<byte> payload)
    {
        switch (payload[0])
        {
            case OkInfo.Marker:
                return End(PacketRole.Ok, payload);
            case 0xFB:
                _stage = Stage.AwaitingFile;
                return PacketRole.LocalInfile;
            default:
                var reader = new PayloadReader(payload);
                _left = reader.ReadLengthEncodedInteger();
                // MariaDB, CACHE_METADATA: a byte says whether the definitions follow, or are those that the client knows.
                var known = !reader.IsAtEnd && reader.ReadByte() == 0;
                _stage = known || _left == 0 ? Stage.Rows : Stage.Definitions;
                return _stage == Stage.Rows ? PacketRole.KnownColumns : PacketRole.ColumnCount;
        }
    }

    private PacketRole Prepared(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        reader.Skip(5); // 0x00, statement id
        var columns = reader.ReadUInt16();
        var parameters = reader.ReadUInt16();
        (_stage, _left, _columnsAfterParameters) = parameters > 0 ? (Stage.Parameters, (ulong)parameters, columns)
            : columns > 0 ? (Stage.PreparedColumns, (ulong)columns, (ushort)0)
            : (Stage.Done, 0UL, (ushort)0);
        return PacketRole.PrepareOk;
    }

    private PacketRole End(PacketRole role, ReadOnlySpan<byte> payload)
    {
        _stage = _shape == ResponseShape.Results && OkInfo.Read(payload).HasMoreResults ? Stage.First : Stage.Done;
        return role;
    }

    private PacketRole Error(ReadOnlySpan<byte> payload)
    {
        if (payload is [0xFF, 0xFF, 0xFF, ..])
            return PacketRole.Progress;
        _stage = Stage.Done;
        return PacketRole.Error;
    }
}
