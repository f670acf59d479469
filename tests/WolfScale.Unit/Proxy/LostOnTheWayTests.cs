using System.Net.Sockets;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>The leader dies while a long command or a file is on its way, or between two commands of a transaction: what the client hears is true, and it hears it in its turn.</summary>
public sealed class LostOnTheWayTests : IDisposable
{
    private const int Long = 400_000; // of which a half begins to pass
    private const ServerStatus Open = ServerStatus.AutoCommit | ServerStatus.InTransaction;

    private readonly ProxyKit _kit = new();

    public LostOnTheWayTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    /// <summary>What was done in it is gone, and the rest must not be done by itself.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_transaction_in_which_something_was_done_does_not_begin_again_for_a_command_that_is_not_kept(bool isLong)
    {
        var (client, server) = _kit.LogInPrepared("INSERT INTO t VALUES (?)");
        Say(client, server, "BEGIN", Open);
        Say(client, server, "INSERT INTO t VALUES (1)", Open);
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        if (isLong)
            client.Send(Insert(100_000));
        else
            client.Send(Command(0x1A, "\x01\0\0\0"));
        Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal);
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>The server has not had all of it, and a client listens when it has sent all of it.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES", false, "nothing was executed")]
    [InlineData("INSERT INTO t VALUES", true, "rolled back")]
    [InlineData("CALL p", false, "nothing was executed")] // and so has left nothing behind that would tie the session
    public void A_long_statement_whose_leader_dies_under_way_is_answered_behind_its_last_byte(string what, bool inTransaction, string told)
    {
        var (client, server) = _kit.LogIn();
        if (inTransaction)
            Say(client, server, "BEGIN", Open);
        var insert = Insert(Long, what);
        SendHalf(client, server, insert);
        Dies(server);
        client.Send(insert.AsSpan(Long / 2));
        Assert.Contains(told, client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(1, client.LastSequence);

        client.Send(Query("SELECT 1"));
        var next = _kit.Moved();
        Assert.Equal("\x03SELECT 1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>Somebody has ended it on purpose: the server lives.</summary>
    [Fact]
    public void A_session_that_is_killed_while_it_sends_ends_with_its_next_statement()
    {
        var (client, server) = _kit.LogIn();
        var insert = Insert(Long);
        SendHalf(client, server, insert);
        server.Dispose();
        client.Send(insert.AsSpan(Long / 2));
        Assert.Contains("nothing was executed", client.ReadText(), StringComparison.Ordinal);
        client.Send(Query("SELECT 1"));
        _ = _kit.Moved();
        client.ExpectEnd();
    }

    /// <summary>Too long for it: it says so and closes, and who sends the rest hears it.</summary>
    [Fact]
    public void What_a_server_says_before_it_closes_is_the_answer()
    {
        byte[] tooLong = [0xFF, 0x81, 0x04, .. "#08S01Got a packet bigger than 'max_allowed_packet' bytes"u8];
        var (client, server) = _kit.LogIn();
        var insert = Insert(Long);
        SendHalf(client, server, insert);
        server.Send(Packet(1, tooLong));
        Dies(server);
        client.Send(insert.AsSpan(Long / 2));
        Assert.Equal(tooLong, client.Read());
        client.ExpectEnd();
    }

    /// <summary>No answer follows parameters that are sent ahead; the session cannot take them along.</summary>
    [Fact]
    public void Long_parameters_whose_leader_dies_under_way_are_not_answered()
    {
        var (client, server) = _kit.LogInPrepared("INSERT INTO t VALUES (?)");
        var data = Command(0x18, "\x01\0\0\0\0\0" + new string('x', Long));
        SendHalf(client, server, data);
        Dies(server);
        client.Send([.. data.AsSpan(Long / 2), .. Query("SELECT 1")]);
        Assert.Contains("sent ahead", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(1, client.LastSequence);
    }

    /// <summary>Pieces that the server does not take any more hold the client up; when it dies the client is read on.</summary>
    [Fact]
    public void Parameters_in_many_pieces_that_a_dying_server_does_not_take_are_not_waited_for_for_ever()
    {
        const int Most = 256 << 20;
        var (client, server) = _kit.LogInPrepared("INSERT INTO t VALUES (?)");
        byte[] piece = Command(0x18, "\x01\0\0\0\0\0" + new string('x', 60_000));
        var sent = 0;
        client.Socket.Blocking = false;
        while (sent < Most && client.Socket.Poll(TimeSpan.FromSeconds(1), SelectMode.SelectWrite))
            sent += client.Socket.Send(piece.AsSpan(sent % piece.Length)); // what was begun goes on
        client.Socket.Blocking = true;
        Assert.InRange(sent, piece.Length, Most - 1); // and now nobody takes any more
        Dies(server);
        Assert.Contains("sent ahead", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>Two packets, 0 and 1: whoever answers with another number than 2 is not understood.</summary>
    [Fact]
    public async Task The_answer_to_a_command_of_several_packets_has_the_number_behind_theirs()
    {
        var (client, server) = _kit.LogIn();
        byte[] first = [0xFF, 0xFF, 0xFF, 0, 3, .. "INSERT INTO t VALUES ('"u8, .. Enumerable.Repeat((byte)'x', PacketHeader.MaxPayload - 24)];
        byte[] second = [2, 0, 0, 1, (byte)'\'', (byte)')'];
        var sending = Task.Run(() => client.Send([.. first, .. second]), TestContext.Current.CancellationToken);
        Assert.Equal(first.Length + second.Length, server.ReadExactly(first.Length + second.Length).Length);
        await sending;
        Dies(server);
        Assert.Contains("not known", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(2, client.LastSequence);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_whose_leader_dies_is_answered_behind_its_end(bool isWhole)
    {
        var (client, server) = _kit.LogIn();
        AskForFile(client, server);
        client.Send(Packet(2, "1\n"u8));
        Assert.Equal("1\n"u8, server.Read());
        if (isWhole)
            EndFile(client, server);
        Dies(server);
        if (!isWhole)
            client.Send(Packet(3));
        Assert.Contains("not known", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(4, client.LastSequence);
    }

    /// <summary>The leadership under which it was loaded is over, and nobody says what became of it.</summary>
    [Fact]
    public void A_verdict_about_a_file_has_the_number_behind_it()
    {
        _kit.Quorum = _ => QuorumAnswer.Gone;
        var (client, server) = _kit.LogIn();
        AskForFile(client, server);
        EndFile(client, server, 2);
        server.Send(Packet(3, Ok(TwoSidedAnswer.Variable("last_gtid", "0-1-5"))));
        Assert.Contains("not known", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(3, client.LastSequence);
    }

    /// <summary>A prepared transaction is there for good, whoever leads: it is not rolled back, and waits for XA COMMIT or XA ROLLBACK.</summary>
    [Theory]
    [InlineData("XA PREPARE 'x'", "not known")]
    [InlineData("XA END 'x'", "rolled back")]
    public void A_prepared_transaction_is_not_said_to_be_rolled_back(string last, string told)
    {
        var (client, server) = _kit.LogIn();
        Say(client, server, "XA START 'x'", Open);
        Say(client, server, "UPDATE t SET a=1", Open);
        Say(client, server, last, Open);
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        client.Send(Query("XA COMMIT 'x'"));
        Assert.Contains(told, client.ReadText(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_transaction_after_a_prepared_one_is_lost_as_any_other()
    {
        var (client, server) = _kit.LogIn();
        Say(client, server, "XA START 'x'", Open);
        Say(client, server, "XA END 'x'", Open);
        Say(client, server, "XA PREPARE 'x'", Open);
        Say(client, server, "XA COMMIT 'x'", ServerStatus.AutoCommit);
        Say(client, server, "BEGIN", Open);
        Say(client, server, "UPDATE t SET a=1", Open);
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        client.Send(Query("COMMIT"));
        Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal);
    }

    public void Dispose() => _kit.Dispose();

    private static byte[] Insert(int length, string what = "INSERT INTO t VALUES") => Query($"{what} ('{new string('x', length)}')");

    private static void Say(RawPeer client, RawPeer server, string sql, ServerStatus status)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok(status: status)));
        Assert.Equal(0, client.Read()[0]);
    }

    private static void SendHalf(RawPeer client, RawPeer server, byte[] command)
    {
        client.Send(command.AsSpan(0, Long / 2));
        _ = server.ReadExactly(Long / 2);
    }

    private static void AskForFile(RawPeer client, RawPeer server)
    {
        client.Send(Query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t"));
        _ = server.Read();
        server.Send(Packet(1, [0xFB, (byte)'f']));
        Assert.Equal(0xFB, client.Read()[0]);
    }

    private static void EndFile(RawPeer client, RawPeer server, byte number = 3)
    {
        client.Send(Packet(number));
        Assert.Empty(server.Read());
    }

    /// <summary>And the proxy has seen it.</summary>
    private void Dies(RawPeer server)
    {
        _kit.Current = _kit.Current with { Epoch = 2 };
        server.Dispose();
        Assert.True(SpinWait.SpinUntil(() => !_kit.LostAddresses.IsEmpty, TimeSpan.FromSeconds(20)), "the proxy does not see that the connection is gone");
    }
}
