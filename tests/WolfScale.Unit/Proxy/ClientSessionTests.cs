using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
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

    /// <summary>More than the proxy's buffer waits behind an OK that the quorum does not hold yet.</summary>
    [Fact]
    public void Rows_that_wait_behind_a_held_ok_follow_it()
    {
        var asked = 0;
        _kit.Quorum = _ => ++asked < 3 ? QuorumAnswer.NotYet : QuorumAnswer.Held;
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1); SELECT a FROM t FOR UPDATE"));
        _ = server.Read();

        var answer = new TwoSidedAnswer(ProxyKit.Classic);
        _ = answer.Ok(TwoSidedAnswer.More, hidden: LastGtid).Columns(1);
        for (var i = 0; i < 50; i++)
            _ = answer.Both(new byte[10_000]);
        server.Send(answer.EndOfRows().FromBackend);

        var expected = answer.ToClient;
        Assert.True(client.ReadExactly(expected.Length).AsSpan().SequenceEqual(expected));
    }

    /// <summary>Its OK was received, and the quorum decides what it is worth.</summary>
    [Fact]
    public void An_ok_counts_also_when_its_server_is_gone_before_the_quorum_has_answered()
    {
        _kit.Quorum = _ => QuorumAnswer.NotYet;
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, Ok(LastGtid)));
        server.Dispose();
        _kit.Quorum = AfterAFewLooks(QuorumAnswer.Held);

        Assert.Equal([0, 0, 0, 2, 0, 3, 0], client.Read());
    }

    /// <summary>A plugin may say several things in a row, and the network may bring them at once.</summary>
    [Fact]
    public void A_server_that_says_three_things_at_once_while_it_logs_in_is_heard_out()
    {
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet();
        _ = client.Read();
        client.Login(ProxyKit.Classic, "app");
        _ = server.Read();
        server.Send([.. Packet(2, 1, 3), .. Packet(3, 1, 4), .. Packet(4, 1, 5), .. Packet(5, Ok())]);
        server.AnswerPreparation();

        Assert.Equal([1, 3], client.Read());
        Assert.Equal([1, 4], client.Read());
        Assert.Equal([1, 5], client.Read());
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(5, client.LastSequence);
    }

    /// <summary>As MySqlConnector takes a connection out of its pool.</summary>
    [Fact]
    public void What_is_sent_behind_a_reset_is_answered_behind_it()
    {
        var (client, server) = _kit.LogIn();
        client.Send([.. Command(0x1F), .. Query("SET NAMES utf8mb4")]);
        Assert.Equal("\x1F", server.ReadText());
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);

        Assert.Equal("\x03SET NAMES utf8mb4", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void Commands_sent_ahead_are_executed_also_when_the_client_sends_nothing_more()
    {
        var (client, server) = _kit.LogIn();
        client.Send([.. Query("UPDATE t SET a=1"), .. Query("UPDATE t SET a=2"), .. Query("UPDATE t SET a=3")]);
        client.Socket.Shutdown(SocketShutdown.Send);
        for (var i = 1; i <= 3; i++)
        {
            Assert.Equal($"\x03UPDATE t SET a={i}", server.ReadText());
            server.Send(Packet(1, Ok()));
            Assert.Equal(0, client.Read()[0]);
        }

        client.ExpectEnd();
    }

    /// <summary>Half a packet and the end come in one edge, and no other follows.</summary>
    [Fact]
    public void A_client_that_ends_in_the_middle_of_a_command_is_let_go()
    {
        var (client, server) = _kit.LogIn();
        client.Send([9, 0, 0, 0, 3]);
        client.Socket.Shutdown(SocketShutdown.Send);
        client.ExpectEnd();
        server.ExpectEnd();
    }

    [Fact]
    public void A_server_that_ends_in_the_middle_of_an_answer_is_noticed()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();
        server.Send([9, 0, 0, 1, 0]);
        server.Socket.Shutdown(SocketShutdown.Send);
        Assert.Contains("Whether it did is not known", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>The view of the leader is a moment older, or younger, than what that node's proxy knows: nobody who logs in then is turned away.</summary>
    [Fact]
    public void A_login_that_comes_to_a_node_too_early_or_too_late_goes_on_to_the_leader()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false };
        var client = _kit.Connect();
        var early = _kit.AcceptAtLeader();
        early.Greet();
        _ = client.Read();
        client.Login(ProxyKit.Classic, "app");
        _ = early.Read();
        early.Send(Packet(2, [0xFF, 0x1D, 0x04, .. "#08S01WolfScale: no node accepts writes"u8]));

        var leader = _kit.AcceptAtLeader();
        leader.Greet();
        Assert.Contains("app", leader.ReadText(), StringComparison.Ordinal);
        leader.Sequence = 2;
        leader.Say(Ok());
        leader.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(2, client.LastSequence);
    }

    /// <summary>No client takes a second question for the first.</summary>
    [Fact]
    public void A_login_that_was_asked_for_its_password_already_hears_the_error()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false };
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet();
        _ = client.Read();
        client.Login(ProxyKit.Classic, "app");
        _ = server.Read();
        server.Send(Packet(2, [0xFE, .. "mysql_native_password\0"u8, .. new byte[20], 0]));
        Assert.Equal(0xFE, client.Read()[0]);
        client.Send(Packet(3, new byte[20]));
        _ = server.Read();
        server.Send(Packet(4, [0xFF, 0x1D, 0x04, .. "#08S01WolfScale: no node accepts writes"u8]));
        Assert.Equal(0xFF, client.Read()[0]);
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>Two leaders give the same id to two clients of one proxy: KILL must not hit the wrong one.</summary>
    [Fact]
    public void A_client_is_greeted_with_an_id_that_no_other_client_here_has()
    {
        var first = GreetedId();
        var second = GreetedId();

        Assert.Equal(7u, first); // as its server gave it
        Assert.NotEqual(first, second);

        uint GreetedId()
        {
            var client = _kit.Connect();
            _kit.AcceptAtLeader().Greet();
            return ServerGreeting.Read(client.Read()).ConnectionId;
        }
    }

    [Fact]
    public void A_balancer_that_is_trusted_tells_whose_connection_it_is_and_the_server_is_told()
    {
        using var kit = new ProxyKit(new() { BindAddress = new(IPAddress.Loopback, 0), Loops = 1, ProxyProtocolNetworks = [IPNetwork.Parse("127.0.0.0/8")], SendsProxyProtocol = true });
        var client = kit.Connect();
        client.Send("PROXY TCP4 192.0.2.1 127.0.0.1 50000 3307\r\n"u8);
        var server = kit.AcceptAtLeader();
        server.Greet();
        _ = client.Read();
        client.Login(ProxyKit.Classic, "app");

        Assert.Equal(
            "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\x7f\0\0\x01\xc3\x50", Encoding.Latin1.GetString(server.ReadExactly(26)));
        _ = server.ReadExactly(2); // the server's port
        server.Sequence = 2;
        Assert.Contains("app", server.ReadText(), StringComparison.Ordinal);
        server.Say(Ok());
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("SHOW WOLFSCALE STATUS"));
        Assert.Contains("Session_client\u000f192.0.2.1:50000", ReadAvailable(client), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_is_not_trusted_may_not_say_whose_connection_it_is()
    {
        var client = _kit.Connect();
        _kit.AcceptAtLeader().Greet();
        _ = client.Read();
        client.Send("PROXY TCP4 192.0.2.1 127.0.0.1 50000 3307\r\n"u8);
        Assert.Contains("proxy.proxy_protocol_networks", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    /// <summary>The rows of a result, up to its second EOF.</summary>
    private static string ReadAvailable(RawPeer client)
    {
        var text = new StringBuilder();
        for (var ends = 0; ends < 2;)
        {
            var packet = client.ReadText();
            _ = text.Append(packet);
            ends += packet[0] == 0xFE ? 1 : 0;
        }

        return text.ToString();
    }

    /// <summary>zlib both ways, in pieces that do not follow the packets' borders.</summary>
    [Fact]
    public void A_client_may_compress()
    {
        var (client, server) = _kit.LogIn(ProxyKit.Classic | Capabilities.Compress);
        var sql = "UPDATE t SET a='" + new string('x', 5_000) + "'";
        var command = Query(sql);
        client.Send(CompressedPiece(0, command.AsSpan(0, 1_000), compress: true));
        client.Send(CompressedPiece(1, command.AsSpan(1_000, 10), compress: false));
        client.Send(CompressedPiece(2, command.AsSpan(1_010), compress: true));
        Assert.Equal("\x03" + sql, server.ReadText());

        var answer = new TwoSidedAnswer(ProxyKit.Classic);
        _ = answer.Columns(1);
        for (var i = 0; i < 50; i++)
            _ = answer.Both(new byte[10_000]);
        server.Send(answer.EndOfRows().FromBackend);
        var plain = new MemoryStream();
        for (byte number = 3; plain.Length < answer.ToClient.Length; number++)
            Assert.Equal(number, ReadPiece(client, plain));
        Assert.True(plain.ToArray().AsSpan().SequenceEqual(answer.ToClient));
    }

    [Theory]
    [InlineData(5_000, 4_999)]
    [InlineData(5_000, 5_001)]
    public void A_compressed_packet_that_is_not_as_long_as_it_says_ends_the_session(int length, int said)
    {
        var (client, server) = _kit.LogIn(ProxyKit.Classic | Capabilities.Compress);
        var piece = CompressedPiece(0, new byte[length], compress: true);
        (piece[4], piece[5]) = ((byte)said, (byte)(said >> 8));
        client.Send(piece);
        client.ExpectEnd();
        server.ExpectEnd();
    }

    private static byte[] CompressedPiece(byte number, ReadOnlySpan<byte> plain, bool compress)
    {
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zlib.Write(plain);
        var body = compress ? packed.ToArray() : plain.ToArray();
        var before = compress ? plain.Length : 0;
        return [(byte)body.Length, (byte)(body.Length >> 8), (byte)(body.Length >> 16), number, (byte)before, (byte)(before >> 8), (byte)(before >> 16), .. body];
    }

    private static byte ReadPiece(RawPeer client, MemoryStream into)
    {
        var header = client.ReadExactly(7);
        var body = client.ReadExactly(header[0] | (header[1] << 8) | (header[2] << 16));
        if ((header[4] | header[5] | header[6]) == 0)
        {
            into.Write(body);
            return header[3];
        }

        using var zlib = new ZLibStream(new MemoryStream(body), CompressionMode.Decompress);
        zlib.CopyTo(into);
        return header[3];
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

    /// <summary>Nobody is logged in yet, and the server does not read: the proxy does not either.</summary>
    [Fact]
    public void A_client_that_floods_its_login_is_not_stored()
    {
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet();
        _ = client.Read();
        client.Login(ProxyKit.Classic, "app");
        AssertStops(client.Socket, Packet(3, new byte[60_000]));
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

    /// <summary>What is known of the first one's password opens no other server; what the change has told of the second one's does.</summary>
    [Fact]
    public void A_session_that_has_changed_its_user_reads_elsewhere_as_the_new_one()
    {
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
        _kit.Accounts["other"] = SHA1.HashData(SHA1.HashData("another"u8));
        _kit.Current = _kit.Current with { Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        client.Send(Packet(0, [0x11, .. "other\0"u8, 20, .. NativePassword.Scramble("another", Salt), 0, 45, 0, .. "mysql_native_password\0"u8]));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("SELECT 1")); // the account is looked up
        Assert.Equal("\x03SELECT 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(["other"], _kit.AskedAccounts);

        client.Send(Query("SELECT 1"));
        var local = _kit.AcceptAtLocal();
        local.Greet();
        var login = LoginRequest.Read(local.Read());
        Assert.Equal("other", login.User);
        Assert.Equal(NativePassword.Scramble("another", Salt), login.AuthResponse.ToArray());
    }

    /// <summary>The server forgets what the client wanted to hear of, and so does the proxy.</summary>
    [Fact]
    public void A_reset_brings_back_the_variables_that_a_client_hears_of_by_default()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SET session_track_system_variables='sql_mode'"));
        _ = server.Read();
        server.Send(Packet(1, Ok())); // a list that does not name itself is not reported
        Assert.Equal("\x03SELECT @@session_track_system_variables", server.ReadText());
        server.SayRow("sql_mode");
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("SET sql_mode='', time_zone='UTC'"));
        _ = server.Read();
        server.Send(Packet(1, Ok([.. TwoSidedAnswer.Variable("sql_mode", ""), .. TwoSidedAnswer.Variable("time_zone", "UTC")])));
        var chosen = client.ReadText();
        Assert.Contains("sql_mode", chosen, StringComparison.Ordinal);
        Assert.DoesNotContain("time_zone", chosen, StringComparison.Ordinal);
        client.Send(Command(0x1F));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);

        client.Send(Query("SET time_zone='UTC', sql_mode=''"));
        _ = server.Read();
        server.Send(Packet(1, Ok([.. TwoSidedAnswer.Variable("sql_mode", ""), .. TwoSidedAnswer.Variable("time_zone", "UTC")])));
        var heard = client.ReadText();
        Assert.Contains("time_zone", heard, StringComparison.Ordinal);
        Assert.DoesNotContain("sql_mode", heard, StringComparison.Ordinal);
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
