using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sessions;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>KILL of a client of a proxy without a node, and by one: the nodes know it by what that proxy says when it logs its client in.</summary>
public sealed class StandAloneKillTests : IDisposable
{
    private const string Read = "SELECT a FROM t";

    /// <summary>The client that proxy 3 has greeted with 17.</summary>
    private static readonly ClientOrigin Origin = new(3, 17);

    private readonly ConcurrentQueue<(string Part, bool Session)> _ended = new();
    private ProxyKit _kit = new();

    public StandAloneKillTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    /// <summary>It has moved to this leader, whose server knows it as 70.</summary>
    [Fact]
    public void A_leaders_node_knows_whom_a_connection_serves()
    {
        _ = _kit.OpenLeaderHop(Origin, id: 70);
        Assert.Equal([new ClientPlace(70, false, 3)], _kit.Proxy.FindClients(17, "app"));
        Assert.Empty(_kit.Proxy.FindClients(17, "root"));
        Assert.Empty(_kit.Proxy.FindClients(70, "app")); // so it is not known to anybody but the server

        var (killer, server) = _kit.LogIn();
        killer.Send(Query("KILL QUERY 17"));
        Assert.Equal("\x03KILL HARD QUERY 70", server.ReadText());
    }

    /// <summary>With pooled connections there it is another client's the next moment.</summary>
    [Fact]
    public void A_connection_that_changes_hands_serves_nobody_in_particular()
    {
        _ = _kit.OpenLeaderHop(new ClientOrigin(3, 0), id: 70);
        Assert.Empty(_kit.Proxy.FindClients(0, "app"));
    }

    /// <summary>On a reader's node, whose proxy logs in as the client; a read that has ended by then is not looked for.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_is_ended_on_the_server_where_it_runs(bool session)
    {
        var (proxy, own) = _kit.OpenReaderHop(Origin);
        Assert.Equal([new ClientPlace(0, false, 3)], _kit.Proxy.FindClients(17, "app"));
        _kit.Proxy.EndClients(17, "app", session: false); // it is idle
        proxy.Send(Query(Read));
        Assert.Equal("\x03" + Read, own.ReadText());
        Assert.Equal([new ClientPlace(0, true, 3)], _kit.Proxy.FindClients(17, "app"));

        _kit.Proxy.EndClients(17, "app", session);
        var killer = _kit.AcceptAtLocal();
        killer.LetInAlone();
        Assert.Equal("\x03KILL HARD QUERY 7", killer.ReadText());
        killer.Send(Packet(1, Ok()));
        killer.ExpectEnd();
        own.Send(Packet(1, Ok()));
        Assert.Equal(0, proxy.Read()[0]);
        if (session)
            ExpectWordOfIt(proxy);
        Assert.False(_kit.LocalIsDialled); // once
    }

    /// <summary>Its own proxy may have nothing else to see that by: who reads is not idle when the leader's server closes.</summary>
    [Fact]
    public void An_idle_readers_connection_tells_that_its_session_was_killed()
    {
        var (proxy, own) = _kit.OpenReaderHop(Origin);
        _kit.Proxy.EndClients(17, "app", session: true);
        ExpectWordOfIt(proxy);
        own.ReadToEnd();
    }

    /// <summary>The lead was given away, and with it its server's connection went; its own proxy keeps this one until its client speaks.</summary>
    [Fact]
    public void A_leaders_connection_without_a_server_tells_it_too()
    {
        var (proxy, server) = _kit.OpenLeaderHop(Origin);
        _kit.Current = _kit.Current with { Closings = 1 };
        server.Dispose();
        _kit.AwaitLook();
        _kit.Proxy.EndClients(17, "app", session: true);
        ExpectWordOfIt(proxy);
    }

    /// <summary>Another node leads, or none: on whoever's server the number of its connection means another, or nobody knows whose.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_connection_to_a_server_that_leads_no_more_tells_it_too(bool isIdle, bool anotherLeads)
    {
        var (proxy, server) = _kit.OpenLeaderHop(Origin);
        if (!isIdle)
        {
            proxy.Send(Query("DO SLEEP(1)"));
            Assert.Equal("\x03" + "DO SLEEP(1)", server.ReadText());
        }

        _kit.Current = _kit.Current with { Epoch = 2, Leader = anotherLeads ? _kit.LocalAddress : null, LeaderIsHere = false };
        _kit.Proxy.EndClients(17, "app", session: true);
        if (!isIdle)
        {
            _kit.AwaitLook();
            server.Send(Packet(1, Ok()));
            Assert.Equal(0, proxy.Read()[0]);
        }

        ExpectWordOfIt(proxy);
    }

    /// <summary>On a connection that ends without a word its proxy would see the leader's end, and go on with the next one.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_connection_whose_server_is_gone_with_the_answer_tells_it_too(bool holdsError)
    {
        var (proxy, server) = _kit.OpenLeaderHop(Origin);
        proxy.Send(Query("CALL p()"));
        Assert.Equal("\x03" + "CALL p()", server.ReadText());
        if (holdsError)
        {
            server.Send(Packet(1, [0xFF, 0x88, 0x13, .. "#45000half of it is done"u8]));
            Assert.Equal("\x03SELECT @@last_gtid", server.ReadText());
        }

        _kit.Current = _kit.Current with { Epoch = 2, Leader = _kit.LocalAddress, LeaderIsHere = false };
        _kit.Proxy.EndClients(17, "app", session: true);
        _kit.AwaitLook();
        server.Dispose();
        ExpectWordOfIt(proxy);
    }

    /// <summary>A statement that the leader's node holds back when it gives the lead away, and would send on to the next leader.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_the_leaders_node_holds_back_for_it_begins_on_the_next_leader_neither(bool session)
    {
        var (proxy, _) = _kit.OpenLeaderHop(Origin);
        _kit.Current = _kit.Current with { IsHandingOver = true };
        proxy.Send(Query("INSERT INTO t VALUES (1)"));
        _kit.AwaitLook();
        _kit.Current = _kit.Current with { Leader = null };
        _kit.Proxy.EndClients(17, "app", session);
        _kit.AwaitLook();
        _kit.Current = _kit.Current with { IsHandingOver = false, Epoch = 2, Leader = _kit.LocalAddress, LeaderIsHere = false };
        if (session)
            ExpectWordOfIt(proxy);
        else
            Assert.Contains("Query execution was interrupted", proxy.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>A statement that the leader's node itself holds back, while it gives the lead away.</summary>
    [Fact]
    public void What_the_leaders_node_holds_back_for_it_does_not_begin()
    {
        var (proxy, server) = _kit.OpenLeaderHop(Origin);
        _kit.Current = _kit.Current with { IsHandingOver = true };
        proxy.Send(Query("INSERT INTO t VALUES (1)"));
        _kit.AwaitLook();
        _kit.Proxy.EndClients(17, "app", session: false);
        _kit.AwaitLook();
        _kit.Current = _kit.Current with { IsHandingOver = false };
        Assert.Contains("Query execution was interrupted", proxy.ReadText(), StringComparison.Ordinal);
        proxy.Send(Query("DO 1"));
        Assert.Equal("\x03" + "DO 1", server.ReadText());
    }

    /// <summary>The numbers of a reader's server are its own; no client is greeted with them.</summary>
    [Fact]
    public void On_a_connection_to_a_reader_a_number_is_that_servers()
    {
        Has("leader", new ClientPlace(70, false));
        var (proxy, own) = _kit.OpenReaderHop(Origin);
        proxy.Send(Query("KILL HARD QUERY 17"));
        Assert.Equal("\x03KILL HARD QUERY 17", own.ReadText());
        Assert.Empty(_kit.AskedClients);
    }

    /// <summary>The leader's server has greeted that connection before it was known to be for reads; no client knows it by that.</summary>
    [Fact]
    public void The_number_of_a_connection_to_a_reader_is_somebody_elses_on_the_leader()
    {
        var (killer, server) = _kit.LogIn();
        var (proxy, own) = _kit.OpenReaderHop(Origin, id: 19);
        proxy.Send(Query(Read));
        _ = own.Read();
        killer.Send(Query("KILL QUERY 19"));
        Assert.Equal("\x03KILL QUERY 19", server.ReadText());
        Assert.False(_kit.LocalIsDialled);
    }

    /// <summary>With the right words anybody could make two of one.</summary>
    [Fact]
    public void Who_has_not_logged_in_is_served_by_nothing()
    {
        var (_, leader) = _kit.DialHop(HopKind.ToLeader, Origin, id: 70);
        _ = leader.Read();
        Assert.Empty(_kit.Proxy.FindClients(17, "app"));
    }

    /// <summary>The leader's node and the reader's know one part each.</summary>
    [Theory]
    [InlineData("KILL QUERY 17", null, false)]
    [InlineData("KILL 17", "KILL HARD CONNECTION 70", true)]
    public void What_several_nodes_know_of_one_client_is_one_clients(string sql, string? sent, bool endsSession)
    {
        Has("leader", new ClientPlace(70, false, 3));
        Has("reader", new ClientPlace(0, true, 3));
        var (killer, server) = _kit.LogIn();
        killer.Send(Query(sql));
        if (sent is not null)
        {
            Assert.Equal("\x03" + sent, server.ReadText());
            server.Send(Packet(1, Ok()));
        }

        Assert.Equal(0, killer.Read()[0]);
        Assert.Equal([("leader", endsSession), ("reader", endsSession)], _ended);
    }

    [Fact]
    public void Clients_of_two_proxies_with_one_id_are_two()
    {
        Has("one", new ClientPlace(70, false, 3));
        Has("other", new ClientPlace(71, false, 4));
        var (killer, _) = _kit.LogIn();
        killer.Send(Query("KILL 17"));
        Assert.Contains("several clients of this account", killer.ReadText(), StringComparison.Ordinal);
        Assert.Empty(_ended);
    }

    /// <summary>It has not come to this leader yet.</summary>
    [Fact]
    public void A_session_that_only_a_readers_node_knows_is_ended_by_that()
    {
        Has("reader", new ClientPlace(0, false, 3));
        var (killer, server) = _kit.LogIn();
        killer.Send(Query("KILL 17"));
        Assert.Equal(0, killer.Read()[0]);
        Assert.Equal([("reader", true)], _ended);
        killer.Send(Query("SELECT 1"));
        Assert.Equal("\x03SELECT 1", server.ReadText());
    }

    /// <summary>A proxy without a node cannot ask the nodes: the leader's does, where that proxy knows no such client of its own.</summary>
    [Fact]
    public void The_leaders_node_asks_for_its_clients()
    {
        Has("leader", new ClientPlace(71, false, 4));
        var (proxy, server) = _kit.OpenLeaderHop(Origin, id: 17); // by chance its own number here
        proxy.Send(Query("KILL QUERY 17"));
        Assert.Contains("several clients", proxy.ReadText(), StringComparison.Ordinal);

        Has("leader", new ClientPlace(80, false, 5), only: true);
        proxy.Send(Query("KILL QUERY 18"));
        Assert.Equal("\x03KILL HARD QUERY 80", server.ReadText());
        Assert.Equal([(17u, "app"), (18u, "app")], _kit.AskedClients);
    }

    /// <summary>Another node's proxy has asked already, and then means the server's own number. So does who says so.</summary>
    [Theory]
    [InlineData(false, "KILL QUERY 17")]
    [InlineData(true, "KILL QUERY 17 /* wolfscale: leader */")]
    public void Who_means_the_servers_own_number_gets_that(bool standsAlone, string sql)
    {
        Has("leader", new ClientPlace(70, false));
        var (proxy, server) = _kit.OpenLeaderHop(standsAlone ? Origin : null);
        proxy.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, proxy.Read()[0]);
        if (standsAlone)
        {
            var (client, itsServer) = _kit.LogIn();
            client.Send(Query(sql));
            Assert.Equal("\x03" + sql, itsServer.ReadText());
        }

        Assert.Empty(_kit.AskedClients);
    }

    /// <summary>The other end: it knows its own clients, and the leader's node is not to look for others of that number.</summary>
    [Fact]
    public void A_proxy_without_a_node_says_whom_it_serves_and_which_number_it_means()
    {
        StandAlone();
        var victim = LogIn(id: 17, out var origin);
        Assert.Equal(17u, origin.ClientId);
        var killer = LogIn(id: 18, out var other);
        Assert.Equal((origin.Proxy, 18u), (other.Proxy, other.ClientId));
        Assert.NotEqual(0ul, origin.Proxy);
        killer.Client.Send(Query("KILL QUERY 17"));
        Assert.Equal("\x03KILL HARD QUERY 17 /* wolfscale: leader */", killer.Server.ReadText());
        killer.Server.Send(Packet(1, Ok()));
        Assert.Equal(0, killer.Client.Read()[0]);
        killer.Client.Send(Query("KILL QUERY 19")); // whose it is, the leader's node knows
        Assert.Equal("\x03KILL QUERY 19", killer.Server.ReadText());
        _ = victim;
    }

    [Fact]
    public void With_pooled_connections_it_says_of_none_whom_it_serves()
    {
        StandAlone(poolConnections: 4);
        var (_, _, login) = BeginLogin(id: 7);
        Assert.Equal(0u, login.Origin!.Value.ClientId);
        Assert.NotEqual(0ul, login.Origin.Value.Proxy);
    }

    public void Dispose() => _kit.Dispose();

    private static void ExpectWordOfIt(RawPeer proxy)
    {
        Assert.Contains("KILL has ended the session", proxy.ReadText(), StringComparison.Ordinal);
        proxy.ExpectEnd();
    }

    private void StandAlone(int poolConnections = 0)
    {
        _kit.Dispose();
        _kit = new ProxyKit(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, StandsAlone = true, PoolConnections = poolConnections });
        _kit.Current = _kit.Current with { LeaderIsHere = false };
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
    }

    private (RawPeer Client, RawPeer Server, LoginPacket Login) BeginLogin(uint id)
    {
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Greet(id: id);
        _ = client.Read();
        client.Login(ProxyKit.Classic, "app");
        return (client, server, LoginPacket.Read(server.Read()));
    }

    private (RawPeer Client, RawPeer Server) LogIn(uint id, out ClientOrigin origin)
    {
        var (client, server, login) = BeginLogin(id);
        origin = login.Origin!.Value;
        server.Sequence = 2;
        server.Say(Ok());
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        return (client, server);
    }

    private void Has(string part, ClientPlace place, bool only = false)
    {
        if (only)
            _kit.Elsewhere.Clear();
        _kit.Elsewhere.Add(new RemoteClient(place, session => _ended.Enqueue((part, session))));
    }
}
