using System.Security.Cryptography;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Sessions on a follower's proxy: the leader elsewhere, reads on the node's own server.</summary>
public sealed class LocalReadTests : IDisposable
{
    private const string Read = "SELECT a FROM t";
    private readonly ProxyKit _kit = new();

    public LocalReadTests()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Local = _kit.LocalAddress };
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
    }

    /// <summary>The leader's server counts the time since its own last statement, and the client has been busy all the while.</summary>
    [Fact]
    public void A_time_out_on_the_leader_does_not_end_a_session_that_reads_elsewhere()
    {
        var (client, leader, local) = ReadsLocally();
        leader.Dispose();
        Ask(client, local);

        client.Send(Query("UPDATE t SET a=1"));
        var again = _kit.AcceptAtLeader();
        again.Greet();
        Assert.Contains("app", again.ReadText(), StringComparison.Ordinal);
        again.Sequence = 2;
        again.Say(Ok());
        again.AnswerPreparation();
        Assert.Equal("\x03UPDATE t SET a=1", again.ReadText());
        again.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void A_session_that_reads_elsewhere_can_be_killed_all_the_same()
    {
        var (client, leader, _) = ReadsLocally();
        var (killer, killersLeader) = _kit.LogIn();
        killer.Send(Query("KILL 7")); // as the first client was greeted
        Assert.Equal("\x03KILL 7", killersLeader.ReadText());
        leader.Dispose();
        client.ExpectEnd();
    }

    /// <summary>A client of which one read was answered by the local server, after the leader had answered the first: by then its account is known.</summary>
    private (RawPeer Client, RawPeer Leader, RawPeer Local) ReadsLocally()
    {
        var (client, leader) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        client.Send(Query(Read));
        var local = _kit.AcceptAtLocal();
        local.Greet();
        Assert.Contains("app", local.ReadText(), StringComparison.Ordinal);
        local.Sequence = 2;
        local.Say(Ok());
        local.AnswerPreparation();
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + Read, local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        return (client, leader, local);
    }

    private static void Ask(RawPeer client, RawPeer server)
    {
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    public void Dispose() => _kit.Dispose();
}
