using System.Net.Sockets;
using WolfScale.Bench.Setups;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;

namespace WolfScale.Bench.Proxying;

/// <summary>As much of the protocol as a client and a server need to become acquainted.</summary>
internal static class Packets
{
    private const Capabilities Client = (Capabilities)0x00BFA284 & ~Capabilities.ConnectWithDatabase; // what Connector/C says
    private static readonly byte[] Salt = [.. "abcdefghijklmnopqrst"u8];

    /// <summary>The account's answer to this greeting.</summary>
    public static byte[] Login(byte[] greeting) => Written(writer =>
        new LoginRequest { User = Servers.User, AuthResponse = NativePassword.Scramble(Servers.Password, ServerGreeting.Read(greeting).Salt.Span), Capabilities = Client }.Write(writer));

    /// <summary>COM_QUERY of something that the server answers with OK.</summary>
    public static byte[] Question { get; } = [3, .. "DO 1"u8];

    public static byte[] Greeting(uint connectionId) => Written(writer =>
        new ServerGreeting { ServerVersion = "5.5.5-10.11.19-MariaDB", ConnectionId = connectionId, Salt = Salt, Capabilities = (Capabilities)0x81FFF7FE & ~Capabilities.Ssl }.Write(writer));

    public static async Task SayAsync(Socket socket, byte sequence, byte[] payload, CancellationToken cancellation) =>
        _ = await socket.SendAsync(new byte[] { (byte)payload.Length, (byte)(payload.Length >> 8), 0, sequence }.Concat(payload).ToArray(), cancellation);

    /// <summary>The next packet's payload.</summary>
    public static async Task<byte[]> ReadAsync(Socket socket, CancellationToken cancellation)
    {
        var header = await ReadExactlyAsync(socket, PacketHeader.Size, cancellation);
        return await ReadExactlyAsync(socket, PacketHeader.Read(header).PayloadLength, cancellation);
    }

    private static async Task<byte[]> ReadExactlyAsync(Socket socket, int length, CancellationToken cancellation)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            var more = await socket.ReceiveAsync(bytes.AsMemory(read), cancellation);
            read += more > 0 ? more : throw new EndOfStreamException("the connection was closed");
        }

        return bytes;
    }

    private static byte[] Written(Action<PacketWriter> write)
    {
        var writer = new PacketWriter();
        write(writer);
        return writer.Written[PacketHeader.Size..].ToArray();
    }
}
