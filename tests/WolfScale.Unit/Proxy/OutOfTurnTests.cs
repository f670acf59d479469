using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>A server says something while nobody has asked it.</summary>
public sealed class OutOfTurnTests : IDisposable
{
    private readonly ProxyKit _kit = new();

    /// <summary>Half of it would have been read over, and the other half have answered the next command.</summary>
    [Theory]
    [InlineData(9)]
    [InlineData(3)]
    public void What_is_not_an_error_ends_its_connection(int bytes)
    {
        var (client, server) = _kit.LogIn();
        server.Send(Packet(1, Ok()).AsSpan(0, bytes));
        server.ExpectEnd();
        client.Dispose();
    }

    /// <summary>As before it closes.</summary>
    [Fact]
    public void An_error_is_no_answer_to_what_comes_next()
    {
        var (client, server) = _kit.LogIn();
        server.Send(Packet(0, [0xFF, 0x87, 7, .. "#70100Connection was killed"u8]));
        server.Dispose();
        client.ExpectEnd();
    }

    public void Dispose() => _kit.Dispose();
}
