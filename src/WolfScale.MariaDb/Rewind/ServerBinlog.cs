using System.Security.Cryptography;
using WolfScale.MariaDb.Connections;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// The local server's binlog through a plain dump connection (never semi-sync: this one must not release commits), which ends at the binlog's end.
/// </summary>
internal sealed class ServerBinlog : IBinlogSource
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private readonly ServerEndpoint _server;

    private ServerBinlog(ServerEndpoint server, IReadOnlyList<string> files)
    {
        _server = server;
        Files = files;
    }

    public IReadOnlyList<string> Files { get; }

    public static async Task<ServerBinlog> OpenAsync(AdminConnection server, DatabaseOptions options) => new(
        new ServerEndpoint { Host = options.Host, Port = options.Port, Socket = options.Socket, User = options.User, Password = options.Password },
        [.. (await server.QueryAsync("SHOW BINARY LOGS")).Select(r => r["Log_name"])]);

    public IEnumerable<BinlogChunk> Read(string file, CancellationToken cancellationToken)
    {
        using var connection = new ReplicationConnection();
        using var stop = cancellationToken.Register(connection.Abort);
        connection.Open(_server, Silence);

        // The checksum as the files have it; GTID events as such (capability 4) and not as QUERY events.
        connection.Execute("SET @master_binlog_checksum=@@GLOBAL.binlog_checksum, @mariadb_slave_capability=4");
        var id = 0xE000_0000u + (uint)RandomNumberGenerator.GetInt32(0x1FFF_FFFF); // fresh, for the reason that capture's is
        connection.StartDump(new BinlogDumpCommand(4, BinlogDumpFlags.NonBlocking | BinlogDumpFlags.SendAnnotateRows, id, file));
        while (ReadPacket(connection, out var header, out var packet))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var wanted = (header.Flags & EventHeaderFlags.Artificial) == 0 && (header.Type != EventType.Rotate || header.LogPosition != 0);
            long rest = header.EventLength;
            var first = true;
            while (rest > 0)
            {
                var inPacket = packet.PayloadLength - (first ? 1 : 0);
                foreach (var piece in Pieces(connection, inPacket))
                {
                    rest -= piece.Length;
                    if (wanted)
                        yield return new BinlogChunk(header, piece, first, rest == 0);
                    first = false;
                }

                if (rest < 0 || (rest > 0 && !packet.IsContinued))
                    throw new ProtocolException($"The packets of an event of {header.EventLength} bytes do not hold just that.");
                if (packet.IsContinued)
                    packet = NextPacket(connection); // an empty one, where the event ended just there
            }
        }
    }

    /// <summary>Reads up to the event of the next packet; false at the end of the binlog.</summary>
    private static bool ReadPacket(ReplicationConnection connection, out EventHeader header, out PacketHeader packet)
    {
        connection.Require(PacketHeader.Size + 1);
        packet = PacketHeader.Read(connection.Buffered);
        header = default;
        if (connection.Buffered[PacketHeader.Size] != OkPacket.Marker)
        {
            connection.Require(PacketHeader.Size + packet.PayloadLength);
            var payload = connection.Buffered.Slice(PacketHeader.Size, packet.PayloadLength);
            return EofPacket.IsEof(payload) ? false : throw new ServerErrorException("read the binlog", ErrPacket.Read(payload));
        }

        connection.Require(PacketHeader.Size + 1 + EventHeader.Size);
        header = EventHeader.Read(connection.Buffered[(PacketHeader.Size + 1)..]);
        connection.Consume(PacketHeader.Size + 1);
        return true;
    }

    private static PacketHeader NextPacket(ReplicationConnection connection)
    {
        connection.Require(PacketHeader.Size);
        var packet = PacketHeader.Read(connection.Buffered);
        connection.Consume(PacketHeader.Size);
        return packet;
    }

    /// <summary>The next bytes of a packet: in one piece where they fit into the connection's buffer, else in pieces of that size.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(ReplicationConnection connection, int count)
    {
        while (count > 0)
        {
            var take = Math.Min(count, ReplicationConnection.BufferBytes);
            connection.Require(take);
            var piece = connection.Buffered[..take].ToArray();
            connection.Consume(take);
            count -= take;
            yield return piece;
        }
    }
}
