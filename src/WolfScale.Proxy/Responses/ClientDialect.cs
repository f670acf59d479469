using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;

namespace WolfScale.Proxy.Responses;

/// <summary>What a client understands of a server's answer; backends always speak SESSION_TRACK and DEPRECATE_EOF.</summary>
internal readonly record struct ClientDialect(Capabilities Capabilities, MariaDbCapabilities MariaDb = 0)
{
    public bool ClassicEof => (Capabilities & Capabilities.DeprecateEof) == 0;

    /// <summary>A byte after the number of columns says whether their definitions follow.</summary>
    public bool CachesMetadata => (MariaDb & MariaDbCapabilities.CacheMetadata) != 0;

    public bool TracksSession => (Capabilities & Capabilities.SessionTrack) != 0;

    /// <summary>Whether this OK must be written anew for the client.</summary>
    public bool Changes(in OkInfo ok, bool endOfRows) => endOfRows && ClassicEof || !ok.Changes.IsEmpty || (!TracksSession && (ok.Status & ServerStatus.SessionStateChanged) != 0);

    /// <summary>
    /// Whether a result's first packet must get the byte that says that definitions follow. Only the server on which the client has prepared its statements knows
    /// which definitions the client has; others are not asked to leave any out, because a table may have changed in between.
    /// </summary>
    /// <param name="columnCount">The packet as the server sent it: a number, length-encoded.</param>
    public bool WantsFlag(ReadOnlySpan<byte> columnCount) => CachesMetadata && columnCount.Length == columnCount[0] switch { 0xFC => 3, 0xFD => 4, _ => 1 };

    /// <summary>Writes an OK, or the EOF that stands for it, as the client understands it.</summary>
    /// <param name="writer">Its sequence number is set.</param>
    /// <param name="ok">What the server said.</param>
    /// <param name="endOfRows">It ends rows or definitions.</param>
    /// <param name="tracked">Names of the system variables that the client asked to hear of.</param>
    public void WriteOk(PacketWriter writer, in OkInfo ok, bool endOfRows, TrackedVariables tracked)
    {
        var status = ok.Status & ~ServerStatus.SessionStateChanged;
        if (endOfRows && ClassicEof)
        {
            new EofPacket(ok.Warnings, status).Write(writer);
            return;
        }

        var length = TracksSession ? ok.Changes.Length : 0;
        Span<byte> changes = length <= 2048 ? stackalloc byte[length] : new byte[length];
        changes = TracksSession ? changes[..tracked.Select(ok.Changes, changes)] : default;
        if (!changes.IsEmpty)
            status |= ServerStatus.SessionStateChanged;
        // The documentation has a message without SESSION_TRACK fill the rest of the packet. MariaDB writes its length before it all the same, and
        // Connector/C reads it so.
        _ = writer.Begin().Bytes(ok.Head).UInt16((ushort)status).UInt16(ok.Warnings);
        if (!ok.Message.IsEmpty || !changes.IsEmpty)
            _ = writer.LengthEncodedBytes(ok.Message);
        if (!changes.IsEmpty)
            _ = writer.LengthEncodedBytes(changes);
        writer.End();
    }
}
