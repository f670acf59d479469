using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>KILL through one node's proxy of a client that another node's has greeted: both ends of it.</summary>
public sealed class KillElsewhereTests : IDisposable
{
    private const string Read = "SELECT a FROM t";

    /// <summary>1095.</summary>
    private static readonly byte[] Refusal = [0xFF, 0x47, 0x04, .. "#HY000You are not owner of thread 70"u8];

    private readonly ConcurrentQueue<bool> _ended = new();
    private readonly ProxyKit _kit = new();

    public KillElsewhereTests()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false };
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
    }

    /// <summary>It has moved: the leader's server knows it by another id, and 17 is somebody else there.</summary>
    [Theory]
    [InlineData("KILL QUERY 17", "KILL HARD QUERY 70", new[] { false }, new[] { false })]
    [InlineData("KILL SOFT CONNECTION 17", "KILL SOFT CONNECTION 70", new bool[0], new[] { true })]
    public void It_is_killed_on_the_leaders_server_by_the_id_that_it_has_there(string sql, string sent, bool[] before, bool[] ended)
    {
        Has(70);
        var (killer, server) = _kit.LogIn();
        killer.Send(Query(sql));
        Assert.Equal("\x03" + sent, server.ReadText());
        Assert.Equal(before, _ended); // whether he may end the session is for the server to say
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, killer.Read()[0]);
        Assert.Equal(ended, _ended);
        Assert.Equal((17u, "app"), Assert.Single(_kit.AskedClients));
    }

    /// <summary>By chance the killer was greeted with the same id. All that it has under way is the KILL; it may well want itself to end.</summary>
    [Fact]
    public void Of_two_with_one_id_a_query_is_ended_where_it_is_not_the_KILL()
    {
        Has(70);
        var (killer, server) = _kit.LogIn();
        killer.Send(Query("KILL QUERY 7"));
        Assert.Equal("\x03KILL HARD QUERY 70", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, killer.Read()[0]);
        killer.Send(Query("KILL 7"));
        Assert.Equal("\x03KILL 7", server.ReadText());
        Assert.Single(_kit.AskedClients);
    }

    /// <summary>As drivers without a text of their own for it send it.</summary>
    [Theory]
    [InlineData("\x01\x08\0\x11\0\0\0\0\0\0\0")]
    [InlineData("\x01\x03\0\x11\0\0\0")]
    [InlineData("\x01\x02\0\x11\0")]
    [InlineData("\x01\x01\0\x11")]
    [InlineData("\x01\xFD\0\u000217")]
    public void The_id_may_be_a_parameter(string parameter)
    {
        Has(70);
        var (killer, server) = _kit.LogInPrepared("KILL QUERY ?");
        killer.Send(Packet(0, [0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, .. Encoding.Latin1.GetBytes(parameter)]));
        Assert.Equal("\x03KILL HARD QUERY 70", server.ReadText());
    }

    /// <summary>The server that knows the statement gets it when it is meant, and has been sent no types.</summary>
    [Fact]
    public void A_parameters_type_is_remembered_for_the_next_execution()
    {
        Has(70);
        var (killer, server) = _kit.LogInPrepared("KILL QUERY ?");
        foreach (var rest in (string[])["\0\x01\x03\0\x11\0\0\0", "\0\0\x11\0\0\0"])
        {
            killer.Send(Packet(0, [0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0, .. Encoding.Latin1.GetBytes(rest)]));
            Assert.Equal("\x03KILL HARD QUERY 70", server.ReadText());
            server.Send(Packet(1, Ok()));
            Assert.Equal(0, killer.Read()[0]);
        }
    }

    [Fact]
    public void A_number_that_is_computed_is_the_servers_own()
    {
        Has(70);
        var (killer, server) = _kit.LogInPrepared("KILL QUERY ? + 1");
        killer.Send(Packet(0, [0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 17]));
        Assert.Equal(0x17, server.Read()[0]);
        Assert.Empty(_kit.AskedClients);
    }

    /// <summary>NULL, a date, a number that is cut off, a text that is none.</summary>
    [Theory]
    [InlineData("\x01\x01\x08\0")]
    [InlineData("\0\x01\x0C\0\x04\xE7\x07\x01\x01")]
    [InlineData("\0\x01\x08\0\x11")]
    [InlineData("\0\x01\xFD\0\u0002a7")]
    public void What_is_no_number_is_for_the_server_to_refuse(string rest)
    {
        Has(70);
        var (killer, server) = _kit.LogInPrepared("KILL QUERY ?");
        killer.Send(Packet(0, [0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0, .. Encoding.Latin1.GetBytes(rest)]));
        Assert.Equal(0x17, server.Read()[0]);
        Assert.Empty(_kit.AskedClients);
    }

    [Fact]
    public void Its_session_goes_on_where_the_server_refuses()
    {
        Has(70);
        var (killer, server) = _kit.LogIn();
        killer.Send(Command(0x0C, "\x11\0\0\0"));
        Assert.Equal("\x03KILL HARD CONNECTION 70", server.ReadText());
        server.Send(Packet(1, Refusal));
        Assert.Equal(Refusal, killer.Read());
        Assert.Empty(_ended);
    }

    /// <summary>The leader's server has nothing of it to end: its read is on its own node, or it has not come to this leader yet.</summary>
    [Theory]
    [InlineData("KILL QUERY 17", 70, true, false)]
    [InlineData("KILL QUERY 17", 0, true, false)]
    [InlineData("KILL 17", 0, false, true)]
    public void Its_own_node_ends_what_the_leader_does_not_have(string sql, uint connection, bool reads, bool endsSession)
    {
        Has(connection, reads);
        var (killer, server) = _kit.LogIn();
        killer.Send(Query(sql));
        Assert.Equal(0, killer.Read()[0]);
        Assert.Equal([endsSession], _ended);
        AssertNothingWasSent(killer, server);
    }

    /// <summary>With it all that it does ends, and the server is asked first. Whose connection to the leader is idle would read on, unless its proxy is told.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_session_that_never_moved_is_ended_by_the_server_and_by_its_proxy(bool reads)
    {
        Has(17, reads);
        var (killer, server) = _kit.LogIn();
        killer.Send(Query("KILL 17"));
        Assert.Equal("\x03KILL HARD CONNECTION 17", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, killer.Read()[0]);
        Assert.Equal([true], _ended);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_id_that_two_clients_know_themselves_by_kills_neither(bool bothElsewhere)
    {
        var (here, _) = _kit.LogIn(); // 7
        Has(70);
        if (bothElsewhere)
            Has(71);
        var (killer, server) = _kit.LogIn();
        killer.Send(Query(bothElsewhere ? "KILL 17" : "KILL 7"));
        Assert.Contains("several clients of this account", killer.ReadText(), StringComparison.Ordinal);
        Assert.Empty(_ended);
        AssertNothingWasSent(killer, server);
        here.Send(Query("SHOW WOLFSCALE STATUS"));
        Assert.Equal(2, here.Read()[0]);
    }

    /// <summary>As SHOW PROCESSLIST shows it, or as a client that has never moved knows it.</summary>
    /// <summary>The leader's proxy has greeted the client's with an id of its own, because another client has its server's.</summary>
    [Fact]
    public void An_id_of_this_proxys_own_is_translated_here()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = true };
        var (_, _) = _kit.LogIn();
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet(); // 7, as the first
        var own = BitConverter.ToUInt32(client.Read().AsSpan("\n5.5.5-10.11.19-MariaDB\0".Length));
        Assert.True(own >= 1 << 30);
        Has(own);
        var (killer, killersServer) = _kit.LogIn();
        killer.Send(Query("KILL QUERY 17"));
        Assert.Equal("\x03KILL HARD QUERY 7", killersServer.ReadText());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_id_that_is_right_on_the_leader_goes_there_as_it_is(bool isKnown)
    {
        if (isKnown)
            Has(17);
        var (killer, server) = _kit.LogIn();
        killer.Send(Query("KILL QUERY 17"));
        Assert.Equal("\x03KILL QUERY 17", server.ReadText());
    }

    /// <summary>While the others are asked the leader may go; its number is somebody else's on the next.</summary>
    [Fact]
    public void The_answer_does_not_outlive_the_statement()
    {
        Has(70);
        var (killer, server) = _kit.LogIn();
        for (var i = 0; i < 2; i++)
        {
            killer.Send(Query("KILL QUERY 17"));
            Assert.Equal("\x03KILL HARD QUERY 70", server.ReadText());
            server.Send(Packet(1, Ok()));
            Assert.Equal(0, killer.Read()[0]);
        }

        Assert.Equal(2, _kit.AskedClients.Count);
    }

    [Fact]
    public void A_client_is_found_by_its_greetings_id_and_its_account_alone()
    {
        var (client, server) = _kit.LogIn();
        Assert.Equal([new ClientPlace(7, false)], _kit.Proxy.FindClients(7, "app"));
        Assert.Empty(_kit.Proxy.FindClients(7, "root"));
        Assert.Empty(_kit.Proxy.FindClients(8, "app"));

        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        var next = _kit.Moved(id: 70);
        _ = next.ReadText();
        Assert.Equal([new ClientPlace(70, false)], _kit.Proxy.FindClients(7, "app"));
        Assert.Empty(_kit.Proxy.FindClients(70, "app"));
    }

    /// <summary>Who has only been greeted has no account that anybody could share.</summary>
    [Fact]
    public void Who_has_not_logged_in_is_not_found()
    {
        _ = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet(id: 30);
        var (killer, killersServer) = _kit.LogIn();
        Assert.Empty(_kit.Proxy.FindClients(30, "app"));
        killer.Send(Query("KILL 30"));
        Assert.Equal("\x03KILL 30", killersServer.ReadText());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_on_this_nodes_server_is_ended_there_under_its_clients_account(bool session)
    {
        var (client, local) = BeginsToRead();
        local.LetIn(id: 55);
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + Read, local.ReadText());
        Assert.Equal([new ClientPlace(7, true)], _kit.Proxy.FindClients(7, "app"));

        _kit.Proxy.EndClients(7, "root", session);
        _kit.Proxy.EndClients(7, "app", session);
        var killer = _kit.AcceptAtLocal();
        killer.Greet();
        Assert.Contains("app", killer.ReadText(), StringComparison.Ordinal);
        killer.Sequence = 2;
        killer.Say(Ok());
        Assert.Equal("\x03KILL HARD QUERY 55", killer.ReadText());
        killer.Send(Packet(1, Ok()));
        killer.ExpectEnd();
        if (session)
            client.ExpectEnd();
    }

    /// <summary>It has not come to the new leader yet, and the id that it had on the old one is somebody else's there.</summary>
    [Fact]
    public void A_client_of_a_server_that_leads_no_more_is_not_looked_for_on_the_leaders()
    {
        var (client, server) = _kit.LogIn();
        _kit.Current = _kit.Current with { Epoch = 2, Leader = _kit.LocalAddress };
        Assert.Equal([new ClientPlace(0, false)], _kit.Proxy.FindClients(7, "app"));
        _kit.Proxy.EndClients(7, "app", session: true);
        client.ExpectEnd();
        _ = server;
    }

    /// <summary>A busy machine takes its time to connect to the reader: what is not sent by then need not be sent at all.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_that_has_not_begun_does_not_begin(bool fromElsewhere)
    {
        var (client, local) = BeginsToRead();
        if (fromElsewhere)
        {
            _kit.Proxy.EndClients(7, "app", session: false);
        }
        else
        {
            var (killer, killersServer) = _kit.LogIn();
            killer.Send(Query("KILL QUERY 7"));
            Assert.Equal("\x03KILL QUERY 7", killersServer.ReadText());
        }

        _kit.AwaitLook();
        local.LetIn(id: 55);
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Contains("Query execution was interrupted", client.ReadText(), StringComparison.Ordinal);
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, local.ReadText()); // once
    }

    public void Dispose() => _kit.Dispose();

    /// <summary>A client whose read is for this node's server, which has not greeted yet.</summary>
    private (RawPeer Client, RawPeer Local) BeginsToRead()
    {
        _kit.Current = _kit.Current with { Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        client.Send(Query(Read)); // the account is looked up for it
        Assert.Equal("\x03" + Read, server.ReadText());
        server.Send(Packet(1, Ok()));
        _ = client.Read();
        client.Send(Query(Read));
        return (client, _kit.AcceptAtLocal());
    }

    private void Has(uint connection, bool reads = false) => _kit.Elsewhere.Add(new RemoteClient(new ClientPlace(connection, reads), _ended.Enqueue));

    /// <summary>What comes next on the killer's connection is his next statement.</summary>
    private static void AssertNothingWasSent(RawPeer killer, RawPeer server)
    {
        killer.Send(Query("SELECT 1"));
        Assert.Equal("\x03SELECT 1", server.ReadText());
    }
}
