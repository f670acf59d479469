using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>
/// COM_STMT_SEND_LONG_DATA and COM_STMT_CLOSE have no answer. A client that gets one takes it for the answer to its next command, that command's answer for the one after it, and so on.
/// </summary>
public sealed class UnansweredCommandTests : IDisposable
{
    private const string OfFirst = "\x01\0\0\0";
    private const string Insert = "INSERT INTO t VALUES (?)";

    private static readonly byte[] Ahead = Command(0x18, OfFirst + "\0\0data");
    private static readonly byte[] Execution = Command(0x17, OfFirst + "\0\x01\0\0\0\0\x01\x0f\0");

    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public UnansweredCommandTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    /// <summary>The execution must not run by itself on the next leader, either.</summary>
    [Fact]
    public void That_the_transaction_is_lost_is_told_with_the_execution_and_not_with_the_parameters_sent_ahead()
    {
        var (client, server) = InTransaction();
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        client.Send([.. Ahead, .. Execution]);
        Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal);

        client.Send(Query("DO 1")); // begins again
        var next = _kit.Moved();
        Assert.Equal("\x03" + "DO 1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send([.. Ahead, .. Execution]);
        Assert.Equal("\x16" + Insert, next.ReadText());
        next.SayPrepared(6);
        Assert.Equal("\x18\x06\0\0\0\0\0data", next.ReadText());
        Assert.Equal(0x17, next.Read()[0]);
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void Another_command_behind_the_parameters_is_told_and_the_statement_is_not_executed_without_them()
    {
        var (client, server) = InTransaction();
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        client.Send([.. Ahead, .. Query("COMMIT")]);
        Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal);
        client.Send(Execution);
        Assert.Contains("sent ahead", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    /// <summary>Where it cannot be told in another way the session ends with it: then nothing comes behind.</summary>
    [Fact]
    public void Parameters_that_find_no_leader_end_the_session()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        _kit.Current = _kit.Current with { Epoch = 2, Leader = null };
        server.Dispose();
        _kit.AwaitLook();
        client.Send(Ahead);
        Assert.Contains("no node accepts writes", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    [Fact]
    public void Parameters_of_a_statement_that_the_next_leader_refuses_end_the_session()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        client.Send(Ahead);
        var next = _kit.Moved();
        Assert.Equal("\x16" + Insert, next.ReadText());
        next.Send(Packet(1, [0xFF, 0x7A, 0x04, .. "#42S02no such table"u8]));
        Assert.Contains("no such table", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    /// <summary>Another node leads, and the connection to the old leader stands: what is closed there need not be closed anywhere else.</summary>
    [Fact]
    public void A_statement_of_a_leader_that_is_none_any_more_is_closed_without_a_word()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        _kit.Current = _kit.Current with { Epoch = 2, Leader = _kit.LocalAddress, LeaderIsHere = false };
        client.Send([.. Command(0x19, OfFirst), .. Query("DO 1")]);
        var next = _kit.AcceptAtLocal();
        next.LetIn();
        Assert.Equal("\x03" + "DO 1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.True(server.Socket.Connected);
    }

    /// <summary>MariaDB's answer would be "Malformed communication packet"; a session does not go on behind it here.</summary>
    [Fact]
    public void An_execution_that_ends_early_ends_the_session()
    {
        var (client, _) = _kit.LogInPrepared(Insert);
        client.Send(Command(0x17, OfFirst));
        client.ExpectEnd();
    }

    public void Dispose() => _kit.Dispose(); // no defect in the log

    private (RawPeer Client, RawPeer Server) InTransaction()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        client.Send(Query("BEGIN"));
        _ = server.Read();
        server.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();
        server.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
        Assert.Equal(0, client.Read()[0]);
        return (client, server);
    }
}
