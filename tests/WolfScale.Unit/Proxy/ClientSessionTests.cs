using System.Net.Sockets;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Whole sessions, between a client and servers that say what a story needs.</summary>
public sealed class ClientSessionTests : IDisposable
{
    private static readonly byte[] LastGtid = TwoSidedAnswer.Variable("last_gtid", "0-1-42");

    private readonly ProxyKit _kit = new();

    [Fact]
    public void A_statement_and_its_answer_pass()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("UPDATE t SET a=1"));
        Assert.Equal("\x03UPDATE t SET a=1", server.ReadText());
        server.Send(Packet(1, Ok(LastGtid)));
        Assert.Equal([0, 0, 0, 2, 0, 3, 0], client.Read());
    }

    /// <summary>COM_PROCESS_INFO has rows (measured).</summary>
    [Fact]
    public void The_list_of_processes_is_a_result()
    {
        var (client, server) = _kit.LogIn();
        var answer = new TwoSidedAnswer(ProxyKit.Classic).Columns(2).Both(1, 55, 1, 65).EndOfRows();
        client.Send(Command(0x0A));
        Assert.Equal("\x0A", server.ReadText());
        server.Send(answer.FromBackend);
        Assert.Equal(answer.ToClient, client.ReadExactly(answer.ToClient.Length));
    }

    [Fact]
    public void A_client_that_does_not_read_stops_its_server()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SELECT a FROM t FOR UPDATE"));
        _ = server.Read();
        server.Send(new TwoSidedAnswer(Capabilities.DeprecateEof).Columns(1).FromBackend);
        AssertStops(server.Socket, Packet(3, new byte[60_000]));
    }

    [Fact]
    public void A_server_that_does_not_read_stops_its_client()
    {
        var (client, _) = _kit.LogIn();
        var packet = Packet(0, [3, .. new byte[PacketHeader.MaxPayload - 1]]);
        client.Send(packet.AsSpan(0, 100_000));
        AssertStops(client.Socket, packet.AsSpan(100_000, 100_000).ToArray());
    }

    public void Dispose() => _kit.Dispose();

    private static Func<Gtid, QuorumAnswer> AfterAFewLooks(QuorumAnswer answer)
    {
        var looks = 0;
        return _ => ++looks > 5 ? answer : QuorumAnswer.NotYet;
    }

    /// <summary>The other side stops reading long before this much.</summary>
    private static void AssertStops(Socket socket, byte[] packet)
    {
        socket.Blocking = false;
        var sent = 0;
        while (sent < 64 << 20 && socket.Poll(TimeSpan.FromSeconds(0.5), SelectMode.SelectWrite))
        {
            var now = socket.Send(packet, 0, packet.Length, SocketFlags.None, out var error);
            if (error is SocketError.Success)
                sent += now;
            if (now < packet.Length)
                packet = [.. packet[now..], .. packet[..now]]; // stays a row of whole packets
        }

        Assert.InRange(sent, 1, (64 << 20) - 1);
    }
}
