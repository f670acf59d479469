using System.Net.Sockets;
using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>A leader whose machine is frozen: nothing closes its connections, and nothing comes over them. Then another node leads.</summary>
public sealed class SilentLeaderTests : IDisposable
{
    private readonly ProxyKit _kit = new();

    public SilentLeaderTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Fact]
    public void A_write_that_waits_for_it_has_an_unknown_outcome_and_the_session_goes_on()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();

        AnotherLeads();

        Assert.Contains("Whether it did is not known", client.ReadText(), StringComparison.Ordinal);
        server.ExpectEnd();
        client.Send(Query("UPDATE t SET a=2"));
        var next = AcceptMoved();
        Assert.Equal("\x03UPDATE t SET a=2", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void A_read_that_waits_for_it_is_asked_of_the_new_leader()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SELECT a FROM t"));
        _ = server.Read();

        AnotherLeads();

        var next = AcceptMoved();
        Assert.Equal("\x03SET SESSION tx_read_only=1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal("\x03SELECT a FROM t", next.ReadText());
        var answer = new TwoSidedAnswer(ProxyKit.Classic).Columns(1).Both(1, 65).EndOfRows();
        next.Send(answer.FromBackend);
        Assert.Equal(answer.ToClient, client.ReadExactly(answer.ToClient.Length));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_transaction_is_rolled_back_also_when_its_statement_comes_later(bool sentBefore)
    {
        var (client, server) = _kit.LogIn();
        Begin(client, server);
        if (sentBefore)
            Insert(client, server);
        AnotherLeads();
        if (!sentBefore)
            Insert(client, server);

        Assert.Contains("the open transaction was rolled back", client.ReadText(), StringComparison.Ordinal);
        server.ExpectEnd();
    }

    [Fact]
    public void A_session_that_is_tied_to_it_is_given_up_too()
    {
        var (client, server) = _kit.LogIn();
        Run(client, server, "SELECT GET_LOCK('a', 1)");
        AnotherLeads();
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();

        Assert.Contains("Whether it did is not known", client.ReadText(), StringComparison.Ordinal);
        client.Send(Query("UPDATE t SET a=2"));
        Assert.Contains("cannot move", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    [Fact]
    public void A_client_that_waits_for_its_greeting_gets_the_new_leaders()
    {
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();

        AnotherLeads();

        _kit.AcceptAtLocal().Greet();
        Assert.Equal(10, client.Read()[0]);
        server.ExpectEnd();
    }

    /// <summary>So that idle sessions do not storm the new leader.</summary>
    [Fact]
    public void An_idle_session_stays_until_its_client_speaks()
    {
        var (idle, itsServer) = _kit.LogIn();
        var (client, server) = _kit.LogIn();
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();

        AnotherLeads();
        _ = client.Read(); // given up by now

        Assert.False(itsServer.Socket.Poll(TimeSpan.Zero, SelectMode.SelectRead), "the idle session's connection was closed");
        Assert.False(_kit.LocalIsDialled);
        idle.Send(Query("UPDATE t SET a=2"));
        Assert.Equal("\x03UPDATE t SET a=2", AcceptMoved().ReadText());
    }

    /// <summary>After a planned switchover the old leader knows what became of it, and says so a little later.</summary>
    [Fact]
    public void An_answer_that_comes_soon_after_counts()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();
        AnotherLeads();
        _kit.AwaitLook();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>It is confirmed by the new leader, and shown by the old one it would be old: that server gets no word of it.</summary>
    [Theory]
    [InlineData("START TRANSACTION", false, "rolled back")]
    [InlineData("START TRANSACTION", true, "rolled back")]
    [InlineData("SELECT GET_LOCK('a', 1)", false, "cannot move")]
    [InlineData("SELECT GET_LOCK('a', 1)", true, "cannot move")]
    public void A_strong_read_is_not_shown_by_a_leader_of_the_past_that_holds_the_session(string held, bool isLong, string hears)
    {
        var (client, server) = _kit.LogIn();
        var status = ServerStatus.AutoCommit | (held.StartsWith("START", StringComparison.Ordinal) ? ServerStatus.InTransaction : 0);
        Run(client, server, held, status);
        Run(client, server, "INSERT INTO t VALUES (0)", status);
        AnotherLeads();
        client.Send(Query($"SELECT /* wolfscale: strong */ a FROM t WHERE b='{new string('x', isLong ? 100_000 : 1)}'"));
        Assert.Contains(hears, client.ReadText(), StringComparison.Ordinal);
        server.ExpectEnd();
    }

    /// <summary>Somebody has confirmed it, and that is not the old leader: it is elected, and its server not open yet.</summary>
    [Fact]
    public void A_strong_read_is_not_shown_by_it_either_while_nobody_serves_yet()
    {
        var (client, server) = _kit.LogIn();
        Begin(client, server);
        _kit.Current = _kit.Current with { Epoch = 2, Leader = null, LeaderIsHere = false };
        client.Send(Query("SELECT /* wolfscale: strong */ a FROM t"));
        Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal);
        server.ExpectEnd();
    }

    /// <summary>Nothing was done in it yet, so it loses nothing.</summary>
    [Fact]
    public void A_strong_read_that_is_the_first_of_its_transaction_begins_it_again_where_it_is_confirmed()
    {
        var (client, server) = _kit.LogIn();
        Run(client, server, "START TRANSACTION", ServerStatus.AutoCommit | ServerStatus.InTransaction);
        AnotherLeads();
        client.Send(Query("SELECT /* wolfscale: strong */ a FROM t"));
        var next = AcceptMoved();
        Assert.Equal("\x03START TRANSACTION", next.ReadText());
        next.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
        Assert.Equal("\x03SELECT /* wolfscale: strong */ a FROM t", next.ReadText());
    }

    public void Dispose() => _kit.Dispose();

    /// <summary>With something done in it: else it would begin again elsewhere.</summary>
    private static void Begin(RawPeer client, RawPeer server)
    {
        Run(client, server, "START TRANSACTION", ServerStatus.AutoCommit | ServerStatus.InTransaction);
        Run(client, server, "INSERT INTO t VALUES (0)", ServerStatus.AutoCommit | ServerStatus.InTransaction);
    }

    private static void Insert(RawPeer client, RawPeer server)
    {
        client.Send(Query("INSERT INTO t VALUES (1)"));
        Assert.Equal("\x03INSERT INTO t VALUES (1)", server.ReadText());
    }

    private static void Run(RawPeer client, RawPeer server, string sql, ServerStatus status = ServerStatus.AutoCommit)
    {
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, Ok(status: status)));
        Assert.Equal(0, client.Read()[0]);
    }

    private void AnotherLeads() => _kit.Current = _kit.Current with { Epoch = 2, Leader = _kit.LocalAddress, LeaderId = "n2" };

    /// <summary>A session has moved to the new leader, and its statement comes next.</summary>
    private RawPeer AcceptMoved()
    {
        var next = _kit.AcceptAtLocal();
        next.LetIn();
        return next;
    }
}
