using WolfScale.Protocol.Handshake;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>The server is gone when the client has had a part of its answer.</summary>
public sealed class BrokenAnswerTests : IDisposable
{
    private readonly ProxyKit _kit = new();

    /// <summary>Its bytes would be the rest of the row, and the application would have a row that nobody wrote.</summary>
    [Fact]
    public void Nothing_is_said_in_the_middle_of_a_row()
    {
        var (client, server) = Ask();
        var answer = new TwoSidedAnswer(Capabilities.DeprecateEof).Columns(1).FromBackend;
        server.Send([.. answer, .. Packet(4, new byte[60]).AsSpan(0, 20)]);
        server.Dispose();

        _ = client.ReadExactly(new TwoSidedAnswer(ProxyKit.Classic).Columns(1).ToClient.Length + 20);
        client.ExpectEnd();
    }

    /// <summary>With the number that is next: clients take nothing else.</summary>
    [Fact]
    public void Between_two_rows_the_client_hears_that_the_answer_broke_off()
    {
        var (client, server) = Ask();
        server.Send(new TwoSidedAnswer(Capabilities.DeprecateEof).Columns(1).Both(1, 65).FromBackend);
        server.Dispose();

        var rows = new TwoSidedAnswer(ProxyKit.Classic).Columns(1).Both(1, 65).ToClient;
        Assert.Equal(rows, client.ReadExactly(rows.Length));
        Assert.Contains("in the middle of its answer", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(RelayKit.Packets(rows)[^1].Sequence + 1, client.LastSequence);
        client.ExpectEnd();
    }

    /// <summary>Four bytes, with nothing behind them.</summary>
    [Fact]
    public void A_server_that_greets_with_nothing_is_not_understood()
    {
        var client = _kit.Connect();
        var server = _kit.AcceptAtLeader();
        server.Send(Packet(0));
        client.ExpectEnd();
        Assert.Empty(_kit.Defects);
    }

    public void Dispose() => _kit.Dispose();

    private (RawPeer Client, RawPeer Server) Ask()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SELECT a FROM t FOR UPDATE"));
        _ = server.Read();
        return (client, server);
    }
}
