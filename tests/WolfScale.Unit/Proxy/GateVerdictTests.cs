using System.Net;
using System.Net.Sockets;
using WolfScale.Protocol;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>The server has said OK, and the quorum does not stand by it.</summary>
public sealed class GateVerdictTests : IDisposable
{
    private const string Undone = "40001";
    private const string Unknown = "08007";

    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 100 });

    /// <summary>Of something that commits more than once, the first part may have been kept when the last was undone.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES (1)", Undone)]
    [InlineData("COMMIT", Undone)]
    [InlineData("CALL p()", Unknown)]
    [InlineData("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", Unknown)]
    [InlineData("CREATE TABLE t (a INT)", Unknown)]
    public void What_was_undone_certainly_did_not_happen_only_where_it_was_one_step(string sql, string state)
    {
        _kit.Quorum = _ => QuorumAnswer.Gone;
        Assert.Equal(state, Run(sql));
    }

    [Fact]
    public void What_became_of_it_is_not_waited_for_without_end()
    {
        _kit.Quorum = _ => QuorumAnswer.Lost;
        Assert.Equal(Unknown, Run("INSERT INTO t VALUES (1)"));
    }

    /// <summary>The first OK was true, and the client has it.</summary>
    [Fact]
    public void A_second_result_that_was_undone_ends_the_session()
    {
        _kit.Quorum = gtid => gtid.Sequence == 1 ? QuorumAnswer.Held : QuorumAnswer.Gone;
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"));
        _ = server.Read();
        server.Send([.. Packet(1, Ok(Gtid(1), TwoSidedAnswer.More)), .. Packet(2, Ok(Gtid(2)))]);

        Assert.Equal(0, client.Read()[0]);
        Assert.Contains(Unknown, client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(2, client.LastSequence);
        client.ExpectEnd();
    }

    /// <summary>A server that has turned its binary log off commits without a GTID, and nothing waits.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES (1)", 1)]
    [InlineData("CREATE TABLE t (a INT)", 0)]
    [InlineData("CALL p()", 0)]
    [InlineData("SELECT f()", 0)]
    [InlineData("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", 0)]
    public void What_may_have_committed_without_a_GTID_is_believed_where_the_log_is_on(string sql, byte changedRows)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, ChangedRows(changedRows)));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(1, _kit.AskedWhetherItLogs);

        _kit.Logs = () => Task.FromResult(false);
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, ChangedRows(changedRows)));
        Assert.Contains(Unknown, client.ReadText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE t SET a = 1 WHERE FALSE", 0)]
    [InlineData("SELECT 1 FOR UPDATE", 0)]
    [InlineData("COMMIT", 0)]
    [InlineData("SET SESSION sql_mode = ''", 0)]
    public void What_has_changed_nothing_is_believed_at_once(string sql, byte changedRows)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, ChangedRows(changedRows)));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(0, _kit.AskedWhetherItLogs);
    }

    /// <summary>Nothing commits before the end, and that is what must be logged.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES (1)", 1)]
    [InlineData("SELECT 1 FOR UPDATE", 0)]
    public void A_transaction_is_doubted_at_its_end_if_it_wrote(string sql, int asked)
    {
        _kit.Logs = () => Task.FromResult(false);
        var (client, server) = _kit.LogIn();
        foreach (var each in (string[])["BEGIN", sql])
        {
            client.Send(Query(each));
            _ = server.Read();
            server.Send(Packet(1, ChangedRows(1, InTransaction)));
            Assert.Equal(0, client.Read()[0]);
        }

        Assert.Equal(0, _kit.AskedWhetherItLogs);
        client.Send(Query("COMMIT"));
        _ = server.Read();
        server.Send(Packet(1, ChangedRows(0)));
        Assert.Equal(asked == 0 ? (byte)0 : (byte)0xFF, client.Read()[0]);
        Assert.Equal(asked, _kit.AskedWhetherItLogs);
    }

    /// <summary>The OK waits for the answer; without one it is not believed.</summary>
    [Fact]
    public void An_OK_waits_until_it_is_known_whether_the_server_logs()
    {
        var answer = new TaskCompletionSource<bool>();
        _kit.Logs = () => answer.Task;
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, ChangedRows(1)));
        Assert.False(client.Socket.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead), "the OK did not wait");
        answer.SetResult(true);
        Assert.Equal(0, client.Read()[0]);

        _kit.Logs = () => Task.FromException<bool>(new TimeoutException("no answer"));
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, ChangedRows(1)));
        Assert.Contains(Unknown, client.ReadText(), StringComparison.Ordinal);
    }

    public void Dispose() => _kit.Dispose();

    private const byte InTransaction = 1;

    /// <summary>An OK without a GTID.</summary>
    private static byte[] ChangedRows(byte rows, byte status = 2) => [0, rows, 0, status, 0, 0, 0];

    private static byte[] Gtid(int sequence) => TwoSidedAnswer.Variable("last_gtid", $"0-1-{sequence}");

    /// <returns>The SQLSTATE of the answer; the session goes on.</returns>
    private string Run(string sql)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, Ok(Gtid(42))));
        var answer = client.ReadText();
        Assert.Equal(1, client.LastSequence);
        return answer[4..9];
    }
}
