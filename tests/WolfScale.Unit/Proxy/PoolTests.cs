using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sql;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Connections that outlive their sessions.</summary>
public sealed class PoolTests : IDisposable
{
    private readonly ProxyKit _kit = new(new() { BindAddress = new(IPAddress.Loopback, 0), Loops = 1, PoolConnections = 2 });

    public PoolTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Fact]
    public void The_next_client_of_an_account_gets_the_connection_that_the_last_one_left()
    {
        var server = SecondClientLeaves();

        var (client, greeting) = Greeted();
        Login(client, greeting, "secret");
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("UPDATE t SET a=2"));
        Assert.Equal("\x03UPDATE t SET a=2", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>Under ANSI_QUOTES it is a lock that is taken, and the connection must not be given away.</summary>
    [Fact]
    public void Its_texts_are_read_as_its_server_reads_them()
    {
        var server = SecondClientLeaves(TwoSidedAnswer.Variable("sql_mode", "ANSI_QUOTES"));

        var (client, greeting) = Greeted();
        Login(client, greeting, "secret");
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("DO \"get_lock\"('a', 1)"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.Current = _kit.Current with { Epoch = 2 };
        server.Dispose();
        client.Send(Query("DO 1"));
        Assert.Contains("user-level locks", client.ReadText(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_password_does_not_get_it()
    {
        _ = SecondClientLeaves();

        var (client, greeting) = Greeted();
        Login(client, greeting, "wrong");
        var judge = _kit.AcceptAtLeader();
        judge.Greet();
        Assert.Contains("wolfscale_none", judge.ReadText(), StringComparison.Ordinal); // a plugin that makes every server ask
        judge.Sequence = 2;
        judge.Say([0xFE, .. "mysql_native_password\0"u8, .. Salt, 0]);
        Assert.Equal(0xFE, client.Read()[0]);
        client.Sequence = 3;
        client.Say(NativePassword.Scramble("wrong", Salt));
        Assert.Equal(NativePassword.Scramble("wrong", Salt), judge.Read());
        judge.Say([0xFF, 0x15, 0x04, .. "#28000Access denied"u8]);
        Assert.Contains("Access denied", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    [Fact]
    public void An_account_that_the_proxy_cannot_judge_is_logged_in_by_its_server()
    {
        _ = SecondClientLeaves();

        var (client, greeting) = Greeted();
        client.Login(ProxyKit.Classic, "other");
        _ = greeting;
        var server = _kit.AcceptAtLeader();
        server.Greet();
        _ = server.Read();
        server.Sequence = 2;
        server.Say([0xFE, .. "client_ed25519\0"u8, .. Salt]);
        Assert.Contains("client_ed25519", client.ReadText(), StringComparison.Ordinal);
        client.Sequence = 3;
        client.Say("a signature"u8);
        Assert.Equal("a signature", server.ReadText());
        server.Sequence = 4;
        server.Say(Ok());
        server.AnswerPreparation();
        Assert.Equal((0, 4), (client.Read()[0], client.LastSequence));
    }

    /// <summary>No reset takes it back, and the next client would have several statements in one text without having asked for it.</summary>
    [Fact]
    public void A_connection_whose_option_was_set_serves_nobody_else()
    {
        var (client, server) = PooledClient();
        client.Send(Command(0x1B, "\0\0"));
        Assert.Equal("\x1B\0\0", server.ReadText());
        server.Send(Packet(1, 0xFE, 0, 0, 2, 0));
        _ = client.Read();
        client.Send(Command(1));
        Assert.Equal("\x01", server.ReadText()); // quit, and not reset
    }

    /// <summary>What COM_RESET_CONNECTION cannot take back.</summary>
    [Fact]
    public void A_connection_that_has_chosen_a_schema_does_not_serve_one_that_has_none()
    {
        var (client, server) = FirstClient();
        client.Send(Query("USE other"));
        _ = server.Read();
        server.Send(Packet(1, Ok([1, 6, 5, .. "other"u8])));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(1));
        Assert.Equal("\x01", server.ReadText());
        server.ExpectEnd();
    }

    /// <summary>It stays (MariaDB 10.11, measured), and there is no statement for the one that a login gives.</summary>
    [Theory]
    [InlineData("SET ROLE r")]
    [InlineData("EXECUTE IMMEDIATE 'SET ROLE r'")]
    [InlineData("EXECUTE IMMEDIATE @sql")]
    [InlineData("PREPARE s FROM 'SET ROLE r'")]
    [InlineData("PREPARE s FROM @sql")]
    [InlineData("CALL sets_role()")]
    public void A_connection_that_was_given_a_role_serves_nobody_else(string sql)
    {
        _kit.Views = HiddenViews.Among([], [("sets_role", "BEGIN SET /* the */ ROLE r; END", "")]);
        var (client, server) = PooledClient();
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(0x1F)); // which does not take it back
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(1));
        Assert.Equal("\x01", server.ReadText());
        server.ExpectEnd();
    }

    /// <summary>The last client's schema stays with the connection.</summary>
    [Fact]
    public void The_next_client_is_in_the_schema_of_its_own_login()
    {
        _ = FirstClient();
        var (client, greeting) = Greeted();
        Login(client, greeting, "secret", "home");
        var server = _kit.AcceptAtLeader();
        server.LetIn();
        Assert.Equal("\x03USE `home`", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("USE other"));
        _ = server.Read();
        server.Send(Packet(1, Ok([1, 6, 5, .. "other"u8])));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(1));
        Assert.Equal("\x1F", server.ReadText());
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();

        (client, greeting) = Greeted();
        Login(client, greeting, "secret", "home");
        Assert.Equal("\x03USE `home`", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>
    /// KILL is on its way to the server, with the id of a connection whose client goes: the next client must not be hit by it. (Of which of the two the connection is when KILL arrives nobody knows.)
    /// </summary>
    [Fact]
    public void A_connection_that_KILL_is_under_way_for_serves_nobody_else()
    {
        var (victim, server) = PooledClient(out var greeting, id: 70);
        var (killer, killersGreeting) = Greeted();
        Login(killer, killersGreeting, "secret");
        var killers = _kit.AcceptAtLeader();
        killers.LetIn(71);
        Assert.Equal(0, killer.Read()[0]);
        killer.Send(Query($"KILL QUERY {greeting.ConnectionId}"));
        Assert.Equal("\x03KILL HARD QUERY 70", killers.ReadText());
        victim.Send(Command(1));
        Assert.Equal("\x01", server.ReadText());
        server.ExpectEnd();

        killers.Send(Packet(1, Ok())); // it may be used again then
        Assert.Equal(0, killer.Read()[0]);
        killer.Send(Command(1));
        Assert.Equal("\x1F", killers.ReadText());
    }

    /// <summary>KILL with the id of a greeting means that client, wherever it comes from: no later one may have it on the server.</summary>
    [Fact]
    public void A_connection_by_whose_id_a_client_knows_itself_serves_nobody_else()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = FirstClient();
        client.Send(Query("SELECT a FROM t")); // the account is looked up
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(1));
        Assert.Equal("\x01", server.ReadText());
        server.ExpectEnd();
    }

    [Fact]
    public void A_connection_whose_reset_is_refused_is_not_used_again()
    {
        var (client, server) = PooledClient();
        client.Send(Command(1));
        Assert.Equal("\x1F", server.ReadText());
        server.Send(Packet(1, [0xFF, 0x15, 0x04, .. "#HY000No"u8]));
        server.ExpectEnd();
    }

    /// <summary>The first client is greeted by the server: only then does the proxy know how servers greet.</summary>
    private (RawPeer Client, RawPeer Server) FirstClient() => _kit.LogIn();

    /// <summary>A client whose password the proxy has judged, and its new connection.</summary>
    private (RawPeer Client, RawPeer Server) PooledClient() => PooledClient(out _);

    private (RawPeer Client, RawPeer Server) PooledClient(out ServerGreeting greeting, uint id = 7)
    {
        _ = FirstClient();
        (var client, greeting) = Greeted();
        Login(client, greeting, "secret");
        var server = _kit.AcceptAtLeader();
        server.LetIn(id);
        Assert.Equal((0, 2), (client.Read()[0], client.LastSequence));
        return (client, server);
    }

    /// <returns>The server's end of the connection that waits for its next session.</returns>
    private RawPeer SecondClientLeaves(byte[]? reported = null)
    {
        var (client, server) = PooledClient();
        client.Send(Query("SET autocommit=0"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        _ = client.Read();
        client.Send(Command(1));
        Assert.Equal("\x1F", server.ReadText()); // reset, and not quit
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation(reported);
        return server;
    }

    private (RawPeer Client, ServerGreeting Greeting) Greeted()
    {
        var client = _kit.Connect();
        return (client, ServerGreeting.Read(client.Read()));
    }

    private static void Login(RawPeer client, ServerGreeting greeting, string password, string? schema = null)
    {
        var capabilities = schema is null ? ProxyKit.Classic & ~Capabilities.ConnectWithDatabase : ProxyKit.Classic | Capabilities.ConnectWithDatabase;
        var writer = new PacketWriter { Sequence = 1 };
        new LoginRequest { User = "app", AuthResponse = NativePassword.Scramble(password, greeting.Salt.Span), Capabilities = capabilities, Database = schema }.Write(writer);
        client.Send(writer.Written.Span);
    }

    public void Dispose() => _kit.Dispose();
}
