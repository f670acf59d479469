using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Before a planned switchover cuts connections, clients are to know what became of the writes that the server was sent.</summary>
public sealed class SettlingTests : IDisposable
{
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(1);

    private readonly ProxyKit _kit = new();

    [Fact]
    public async Task It_waits_until_a_write_is_answered()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        Assert.Equal("\x03INSERT INTO t VALUES (1)", server.ReadText());
        Assert.False(await _kit.Proxy.SettleAsync(TimeSpan.Zero, CancellationToken.None));

        var settled = _kit.Proxy.SettleAsync(Never, CancellationToken.None);
        server.Say(Ok());
        Assert.Equal(0, client.Read()[0]);
        Assert.True(await settled);
    }

    [Fact]
    public async Task It_does_not_wait_for_reads_nor_for_idle_sessions()
    {
        _ = _kit.LogIn();
        var (client, server) = _kit.LogIn();
        client.Send(Query("SELECT SLEEP(1000)"));
        Assert.Equal("\x03SELECT SLEEP(1000)", server.ReadText());
        Assert.True(await _kit.Proxy.SettleAsync(Never, CancellationToken.None));
    }

    public void Dispose() => _kit.Dispose();
}
