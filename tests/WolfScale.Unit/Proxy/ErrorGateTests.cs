using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>What failed may have committed a part before, and the client may rely on that part.</summary>
public sealed class ErrorGateTests : IDisposable
{
    private const string Question = "\x03SELECT @@last_gtid";
    private const string Unknown = "08007";

    private static readonly byte[] Failure = [0xFF, 0x14, 0x05, .. "#45000the first half is done"u8];
    private static readonly byte[] Interrupted = [0xFF, 0x25, 0x05, .. "#70100Query execution was interrupted"u8];

    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public ErrorGateTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Theory]
    [InlineData("CALL p()")]
    [InlineData("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)")]
    [InlineData("DROP TABLE a, missing")]
    [InlineData("INSERT INTO not_transactional VALUES (1), (1)")]
    public void An_error_waits_until_the_quorum_holds_what_was_committed_before_it(string sql)
    {
        var holds = false;
        _kit.Quorum = gtid => Volatile.Read(ref holds) && gtid.Sequence == 42 ? QuorumAnswer.Held : QuorumAnswer.NotYet;
        var (client, server) = Failed(sql);
        server.SayRow("0-1-42");
        Assert.False(client.Socket.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead), "the error did not wait");
        Volatile.Write(ref holds, true);
        Assert.Equal(Failure, client.Read());
        Assert.Equal(1, client.LastSequence);
        Goes(client, server);
    }

    [Theory]
    [InlineData(QuorumAnswer.Gone)]
    [InlineData(QuorumAnswer.Lost)]
    public void An_error_whose_part_is_not_held_is_not_the_whole_truth(QuorumAnswer answer)
    {
        _kit.Quorum = _ => answer;
        var (client, server) = Failed("CALL p()");
        server.SayRow("0-1-42");
        Assert.Equal(Unknown, client.ReadText()[4..9]);
        client.Send(Query("SELECT 1")); // the session goes on, on a new connection
        Assert.Equal("\x03SELECT 1", _kit.Moved().ReadText());
    }

    /// <summary>As damaged as no server's.</summary>
    [Fact]
    public void An_error_without_a_code_is_no_reason_for_another()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("CALL p()"));
        _ = server.Read();
        server.Send(Packet(1, 0xFF));
        Assert.Equal(Question, server.ReadText());
        server.Send(Packet(1, Failure));
        Assert.Equal(Unknown, client.ReadText()[4..9]);
    }

    /// <summary>The first OK was true, and the client has it.</summary>
    [Fact]
    public void Behind_a_result_an_error_whose_part_is_not_held_ends_the_session()
    {
        _kit.Quorum = _ => QuorumAnswer.Gone;
        var (client, server) = _kit.LogIn();
        client.Send(Query("CALL p()"));
        _ = server.Read();
        server.Send([.. Packet(1, Ok(status: TwoSidedAnswer.More)), .. Packet(2, Failure)]);
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(Question, server.ReadText());
        server.SayRow("0-1-42");
        Assert.Equal((Unknown, 2), (client.ReadText()[4..9], client.LastSequence));
        client.ExpectEnd();
    }

    /// <summary>For a client with classic EOF the packet that the server leaves out comes before the error, and moves its number.</summary>
    [Fact]
    public void An_error_in_place_of_rows_is_passed_on_as_ever()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("CALL p()"));
        _ = server.Read();
        byte[] number = [3, (byte)'d', (byte)'e', (byte)'f', 0, 0, 0, 0, 0, 12, 63, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        server.Send([.. Packet(1, 1), .. Packet(2, number), .. Packet(3, Failure)]);
        Assert.Equal(Question, server.ReadText());
        server.SayRow("0-1-42");
        foreach (var expected in new byte[][] { [1], number, [0xFE, 0, 0, 2, 0], Failure })
            Assert.Equal(expected, client.Read());
        Assert.Equal(4, client.LastSequence);
        Goes(client, server);
    }

    /// <summary>A server that has turned its binary log off commits without a GTID. One step fails as a whole.</summary>
    [Theory]
    [InlineData("CALL p()", 1)]
    [InlineData("INSERT INTO t VALUES (1)", 0)]
    public void Where_no_GTID_is_told_the_log_must_be_on_unless_it_was_one_step(string sql, int asked)
    {
        var (client, server) = Failed(sql);
        server.SayRow("");
        Assert.Equal(Failure, client.Read());
        Assert.Equal(asked, _kit.AskedWhetherItLogs);
        _kit.Logs = () => Task.FromResult(false);
        client.Send(Query("CALL q()"));
        while (server.ReadText() is var text && text != "\x03" + "CALL q()")
            server.SayRow("", "0,0,0"); // what the routine before has left behind
        server.Send(Packet(1, Failure));
        Assert.Equal(Question, server.ReadText());
        server.SayRow("");
        Assert.Equal(Unknown, client.ReadText()[4..9]);
    }

    /// <summary>KILL QUERY that comes late meets the proxy's question: it is asked again.</summary>
    [Fact]
    public void A_question_that_was_killed_is_asked_again()
    {
        var (client, server) = Failed("CALL p()");
        server.Send(Packet(1, Interrupted));
        Assert.Equal(Question, server.ReadText());
        server.SayRow("0-1-42");
        Assert.Equal(Failure, client.Read());
        Goes(client, server);
    }

    [Fact]
    public void A_leader_that_dies_before_the_answer_leaves_the_outcome_unknown()
    {
        var (client, server) = Failed("CALL p()");
        _kit.MovesAfter(server);
        Assert.Equal(Unknown, client.ReadText()[4..9]);
    }

    /// <summary>In the middle of XA no other statement is taken, and nothing commits; a password that has expired lets nothing be done.</summary>
    [Theory]
    [InlineData(1399, true)]
    [InlineData(1300, true)] // as the statement itself
    [InlineData(1105, false)]
    public void A_question_that_is_refused_tells_something_too(int code, bool passes)
    {
        var (client, server) = Failed("CALL p()");
        server.Send(Packet(1, [0xFF, (byte)code, (byte)(code >> 8), .. "#HY000no"u8]));
        if (passes)
            Assert.Equal(Failure, client.Read());
        else
            Assert.Equal(Unknown, client.ReadText()[4..9]);
    }

    [Theory]
    [InlineData("SELECT a FROM t")]
    [InlineData("KILL 5")]
    [InlineData("SET time_zone = 'x'")]
    public void What_cannot_have_committed_is_not_asked_for(string sql)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, Failure));
        Assert.Equal(Failure, client.Read());
        Goes(client, server);
    }

    /// <summary>There the leader's own proxy has asked.</summary>
    [Fact]
    public void Behind_another_nodes_proxy_nothing_is_asked()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false };
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, Failure));
        Assert.Equal(Failure, client.Read());
        Goes(client, server);
    }

    /// <summary>CREATE TABLE commits the open transaction and fails then. "It was rolled back, try again" would have it done twice.</summary>
    [Theory]
    [InlineData("CREATE TABLE there_already (a INT)", false, Unknown)]
    [InlineData("INSERT INTO t VALUES (1)", false, "40001")]
    [InlineData("CREATE TABLE there_already (a INT)", true, null)] // the server was asked, and there is no transaction
    public void A_transaction_that_an_error_may_have_ended_is_not_said_to_be_rolled_back(string sql, bool isAsked, string? state)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = isAsked };
        var (client, server) = _kit.LogIn();
        foreach (var statement in new[] { "BEGIN", "INSERT INTO t VALUES (1)" })
        {
            client.Send(Query(statement));
            _ = server.Read();
            server.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
            Assert.Equal(0, client.Read()[0]);
        }

        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, Failure));
        if (isAsked)
        {
            Assert.Equal(Question, server.ReadText());
            server.SayRow("0-1-42");
        }

        Assert.Equal(Failure, client.Read());
        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        if (state is null)
            Assert.Equal("\x03" + "DO 1", _kit.Moved().ReadText());
        else
            Assert.Equal(state, client.ReadText()[4..9]);
    }

    public void Dispose() => _kit.Dispose();

    private (RawPeer Client, RawPeer Server) Failed(string sql)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Failure));
        Assert.Equal(Question, server.ReadText());
        return (client, server);
    }

    private static void Goes(RawPeer client, RawPeer server)
    {
        client.Send(Query("SHOW WARNINGS"));
        Assert.Equal("\x03SHOW WARNINGS", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }
}
