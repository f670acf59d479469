using System.Net;
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

    public void Dispose() => _kit.Dispose();

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
