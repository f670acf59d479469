using System.Net;
using WolfScale.Proxy;

namespace WolfScale.Unit.Proxy;

/// <summary>proxy.max_connections.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly ProxyKit _kit = new(new ProxyOptions
    {
        BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, MaxConnections = 2, LoginTimeoutMs = 600_000, FailoverWaitMs = 600_000,
    });

    [Fact]
    public void One_client_more_is_refused_as_by_the_server_and_a_place_is_free_as_soon_as_one_goes()
    {
        var (first, _) = _kit.LogIn();
        var second = _kit.Connect(); // counts before it is logged in, too
        var server = _kit.AcceptAtLeader();
        for (var i = 0; i < 3; i++)
        {
            using var refused = _kit.Connect();
            Assert.Equal("\xFF\x10\x04#08004Too many connections", refused.ReadText());
            Assert.Equal(0, refused.LastSequence);
            refused.ExpectEnd();
        }

        first.Dispose();
        AwaitSessions(1);
        var (third, _) = _kit.LogIn();
        third.Dispose();
        second.Dispose(); // its server never said a word
        AwaitSessions(0);
        server.ExpectEnd();
        _ = _kit.LogIn();
    }

    public void Dispose() => _kit.Dispose();

    private void AwaitSessions(int count) => Assert.True(SpinWait.SpinUntil(() => _kit.Proxy.Sessions == count, TimeSpan.FromSeconds(20)), $"{_kit.Proxy.Sessions} sessions");
}
