using System.Buffers;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;

namespace WolfScale.MariaDb.Dump;

/// <summary>Reads the rows of a query one at a time, as the server sends them and as the bytes that it sends. One thread; see <see cref="ReplicationConnection"/>.</summary>
internal sealed class RowReader(ReplicationConnection connection)
{
    private const int LongestPacket = 0xFFFFFF;

    private readonly ArrayBufferWriter<byte> _packet = new(64 << 10);

    /// <summary>Asks; the rows follow.</summary>
    /// <returns>Number of columns.</returns>
    /// <exception cref="ServerErrorException">The server refuses.</exception>
    public int Ask(string sql)
    {
        var writer = new PacketWriter();
        SimpleCommands.WriteQuery(writer, sql);
        var rest = writer.Written.Span;
        while (!rest.IsEmpty)
            rest = rest[connection.Socket.Send(rest)..];
        var columns = (int)new PayloadReader(Read(sql)).ReadLengthEncodedInteger();
        while (!EofPacket.IsEof(Read(sql)))
        {
            // Column definitions: the asker knows them.
        }

        return columns;
    }

    /// <summary>The next row's payload, valid until the next call; false after the last.</summary>
    /// <exception cref="ServerErrorException">The query broke off: the table was altered, for one.</exception>
    public bool TryRead(string sql, out ReadOnlySpan<byte> row)
    {
        row = Read(sql);
        return !EofPacket.IsEof(row);
    }

    private ReadOnlySpan<byte> Read(string sql)
    {
        _packet.ResetWrittenCount();
        int length;
        do
        {
            connection.Require(PacketHeader.Size);
            length = PacketHeader.Read(connection.Buffered).PayloadLength;
            connection.Consume(PacketHeader.Size);
            for (var rest = length; rest > 0;)
            {
                if (connection.Buffered.IsEmpty)
                    connection.ReceiveMore();
                var piece = connection.Buffered[..Math.Min(rest, connection.Buffered.Length)];
                _packet.Write(piece);
                connection.Consume(piece.Length);
                rest -= piece.Length;
            }
        }
        while (length == LongestPacket);

        var payload = _packet.WrittenSpan;
        if (payload.IsEmpty)
            throw new ProtocolException($"{sql}: the server answered with an empty packet.");
        return payload[0] == ErrPacket.Marker ? throw new ServerErrorException(sql, ErrPacket.Read(payload)) : payload;
    }
}
