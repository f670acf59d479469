using System.Security.Cryptography;
using WolfScale.Proxy.Sql;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>A view that calls a function which writes: no text shows it, and nothing may be written twice.</summary>
public sealed class HiddenWriteTests : IDisposable
{
    private const string Read = "SELECT * FROM vw";

    private static readonly byte[] Refusal = [0xFF, 0x00, 0x07, .. "#25006Cannot execute statement in a READ ONLY transaction"u8];

    private readonly ProxyKit _kit = new();

    public HiddenWriteTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_reader_has_refused_to_write_is_not_sent_twice_to_leaders(bool isRefused)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, leader) = _kit.LogIn();
        Done(client, leader, Read); // the account is looked up
        client.Send(Query(Read));
        var local = _kit.AcceptAtLocal();
        local.LetIn();
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + Read, local.ReadText());
        local.Send(Packet(1, isRefused ? Refusal : [0xFF, 0x7A, 0x04, .. "#42S02no such table"u8]));
        Assert.Equal("\x03" + Read, leader.ReadText());
        _kit.MovesAfter(leader);
        if (isRefused)
            AssertUnknown(client);
        else
            AssertRepeatedAsRead(_kit.Moved());
    }

    /// <summary>There no reader warns: what the leader's own proxy sends again must not be able to write.</summary>
    [Fact]
    public void What_is_sent_again_and_would_write_may_have_been_written_before()
    {
        var (client, next) = ReadTwice();
        next.Send(Packet(1, Refusal));
        AssertUnknown(client);

        client.Send(Query("INSERT INTO t VALUES (1)")); // the session goes on, and may write
        var another = _kit.Moved();
        Assert.Equal("\x03INSERT INTO t VALUES (1)", another.ReadText());
    }

    [Fact]
    public void A_read_that_was_sent_again_leaves_a_session_that_may_write()
    {
        var (client, next) = ReadTwice();
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("INSERT INTO t VALUES (1)"));
        next.AnswerPreparation();
        Assert.Equal("\x03SET SESSION tx_read_only=0", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal("\x03INSERT INTO t VALUES (1)", next.ReadText());
    }

    /// <summary>GET_LOCK() on each node would be two locks: what is known of the server's views goes to the leader at once, prepared before it was known or not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_view_that_is_known_to_hide_something_is_read_on_the_leader(bool isPrepared)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, leader) = _kit.LogIn();
        Done(client, leader, Read); // the account is looked up
        if (isPrepared)
        {
            client.Send(Command(0x16, Read));
            Assert.Equal("\x16" + Read, leader.ReadText());
            leader.Send(Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
            _ = client.Read();
        }

        _kit.Views = HiddenViews.Among([("vw", "select get_lock('lk',0) AS `g`")]);
        client.Send(isPrepared ? Command(0x17, "\x01\0\0\0\0\x01\0\0\0") : Query(Read));
        Assert.False(_kit.WantsLocalRatherThan(leader));
        _ = leader.Read();
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(leader);
        client.Send(Query("DO 1"));
        Assert.Contains("user-level locks", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>CREATE VIEW is on its way to the server, and which views there are is not known before it has been read again.</summary>
    [Fact]
    public void While_views_may_have_changed_reads_are_the_leaders()
    {
        var (client, leader) = Following();
        _kit.Views = HiddenViews.None.AsOld();
        client.Send(Query(Read));
        Assert.False(_kit.WantsLocalRatherThan(leader));
        _ = leader.Read();
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.Views = HiddenViews.Among([]);
        client.Send(Query(Read));
        Assert.True(_kit.WantsLocalRatherThan(leader));
    }

    /// <summary>The read waits there until the server has CREATE VIEW, which the session must see: then it is another statement than when it was looked at.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_view_that_comes_while_its_read_waits_for_it_is_read_on_the_leader(bool isKnown)
    {
        var (client, leader) = Following();
        client.Send(Query("SET @wolfscale_gtid = '0-1-42'"));
        Assert.Equal(0, client.Read()[0]);
        _kit.ReadIndex = new(0, 1, 42);
        client.Send(Query(Read));
        var local = _kit.AcceptAtLocal();
        local.LetIn();
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.StartsWith("\x03SELECT MASTER_GTID_WAIT('0-1-42'", local.ReadText(), StringComparison.Ordinal);
        _kit.Views = isKnown ? HiddenViews.Among([("vw", "select get_lock('lk',0) AS `g`")]) : HiddenViews.None.AsOld();
        local.SayRow("0");
        Assert.Equal("\x03" + Read, leader.ReadText());
    }

    public void Dispose() => _kit.Dispose();

    private (RawPeer Client, RawPeer Leader) Following()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, leader) = _kit.LogIn();
        Done(client, leader, Read); // the account is looked up
        return (client, leader);
    }

    /// <summary>The answer to a read is lost with its leader, and the next one is asked.</summary>
    private (RawPeer Client, RawPeer Next) ReadTwice()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, server.ReadText());
        _kit.MovesAfter(server);
        var next = _kit.Moved();
        AssertRepeatedAsRead(next);
        return (client, next);
    }

    private static void AssertRepeatedAsRead(RawPeer next)
    {
        Assert.Equal("\x03SET SESSION tx_read_only=1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + Read, next.ReadText());
    }

    private static void AssertUnknown(RawPeer client) => Assert.Equal([0xFF, 1180 & 0xFF, 1180 >> 8], client.Read()[..3]);

    private static void Done(RawPeer client, RawPeer server, string sql)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }
}
