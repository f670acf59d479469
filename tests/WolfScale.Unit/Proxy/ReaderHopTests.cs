using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sessions;
using WolfScale.Proxy.Sql;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Reads on another node's server: both ends of the connection that carries them.</summary>
public sealed class ReaderHopTests : IDisposable
{
    private readonly ProxyKit _kit = new();
    private readonly TcpListener _second = new(IPAddress.Loopback, 0);

    public ReaderHopTests()
    {
        _second.Start();
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
    }

    /// <summary>The greeting was the leader's: the login is asked for again, with the salt of the server that is wanted.</summary>
    [Fact]
    public void A_node_serves_a_hop_to_a_reader_from_its_own_server()
    {
        var (proxy, own) = _kit.OpenReaderHop();

        proxy.Send(Query("SELECT a FROM t"));
        Assert.Equal("\x03SELECT a FROM t", own.ReadText());
        own.Send(Packet(1, Ok()));
        Assert.Equal(0, proxy.Read()[0]);
        Assert.Equal((0, 1), (_kit.Proxy.Counters.ToLeader, _kit.Proxy.Counters.LocalReads));
    }

    /// <summary>The proxy that asks knows of no views, and asks the leader then.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_view_that_hides_something_is_refused_to_a_hop(bool isPrepared)
    {
        var (proxy, own) = _kit.OpenReaderHop();
        if (isPrepared)
        {
            proxy.Send(Command(0x16, "SELECT * FROM vw"));
            _ = own.Read();
            own.Send(Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
            _ = proxy.Read();
        }

        _kit.Views = HiddenViews.Among([("vw", "select `f`() AS `x`")]);
        proxy.Send(isPrepared ? Command(0x17, "\x01\0\0\0\0\x01\0\0\0") : Query("SELECT * FROM vw"));
        Assert.Equal([0xFF, 1792 & 0xFF, 1792 >> 8], proxy.Read()[..3]);
        _kit.Views = _kit.Views.AsOld(); // and when nobody knows: any statement
        proxy.Send(isPrepared ? Command(0x17, "\x01\0\0\0\0\x01\0\0\0") : Query("SELECT * FROM other"));
        Assert.Equal([0xFF, 1105 & 0xFF, 1105 >> 8], proxy.Read()[..3]);
        _kit.Views = HiddenViews.None;
        proxy.Send(Query("SELECT a FROM t"));
        Assert.Equal("\x03SELECT a FROM t", own.ReadText());
    }

    /// <summary>The leader has nothing of it, and the proof is the right one at once.</summary>
    [Fact]
    public void The_next_one_from_the_same_host_is_greeted_by_the_nodes_own_server()
    {
        _ = _kit.OpenReaderHop();
        var proxy = _kit.Connect();
        var own = _kit.AcceptAtLocal();
        own.Greet();
        _ = proxy.Read();
        proxy.Send(HopLogin());
        Assert.Equal(NativePassword.Scramble("secret", Salt), LoginPacket.Read(own.Read()).Answer);
        own.Sequence = 2;
        own.Say(Ok());
        own.AnswerPreparation();
        Assert.Equal(0, proxy.Read()[0]);

        proxy.Send(Query("SELECT a FROM t"));
        Assert.Equal("\x03SELECT a FROM t", own.ReadText());
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>An application on the balancer's machine: its password is asked for by the leader's server, whatever the account's plugin.</summary>
    [Fact]
    public void A_client_from_there_reaches_the_leader_all_the_same()
    {
        _ = _kit.OpenReaderHop();
        var client = _kit.Connect();
        var own = _kit.AcceptAtLocal();
        own.Greet(id: 9);
        Assert.True(ServerGreeting.Read(client.Read()).ConnectionId >= 1 << 30); // 9 is another's on the leader
        client.Login(ProxyKit.Classic, "app");
        var leader = _kit.AcceptAtLeader();
        own.ReadToEnd();
        leader.Greet(salt: [.. "ABCDEFGHIJKLMNOPQRST"u8]);
        var login = LoginPacket.Read(leader.Read());
        Assert.Equal(("app", 0, "wolfscale_none", HopKind.ToLeader), (login.User, login.Answer.Length, login.Plugin, login.Hop));
        leader.Sequence = 2;
        leader.Say([0xFE, .. "client_ed25519\0"u8, .. "salt\0"u8]);
        Assert.Equal([0xFE, .. "client_ed25519\0"u8, .. "salt\0"u8], client.Read());
        client.Send(Packet((byte)(client.LastSequence + 1), [1, 2, 3]));
        Assert.Equal([1, 2, 3], leader.Read());
        Assert.Equal(3, leader.LastSequence);
        leader.Sequence = 4;
        leader.Say(Ok());
        leader.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(4, client.LastSequence);

        client = _kit.Connect(); // and the next one is greeted by it
        _ = _kit.AcceptAtLeader();
    }

    /// <summary>It waits for no leader.</summary>
    [Fact]
    public void Whoever_leads_it_reads_on()
    {
        var (client, leader) = _kit.LogIn();
        var (proxy, own) = _kit.OpenReaderHop();
        proxy.Send(Query("SELECT a FROM t"));
        _ = own.Read();
        client.Send(Query("UPDATE t SET a=1"));
        _ = leader.Read();
        _kit.Current = _kit.Current with { Epoch = 2, Leader = _second.LocalEndpoint };
        Assert.Contains("Whether it did is not known", client.ReadText(), StringComparison.Ordinal); // who waits for the old one does so no longer
        _kit.AwaitLook();

        own.Send(Packet(1, Ok()));
        Assert.Equal(0, proxy.Read()[0]);
    }

    [Fact]
    public void A_node_that_does_not_follow_refuses_it()
    {
        var (proxy, _) = _kit.DialHop();

        Assert.Contains("does not follow", proxy.ReadText(), StringComparison.Ordinal);
        proxy.ExpectEnd();
    }

    /// <summary>Promoted, rewound, too far behind: the other proxy hears it with its next statement and asks elsewhere.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_that_follows_no_more_ends_it(bool isPrepared)
    {
        var (proxy, own) = _kit.OpenReaderHop();
        if (isPrepared)
        {
            proxy.Send(Command(0x16, "SELECT a FROM t"));
            _ = own.Read();
            own.Send(Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
            _ = proxy.Read();
        }

        _kit.Current = _kit.Current with { Readers = [] };

        proxy.Send(isPrepared ? Command(0x17, "\x01\0\0\0\0\x01\0\0\0") : Query("SELECT a FROM t"));

        Assert.Contains("does not follow", proxy.ReadText(), StringComparison.Ordinal);
        proxy.ExpectEnd();
        own.ExpectEnd();
    }

    /// <summary>read_only does not stop every account.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES (1)")]
    [InlineData("DROP TABLE t")]
    [InlineData("CREATE USER u")]
    public void What_writes_gets_nowhere_on_it(string sql)
    {
        var (proxy, own) = _kit.OpenReaderHop();

        proxy.Send(Query(sql));

        Assert.Contains("nothing was executed", proxy.ReadText(), StringComparison.Ordinal);
        own.ExpectEnd();
    }

    [Fact]
    public void A_read_goes_to_a_reader_and_waits_there_once_for_what_the_session_wrote()
    {
        Followers(_kit.Local.Address);
        var (client, leader) = _kit.LogIn();
        Write(client, leader, "0-1-42");
        var reader = FirstRead(client, leader, awaits: "0-1-42");

        Read(client, reader); // no wait any more
        Write(client, leader, "0-1-43");
        client.Send(Query("SELECT 1"));
        Assert.Equal("\x03SELECT MASTER_GTID_WAIT('0-1-43', 0.1)", reader.ReadText());
        AnswerNumber(reader, "0");
        Assert.Equal("\x03SELECT 1", reader.ReadText());
        reader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>It is not another session's business to wait again for what was waited for.</summary>
    [Fact]
    public void What_a_reader_was_seen_to_have_is_known_to_all_sessions()
    {
        var readers = Followers(_kit.Local.Address);
        readers[0].See(42);
        var (client, leader) = _kit.LogIn();
        Write(client, leader, "0-1-42");

        _kit.ReadIndex = new Gtid(0, 1, 42);
        _ = FirstRead(client, leader);
    }

    [Fact]
    public void When_its_reader_is_gone_the_read_is_the_leaders_and_the_next_one_anothers_who_must_have_caught_up()
    {
        var readers = Followers(_kit.Local.Address, _second.LocalEndpoint);
        readers[1].Load.IsSuspect = true; // the first reader is the first choice
        var (client, leader) = _kit.LogIn();
        var first = FirstRead(client, leader);
        readers[1].Load.IsSuspect = false;

        client.Send(Query("SELECT 1"));
        _ = first.Read();
        first.Dispose();
        Assert.Equal("\x03SELECT 1", leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal([readers[0].Address], _kit.LostAddresses);

        // What the first has shown the second may not have yet.
        _kit.ReadIndex = new Gtid(0, 1, 77);
        client.Send(Query("SELECT 1"));
        var second = AcceptSecond();
        LogInAtReader(second);
        Assert.Equal("\x03SELECT MASTER_GTID_WAIT('0-1-77', 0.1)", second.ReadText());
        AnswerNumber(second, "0");
        Assert.Equal("\x03SELECT 1", second.ReadText());
        second.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal([0, 1], readers.Select(r => r.Load.Connections));
    }

    [Fact]
    public void A_reader_whose_node_fell_silent_is_not_waited_for()
    {
        Followers(_kit.Local.Address);
        var (client, leader) = _kit.LogIn();
        var reader = FirstRead(client, leader);
        client.Send(Query("SELECT 1"));
        _ = reader.Read();

        _kit.Proxy.Abandon("n1");

        Assert.Equal("\x03SELECT 1", leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void When_a_reader_comes_a_session_of_the_fuller_one_changes_over()
    {
        var readers = Followers(_kit.Local.Address);
        var (client, leader) = _kit.LogIn();
        var first = FirstRead(client, leader);
        readers[0].Load.Enter(); // another session's
        _kit.Current = _kit.Current with { Readers = [.. readers, Reader("n2", _second.LocalEndpoint)], ReadersVersion = 1 };

        _kit.ReadIndex = new Gtid(0, 1, 77);
        client.Send(Query("SELECT 1"));

        var second = AcceptSecond();
        LogInAtReader(second);
        first.ExpectEnd();
        Assert.Equal("\x03SELECT MASTER_GTID_WAIT('0-1-77', 0.1)", second.ReadText()); // the first may have shown what this one has not
    }

    public void Dispose()
    {
        _kit.Dispose();
        _second.Dispose();
    }

    /// <summary>Its node tells it where the session was killed through another proxy; the next read may have been on its way to it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reader_that_says_that_the_session_was_killed_ends_it(bool insteadOfAnAnswer)
    {
        _ = Followers(_kit.Local.Address);
        var (client, leader) = _kit.LogIn();
        var reader = FirstRead(client, leader);
        if (insteadOfAnAnswer)
        {
            client.Send(Query("SELECT 1"));
            Assert.Equal("\x03SELECT 1", reader.ReadText());
        }

        reader.Send(Packet(0, [0xFF, 0x87, 7, .. "#70100WolfScale: KILL has ended the session"u8]));
        client.ExpectEnd();
    }

    /// <summary>The read waits there for what it must see, and KILL comes meanwhile.</summary>
    [Fact]
    public void A_reader_that_says_so_while_it_is_made_ready_ends_the_session_too()
    {
        _ = Followers(_kit.Local.Address);
        var (client, leader) = _kit.LogIn();
        Write(client, leader, "0-1-42");
        var reader = FirstRead(client, leader, awaits: "0-1-42");
        Write(client, leader, "0-1-43");
        client.Send(Query("SELECT 1"));
        Assert.Equal("\x03SELECT MASTER_GTID_WAIT('0-1-43', 0.1)", reader.ReadText());
        reader.Send(Packet(1, [0xFF, 0x87, 7, .. "#70100WolfScale: KILL has ended the session"u8]));
        client.ExpectEnd();
    }

    private static Reader Reader(string id, EndPoint address) => new(id, address, new ReaderLoad()) { IsHop = true };

    private static void AnswerNumber(RawPeer server, string value) =>
        server.Send(new TwoSidedAnswer(Capabilities.DeprecateEof).Columns(1).Both([(byte)value.Length, .. System.Text.Encoding.ASCII.GetBytes(value)]).EndOfRows().FromBackend);

    /// <summary>As another proxy logs in.</summary>
    private static void LogInAtReader(RawPeer reader)
    {
        reader.Greet();
        Assert.Equal(HopKind.ToReader, LoginPacket.Read(reader.Read()).Hop);
        reader.Sequence = 2;
        reader.Say([0xFE, .. "mysql_native_password\0"u8, .. "ABCDEFGHIJKLMNOPQRST\0"u8]);
        Assert.Equal(NativePassword.Scramble("secret", "ABCDEFGHIJKLMNOPQRST"u8), reader.Read());
        reader.Sequence = 4;
        reader.Say(Ok());
        reader.AnswerPreparation();
        Assert.Equal("\x03SELECT CONNECTION_ID()", reader.ReadText());
        AnswerNumber(reader, "99");
        Assert.Equal("\x03SET SESSION tx_read_only=1", reader.ReadText());
        reader.Send(Packet(1, Ok()));
    }

    private static void Read(RawPeer client, RawPeer server)
    {
        client.Send(Query("SELECT 1"));
        Assert.Equal("\x03SELECT 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    private static void Write(RawPeer client, RawPeer leader, string gtid)
    {
        client.Send(Query("UPDATE t SET a=1"));
        _ = leader.Read();
        leader.Send(Packet(1, Ok(TwoSidedAnswer.Variable("last_gtid", gtid))));
        Assert.Equal(0, client.Read()[0]);
    }

    private Reader[] Followers(params EndPoint[] addresses)
    {
        Reader[] readers = [.. addresses.Select((a, i) => Reader($"n{i + 1}", a))];
        _kit.Current = _kit.Current with { Readers = [.. readers] };
        return readers;
    }

    /// <summary>Reads go to the leader until the account's hash has come; and what the leader has shown the reader must have.</summary>
    private RawPeer FirstRead(RawPeer client, RawPeer leader, string? awaits = null)
    {
        if (awaits is not null && Gtid.TryParse(awaits, out var index))
            _kit.ReadIndex = index;
        for (client.Send(Query("SELECT 1")); !_kit.WantsLocalRatherThan(leader); client.Send(Query("SELECT 1")))
        {
            Assert.Equal("\x03SELECT 1", leader.ReadText());
            leader.Send(Packet(1, Ok()));
            Assert.Equal(0, client.Read()[0]);
        }

        var reader = _kit.AcceptAtLocal();
        LogInAtReader(reader);
        if (awaits is not null)
        {
            Assert.Equal($"\x03SELECT MASTER_GTID_WAIT('{awaits}', 0.1)", reader.ReadText());
            AnswerNumber(reader, "0");
        }

        Assert.Equal("\x03SELECT 1", reader.ReadText());
        reader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        return reader;
    }

    private RawPeer AcceptSecond()
    {
        Assert.True(_second.Server.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead), "nobody dialled");
        return new RawPeer(_second.AcceptSocket());
    }}
