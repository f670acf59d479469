using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>A client of a follower while the lead is given away: the leader's proxy has sent its command to no server and says so. The next leader gets it, whatever it is.</summary>
public sealed class NotLeaderTests : IDisposable
{
    private static readonly byte[] NotLeader = [0xFF, 0x0A, 0x05, .. "#HY000WolfScale: this node does not lead any more; nothing was executed"u8];

    private readonly ProxyKit _kit = new();

    public NotLeaderTests()
    {
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
        _kit.Current = _kit.Current with { LeaderIsHere = false };
    }

    [Theory]
    [InlineData("CALL p()")]
    [InlineData("SELECT f(a) FROM t")]
    [InlineData("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")]
    [InlineData("INSERT INTO t VALUES (1)")]
    [InlineData("SELECT GET_LOCK('a', 1)")]
    public void What_was_sent_to_no_server_is_sent_to_the_next_leader(string sql)
    {
        var (client, hop) = _kit.LogIn();
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, hop.ReadText());
        hop.Send(Packet(1, NotLeader)); // its connection may be open for a moment
        var next = _kit.Moved();
        Assert.Equal("\x03" + sql, next.ReadText());
        Assert.Equal(0, hop.Socket.Available);
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void So_is_a_bulk()
    {
        var (client, hop) = _kit.LogInPrepared("INSERT INTO t VALUES (?)");
        client.Send(Packet(0, 0xFA, 1, 0, 0, 0, 128, 0, 3, 0, 0, 7, 0, 0, 0));
        _ = hop.Read();
        hop.Send(Packet(1, NotLeader));
        var next = _kit.Moved();
        Assert.Equal("\x16INSERT INTO t VALUES (?)", next.ReadText());
        next.SayPrepared(6);
        Assert.Equal([0xFA, 6, 0, 0, 0, 128, 0, 3, 0, 0, 7, 0, 0, 0], next.Read());
    }

    /// <summary>Drivers' pools begin with it.</summary>
    [Fact]
    public void A_reset_is_done_on_the_next_leader()
    {
        var (client, hop) = _kit.LogIn();
        client.Send(Command(0x1F));
        Assert.Equal("\x1F", hop.ReadText());
        hop.Send(Packet(1, NotLeader));
        var next = _kit.Moved();
        Assert.Equal("\x1F", next.ReadText());
        next.Send(Packet(1, Ok()));
        next.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);

        _kit.MovesAfter(next);
        client.Send(Query("DO 1"));
        Assert.Equal("\x03" + "DO 1", _kit.Moved().ReadText()); // and nothing ties it
    }

    [Fact]
    public void A_transaction_is_lost()
    {
        var (client, hop) = _kit.LogIn();
        foreach (var sql in new[] { "BEGIN", "SELECT a FROM t" })
        {
            client.Send(Query(sql));
            _ = hop.Read();
            hop.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
            Assert.Equal(0, client.Read()[0]);
        }

        client.Send(Query("CALL p()"));
        _ = hop.Read();
        hop.Send(Packet(1, NotLeader));
        Assert.Equal("40001", client.ReadText()[4..9]);
    }

    /// <summary>A server's own words of that kind do not tell how much of a procedure was done before.</summary>
    [Fact]
    public void A_procedure_that_meets_a_server_which_is_closed_for_writes_is_not_sent_again()
    {
        var (client, hop) = _kit.LogIn();
        client.Send(Query("CALL p()"));
        _ = hop.Read();
        byte[] refusal = [0xFF, 0x0A, 0x05, .. "#HY000The MariaDB server is running with the --read-only option so it cannot execute this statement"u8];
        hop.Send(Packet(1, refusal));
        Assert.Equal(refusal, client.Read());
    }

    public void Dispose() => _kit.Dispose();
}
