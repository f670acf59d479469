using System.Security.Cryptography;
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
        var (client, server) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, server.ReadText());
        _kit.MovesAfter(server);
        var next = _kit.Moved();
        AssertRepeatedAsRead(next);
        next.Send(Packet(1, Refusal));
        AssertUnknown(client);

        client.Send(Query("INSERT INTO t VALUES (1)")); // the session goes on, and may write
        var another = _kit.Moved();
        Assert.Equal("\x03INSERT INTO t VALUES (1)", another.ReadText());
    }

    [Fact]
    public void A_read_that_was_sent_again_leaves_a_session_that_may_write()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, server.ReadText());
        _kit.MovesAfter(server);
        var next = _kit.Moved();
        AssertRepeatedAsRead(next);
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("INSERT INTO t VALUES (1)"));
        next.AnswerPreparation();
        Assert.Equal("\x03SET SESSION tx_read_only=0", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal("\x03INSERT INTO t VALUES (1)", next.ReadText());
    }

    public void Dispose() => _kit.Dispose();

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
