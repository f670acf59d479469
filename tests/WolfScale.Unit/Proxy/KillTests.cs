using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>What somebody has ended with KILL stays ended: its session is not moved, and its statement does not begin again.</summary>
public sealed class KillTests : IDisposable
{
    /// <summary>1095.</summary>
    private static readonly byte[] Refusal = [0xFF, 0x47, 0x04, .. "#HY000You are not owner of thread 7"u8];

    private static readonly byte[] Interrupted = [0xFF, 0x25, 0x05, .. "#70100Query execution was interrupted"u8];

    private readonly ProxyKit _kit = new();

    public KillTests()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false };
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
    }

    /// <summary>The client's next statement may reach the leader before the proxy has seen that the server has closed the connection.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_killed_session_does_not_connect_again_for_the_statement_after(bool asCommand)
    {
        var (victim, server) = _kit.LogIn();
        Kill(asCommand, Ok());
        victim.Send(Query("SELECT 1"));
        Assert.Equal("\x03SELECT 1", server.ReadText());
        server.Dispose();
        victim.ExpectEnd();
        Assert.False(_kit.LeaderIsDialled);
    }

    [Fact]
    public void A_session_whose_KILL_was_refused_moves_as_ever()
    {
        var (victim, server) = _kit.LogIn();
        Kill(asCommand: true, Refusal);
        _kit.AwaitLook(); // the refusal is passed on before the other session hears of it
        _kit.MovesAfter(server);
        victim.Send(Query("SELECT 1"));
        MovesTo("SELECT 1");
        Assert.Equal(0, victim.Read()[0]);
    }

    /// <summary>On another node, where this proxy does not hear of it: the server lives, and has closed one connection in the middle of a statement.</summary>
    [Fact]
    public void A_statement_that_was_killed_with_its_connection_does_not_begin_again_under_the_same_leader()
    {
        var (victim, server) = _kit.LogIn();
        victim.Send(Query("SELECT SLEEP(1000)"));
        Assert.Equal("\x03SELECT SLEEP(1000)", server.ReadText());
        server.Dispose();
        AssertMustNotWrite(_kit.Moved());
        victim.ExpectEnd();
    }

    [Fact]
    public void A_statement_that_was_lost_with_its_leader_begins_again()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SELECT SLEEP(1000)"));
        Assert.Equal("\x03SELECT SLEEP(1000)", server.ReadText());
        _kit.MovesAfter(server);
        MovesTo("SELECT SLEEP(1000)", isRepeated: true);
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>A driver cancels with the id of the greeting; who has another account has read the id in the new leader's list, where it is another client's.</summary>
    [Theory]
    [InlineData("app", "KILL HARD CONNECTION 70")]
    [InlineData("root", "KILL 7")]
    public void An_id_is_the_greetings_for_the_same_account_and_the_servers_for_others(string account, string sent)
    {
        _kit.Accounts["root"] = _kit.Accounts["app"];
        var (client, server) = _kit.LogIn();
        _kit.MovesAfter(server);
        client.Send(Query("SELECT 1"));
        var next = _kit.Moved(id: 70);
        Assert.Equal("\x03SELECT 1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        var (killer, killersServer) = _kit.LogIn(user: account);
        killer.Send(Query("KILL 7"));
        Assert.Equal("\x03" + sent, killersServer.ReadText());
    }

    /// <summary>On the next leader the number is somebody else's.</summary>
    [Fact]
    public void KILL_does_not_follow_to_another_leader()
    {
        var (killer, server) = _kit.LogIn();
        killer.Send(Command(0x0C, "\x08\0\0\0"));
        Assert.Equal("\x0C\x08\0\0\0", server.ReadText());
        _kit.MovesAfter(server);
        Assert.Contains("Unknown thread id", killer.ReadText(), StringComparison.Ordinal);
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>The number is one of the new leader's server; who is meant by it on the old one, where the killer's transaction is, nobody knows.</summary>
    [Fact]
    public void Who_is_held_by_a_server_that_leads_no_more_kills_nobody_there()
    {
        var (killer, server) = _kit.LogIn();
        killer.Send(Query("BEGIN"));
        _ = server.ReadText();
        server.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
        Assert.Equal(0, killer.Read()[0]);
        _kit.Current = _kit.Current with { Epoch = 2, Leader = _kit.LocalAddress };
        _kit.Elsewhere.Add(new RemoteClient(new ClientPlace(70, false), _ => { }));
        killer.Send(Query("KILL QUERY 17"));
        Assert.Contains("Unknown thread id", killer.ReadText(), StringComparison.Ordinal);
        Assert.Equal(0, server.Socket.Available);
    }

    /// <summary>KILL QUERY meets the proxy's own question: it is asked again, and what the client waits for is what was killed.</summary>
    [Fact]
    public void A_statement_that_is_killed_while_the_proxy_asks_for_it_is_not_executed()
    {
        const string question = "\x03SELECT IF(LENGTH(@`a`)";
        var (client, server) = _kit.LogIn();
        InsertBehindVariable(client, server);
        for (var i = 0; i < 3; i++)
        {
            Assert.StartsWith(question, server.ReadText(), StringComparison.Ordinal);
            if (i < 2)
                server.Send(Packet(1, Interrupted));
        }

        server.SayRow("1", "latin1", "latin1_swedish_ci", "31");
        Assert.Equal(Interrupted, client.Read());
        client.Send(Query("SELECT @a"));
        Assert.Equal("\x03SELECT @a", server.ReadText()); // what was set is known, and not asked for again
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        Assert.Equal("\x03SET @`a`=1", _kit.Moved().ReadText());
    }

    /// <summary>The leader is another node's proxy, which is told of KILL while nobody leads.</summary>
    [Fact]
    public void A_leaders_proxy_that_says_so_instead_of_answering_the_proxys_question_ends_the_session()
    {
        var (client, server) = _kit.LogIn();
        InsertBehindVariable(client, server);
        Assert.StartsWith("\x03SELECT IF(LENGTH(@`a`)", server.ReadText(), StringComparison.Ordinal);
        server.Send(Packet(1, [0xFF, 0x87, 7, .. "#70100WolfScale: KILL has ended the session"u8]));
        client.ExpectEnd();
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>What comes behind the answer is the proxy's alone: the client's next statement was not meant.</summary>
    [Fact]
    public void KILL_that_comes_after_the_answer_kills_nothing()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SET session_track_system_variables='autocommit'"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal("\x03SELECT @@session_track_system_variables", server.ReadText());
        server.Send(Packet(1, Interrupted));
        Assert.Equal("\x03SELECT @@session_track_system_variables", server.ReadText());
        server.SayRow("autocommit");
        server.AnswerPreparation();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        Assert.Equal("\x03INSERT INTO t VALUES (1)", server.ReadText());
    }

    public void Dispose() => _kit.Dispose();

    /// <summary>The proxy has to know the variable before it sends the INSERT.</summary>
    private static void InsertBehindVariable(RawPeer client, RawPeer server)
    {
        client.Send(Query("SET @a = 1"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("INSERT INTO t VALUES (1)"));
    }

    private void Kill(bool asCommand, byte[] answer)
    {
        var (killer, server) = _kit.LogIn();
        killer.Send(asCommand ? Command(0x0C, "\x07\0\0\0") : Query("KILL 7")); // as the first client was greeted
        Assert.Equal(asCommand ? "\x0C\x07\0\0\0" : "\x03KILL 7", server.ReadText());
        server.Send(Packet(1, answer));
        Assert.Equal(answer[0], killer.Read()[0]);
    }

    private static void AssertMustNotWrite(RawPeer server)
    {
        Assert.Equal("\x03SET SESSION tx_read_only=1", server.ReadText());
        server.Send(Packet(1, Ok()));
    }

    private void MovesTo(string sql, bool isRepeated = false)
    {
        var server = _kit.Moved();
        if (isRepeated)
            AssertMustNotWrite(server);
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
    }
}
