using System.Net;
using System.Security.Cryptography;
using WolfScale.Proxy;
using WolfScale.Proxy.Sessions;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>How a server reads a session's texts may be set for all sessions, where no client says it: the proxy must read them in the same way.</summary>
public sealed class ReadingTests : IDisposable
{
    private const string Lock = "DO \"get_lock\"('a', 1)"; // under ANSI_QUOTES a function, else a string and a syntax error

    private static readonly byte[] AnsiQuotes = TwoSidedAnswer.Variable("sql_mode", "ANSI_QUOTES,STRICT_TRANS_TABLES");
    private static readonly byte[] Plain = TwoSidedAnswer.Variable("sql_mode", "STRICT_TRANS_TABLES");

    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public ReadingTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_sql_mode_of_the_servers_configuration_counts(bool ansi)
    {
        var (client, server) = _kit.LogIn(reported: ansi ? AnsiQuotes : Plain);
        Done(client, server, Lock);
        AssertTied(ansi, client, server);
    }

    /// <summary>What the client has set itself goes with it, and is reported there.</summary>
    [Fact]
    public void After_a_move_that_of_the_next_server_counts()
    {
        var (client, server) = _kit.LogIn(reported: Plain);
        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        var next = _kit.AcceptAtLeader();
        next.LetIn(reported: AnsiQuotes);
        Assert.Equal("\x03" + "DO 1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Done(client, next, Lock);
        AssertTied(true, client, next, epoch: 3);
    }

    [Fact]
    public void After_a_reset_the_servers_counts_again()
    {
        var (client, server) = _kit.LogIn(reported: AnsiQuotes);
        client.Send(Query("SET sql_mode=''"));
        _ = server.Read();
        server.Send(Packet(1, Ok(TwoSidedAnswer.Variable("sql_mode", ""))));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Command(0x1F));
        Assert.Equal(0x1F, server.Read()[0]);
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation(AnsiQuotes);
        Assert.Equal(0, client.Read()[0]);
        Done(client, server, Lock);
        AssertTied(true, client, server);
    }

    /// <summary>A follower's proxy asks through the leader's, and the answer to its very first statement tells it.</summary>
    [Fact]
    public void Another_nodes_proxy_is_told_too()
    {
        var proxy = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet();
        _ = proxy.Read();
        proxy.Send(RawPeer.HopLogin(HopKind.ToLeader));
        _ = server.Read();
        server.Sequence = 2;
        server.Say(Ok());
        server.AnswerPreparation(AnsiQuotes);
        Assert.Equal(0, proxy.Read()[0]);

        proxy.Send(Query("SET SESSION session_track_system_variables='*', sql_mode=@@sql_mode"));
        _ = server.Read();
        server.Send(Packet(1, Ok([.. TwoSidedAnswer.Variable("session_track_system_variables", "*"), .. AnsiQuotes])));
        Assert.Contains("ANSI_QUOTES", proxy.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>A server that does not do what its clients say (skip_character_set_client_handshake, init_connect) may take an ASCII byte for the half of a letter.</summary>
    [Theory]
    [InlineData("sjis", false)]
    [InlineData("latin1", false)] // the kit's clients say utf8mb4
    [InlineData("utf8mb4", true)]
    public void Where_the_character_set_is_not_the_clients_its_texts_are_the_leaders(string charset, bool readsLocally)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, leader) = _kit.LogIn(reported: TwoSidedAnswer.Variable("character_set_client", charset));
        Done(client, leader, "SELECT a FROM t"); // by its answer the account is known
        client.Send(Query("SELECT a FROM t"));
        Assert.Equal(readsLocally, _kit.WantsLocalRatherThan(leader));
    }

    /// <summary>Read they would be too long for a packet of the proxy's own.</summary>
    [Fact]
    public void Too_many_user_variables_at_once_tie_the_session_and_do_not_end_it()
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, "SET " + string.Join(',', Enumerable.Range(0, 3000).Select(i => $"@v{i}=1")));
        Done(client, server, "DO 1");
        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        Assert.Contains("user variables at once", client.ReadText(), StringComparison.Ordinal);
    }

    public void Dispose() => _kit.Dispose();

    private static void Done(RawPeer client, RawPeer server, string sql)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    private void AssertTied(bool isTied, RawPeer client, RawPeer server, int epoch = 2)
    {
        _kit.Current = _kit.Current with { Epoch = epoch };
        server.Dispose();
        client.Send(Query("DO 1"));
        if (isTied)
            Assert.Contains("user-level locks", client.ReadText(), StringComparison.Ordinal);
        else
            Assert.Equal("\x03" + "DO 1", _kit.Moved().ReadText());
    }
}
