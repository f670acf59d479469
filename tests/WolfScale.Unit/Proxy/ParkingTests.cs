using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sessions;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Clients that say nothing give their connections away, and notice nothing of it.</summary>
public sealed class ParkingTests : IDisposable
{
    private const string Question = "\x03SELECT LAST_INSERT_ID(), @@wait_timeout";

    private const int IdleMs = 50_000;

    private readonly ShiftedTime _time = new();
    private readonly ProxyKit _kit;

    public ParkingTests()
    {
        _kit = new(new() { BindAddress = new(IPAddress.Loopback, 0), Loops = 1, PoolConnections = 1, PoolIdleMs = IdleMs }, _time);
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
        _kit.Accounts["other"] = _kit.Accounts["app"];
        _ = _kit.LogIn(); // whom the server greets: only then does the proxy know how servers do, and this client's password it has not seen
    }

    [Fact]
    public void One_connection_serves_many_clients_that_are_not_busy_at_the_same_time()
    {
        var (first, server, _) = Client();
        Parks(server);
        var (second, _) = Greeted();
        Assert.Equal(0, second.Read()[0]); // on the pooled connection
        Parks(server);
        foreach (var client in new[] { first, second, first })
        {
            client.Send(Query("UPDATE t SET a=1"));
            Assert.Equal("\x03UPDATE t SET a=1", server.ReadText());
            server.Send(Packet(1, 0, 0, 0, 2, 0, 0, 0));
            Assert.Equal(0, client.Read()[0]);
            Parks(server);
        }

        Assert.False(_kit.LeaderIsDialled);
    }

    [Fact]
    public void What_the_connection_knew_comes_along()
    {
        var (client, server, _) = Client();
        client.Send(Query("USE shop"));
        Answered(client, server, Packet(1, [0, 0, 0, 2, 0x40, 0, 0, 0, 7, 1, 5, 4, .. "shop"u8]));
        client.Send(Command(0x16, "INSERT INTO t (b) VALUES (7)"));
        Answered(client, server, Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        client.Send(Command(0x17, "\x01\0\0\0\0\x01\0\0\0"));
        Answered(client, server, Packet(1, 0, 1, 9, 2, 0, 0, 0)); // insert id 9
        Parks(server, insertId: "18446744073709551615", isKept: false); // with a schema it is of no use to others

        client.Send(Command(0x17, "\x01\0\0\0\0\x01\0\0\0"));
        var again = _kit.AcceptAtLeader();
        again.LetIn();
        foreach (var statement in new[] { "USE `shop`", "DO LAST_INSERT_ID(18446744073709551615)" })
        {
            Assert.Equal("\x03" + statement, again.ReadText());
            again.Send(Packet(1, Ok()));
        }

        Assert.Equal("\x16INSERT INTO t (b) VALUES (7)", again.ReadText());
        again.Send(Packet(1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        Assert.Equal("\x17\x06\0\0\0\0\x01\0\0\0", again.ReadText());
        again.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>The OK of these tells no id, and LAST_INSERT_ID() is another one all the same (MariaDB 10.11, measured).</summary>
    [Theory]
    [InlineData("CALL add_order()", "42", true)]
    [InlineData("LOAD DATA INFILE 'f' INTO TABLE t", "42", true)]
    [InlineData("DO LAST_INSERT_ID(42)", "42", true)]
    [InlineData("CALL add_nothing()", "0", false)]
    [InlineData("UPDATE t SET a=1", "42", false)] // of the client before
    public void An_id_that_no_OK_has_told_comes_along(string sql, string insertId, bool comes)
    {
        var (client, server, _) = Client();
        client.Send(Query(sql));
        Answered(client, server, Packet(1, 0, 0, 0, 2, 0, 0, 0));
        if (sql.StartsWith("CALL", StringComparison.Ordinal))
        {
            _kit.AwaitLook();
            _time.Shift(IdleMs + 1);
            Assert.StartsWith("\x03SET STATEMENT group_concat_max_len", server.ReadText(), StringComparison.Ordinal);
            server.SayRow("", "0,0,0");
        }

        Parks(server, insertId);
        client.Send(Query("UPDATE t SET a=2"));
        if (comes)
        {
            Assert.Equal("\x03" + $"DO LAST_INSERT_ID({insertId})", server.ReadText());
            server.Send(Packet(1, Ok()));
        }

        Assert.Equal("\x03UPDATE t SET a=2", server.ReadText());
    }

    /// <summary>It has nothing on any connection yet, and comes to one.</summary>
    [Theory]
    [InlineData("SELECT GET_LOCK('a', 1)")]
    [InlineData("PREPARE s FROM 'SELECT 1'")]
    [InlineData("CREATE TEMPORARY TABLE t (a INT)")]
    [InlineData("LOCK TABLES t READ")]
    public void A_parked_client_may_begin_with_what_ties_it(string sql)
    {
        var (client, server, _) = Client();
        Parks(server);
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server); // from here on it is tied
        client.Send(Query("DO 1"));
        Assert.Contains("cannot move", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>Its own proxy parks its clients; what that one keeps in its pool must have a server behind it.</summary>
    [Fact]
    public void Another_nodes_proxy_is_not_parked()
    {
        var hop = _kit.Connect();
        var login = LoginPacket.Read(LoginOf("app", ServerGreeting.Read(hop.Read()), ProxyKit.Everything).AsSpan(4));
        var writer = new PacketWriter { Sequence = 1 };
        login.WriteFor(writer, ProxyKit.Everything, login.Answer, NativePassword.PluginName, HopKind.ToLeader, first: true);
        hop.Send(writer.Written.Span);
        var server = _kit.AcceptAtLeader();
        server.LetIn();
        Assert.Equal(0, hop.Read()[0]);
        var (_, other, _) = Client();
        Parks(other); // which came later
        hop.Send(Query("DO 1"));
        Assert.Equal("\x03" + "DO 1", server.ReadText());
    }

    /// <summary>A bit of sql_mode that comes with the login, and goes with a reset.</summary>
    [Fact]
    public void IGNORE_SPACE_of_the_login_is_there_on_a_pooled_connection_and_not_after_a_reset()
    {
        var (client, server, _) = Client(capabilities: ProxyKit.Classic | Capabilities.IgnoreSpace);
        Parks(server);
        client.Send(Query("DO 1"));
        Assert.StartsWith("\x03SET SESSION sql_mode=CONCAT(@@sql_mode", server.ReadText(), StringComparison.Ordinal);
        server.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + "DO 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(0x1F));
        Assert.Equal("\x1F", server.ReadText());
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        var next = _kit.AcceptAtLeader();
        next.LetInAlone();
        Assert.Equal("\x03SET SESSION sql_mode=DEFAULT", next.ReadText());
    }

    /// <summary>The ids of statements are a connection's, and on another the same number may be another client's statement.</summary>
    [Fact]
    public void A_long_execution_waits_until_its_statement_is_prepared_on_the_connection_that_it_comes_to()
    {
        var (client, server, _) = Client();
        client.Send(Command(0x16, "INSERT INTO t (b) VALUES (?)"));
        Answered(client, server, Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        Parks(server);
        byte[] rest = new byte[100_000];
        client.Send(Packet(0, [0x17, 1, 0, 0, 0, .. rest]));

        Assert.Equal("\x16INSERT INTO t (b) VALUES (?)", server.ReadText());
        server.Send(Packet(1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        Assert.Equal([0x17, 6, 0, 0, 0, .. rest], server.Read());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>The server does not see the client any more, so its time-out is the proxy's to watch.</summary>
    [Fact]
    public void A_client_that_is_silent_for_longer_than_wait_timeout_is_let_go()
    {
        var (client, server, _) = Client();
        Parks(server, timeout: "0");
        client.ExpectEnd();
    }

    /// <summary>From the client's last word, not from when it was parked.</summary>
    [Fact]
    public void Silence_counts_from_the_last_word()
    {
        var (client, server, _) = Client();
        Parks(server, timeout: "60");
        _time.Shift(60_000 - IdleMs);
        client.ExpectEnd();
    }

    /// <summary>A timer of wait_timeout for each parking would stay for eight hours, with the session.</summary>
    [Fact]
    public async Task However_often_a_client_is_parked_the_loop_has_no_more_to_do_later()
    {
        var (client, server, _) = Client();
        var left = new List<int>();
        for (var i = 0; i < 20; i++)
        {
            Parks(server);
            client.Send(Query("DO 1"));
            Answered(client, server, Packet(1, 0, 0, 0, 2, 0, 0, 0));
            _kit.AwaitLook();
            left.Add(await _kit.Proxy.CountTimersAsync(LoopKit.Deadline));
        }

        Assert.InRange(left.TakeLast(5).Max(), 0, left.Take(5).Max());
    }

    /// <summary>On another connection it could not be prepared as it was: under the character set of the login, which has no name.</summary>
    [Fact]
    public void Who_has_prepared_something_before_SET_NAMES_keeps_its_connection()
    {
        var (client, server, _) = Client();
        client.Send(Command(0x16, "INSERT INTO t (b) VALUES (7)"));
        Answered(client, server, Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        client.Send(Query("SET NAMES utf8mb4"));
        byte[] changes = [.. TwoSidedAnswer.Variable("character_set_client", "utf8mb4"), .. TwoSidedAnswer.Variable("character_set_connection", "utf8mb4")];
        Answered(client, server, Packet(1, [0, 0, 0, 2, 0x40, 0, 0, 0, (byte)changes.Length, .. changes]));
        var (_, other, _) = Client();
        Parks(other); // which came later
        client.Send(Command(0x17, "\x01\0\0\0\0\x01\0\0\0"));
        Assert.Equal("\x17\x05\0\0\0\0\x01\0\0\0", server.ReadText());
    }

    [Theory]
    [InlineData(0x1F, 1)] // COM_RESET_CONNECTION
    [InlineData(3, 100_000)] // a text that is not kept
    public void A_command_that_must_see_the_connection_waits_for_one(byte code, int length)
    {
        var (client, server, _) = Client();
        Parks(server);
        var command = Command(code, new string(' ', length - 1));
        client.Send(command);
        Assert.Equal(command[4..], server.Read());
        server.Send(Packet(1, Ok()));
        if (code == 0x1F)
            server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
    }

    [Theory]
    [InlineData(0, 3)] // in a transaction
    [InlineData(1, 2)] // one warning
    public void Who_is_in_a_transaction_or_could_ask_for_warnings_keeps_its_connection(byte warnings, byte status)
    {
        var answer = Packet(1, 0, 0, 0, status, 0, warnings, 0);
        var (client, server, _) = Client();
        client.Send(Query("DO 1"));
        Answered(client, server, answer);
        var (_, other, _) = Client();
        Parks(other); // which came later
        client.Send(Query("DO 2"));
        Assert.Equal("\x03" + "DO 2", server.ReadText());
    }

    [Fact]
    public void A_parked_client_can_be_killed_by_its_own_account_only()
    {
        var (victim, server, id) = Client();
        Parks(server);
        var (stranger, strangersLeader, _) = Client("other");
        stranger.Send(Query($"KILL {id}"));
        Assert.Contains("Unknown thread id", stranger.ReadText(), StringComparison.Ordinal);
        Assert.Equal(0, strangersLeader.Socket.Available);

        var (killer, _) = Greeted();
        Assert.Equal(0, killer.Read()[0]);
        killer.Send(Query($"KILL {id}"));
        Assert.Equal(0, killer.Read()[0]);
        victim.ExpectEnd();
    }

    public void Dispose() => _kit.Dispose();

    /// <summary>The client gives its connection away.</summary>
    private void Parks(RawPeer server, string insertId = "0", string timeout = "28800", bool isKept = true)
    {
        _kit.AwaitLook(); // the loop has gone on: it knows that the client has its answer
        _time.Shift(IdleMs + 1);
        Assert.Equal(Question, server.ReadText());
        server.SayRow(insertId, timeout);
        if (!isKept)
        {
            Assert.Equal("\x01", server.ReadText());
            server.ExpectEnd();
            return;
        }

        Assert.Equal("\x1F", server.ReadText());
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
    }

    private static void Answered(RawPeer client, RawPeer server, byte[] answer)
    {
        _ = server.Read();
        server.Send(answer);
        Assert.Equal(0, client.Read()[0]);
    }

    private (RawPeer Client, RawPeer Server, uint Id) Client(string user = "app", Capabilities capabilities = ProxyKit.Classic)
    {
        var (client, id) = Greeted(user, capabilities);
        var server = _kit.AcceptAtLeader();
        server.LetIn();
        Assert.Equal(0, client.Read()[0]);
        return (client, server, id);
    }

    private (RawPeer Client, uint Id) Greeted(string user = "app", Capabilities capabilities = ProxyKit.Classic)
    {
        var client = _kit.Connect();
        var greeting = ServerGreeting.Read(client.Read());
        client.Send(LoginOf(user, greeting, capabilities));
        return (client, greeting.ConnectionId);
    }

    private static byte[] LoginOf(string user, ServerGreeting greeting, Capabilities capabilities)
    {
        var writer = new PacketWriter { Sequence = 1 };
        new LoginRequest { User = user, AuthResponse = NativePassword.Scramble("secret", greeting.Salt.Span), Capabilities = capabilities & ~Capabilities.ConnectWithDatabase }.Write(writer);
        return writer.Written.ToArray();
    }
}
