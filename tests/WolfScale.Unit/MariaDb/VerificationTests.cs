using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.MariaDb;

namespace WolfScale.Unit.MariaDb;

/// <summary>Whose turn it is on a node, and for how long.</summary>
public sealed class VerificationTests : IAsyncDisposable
{
    private static readonly TimeSpan AlmostIdle = Verification.IdleLimit - TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private readonly FeedServer _feed;
    private readonly Verification _verification;

    public VerificationTests()
    {
        var log = new FakeLog();
        _feed = new FeedServer(new FeedOptions(), log, NullLoggerFactory.Instance);
        _verification = new Verification(new DatabaseOptions { DataDirectory = "", NodeId = "node-1" }, _feed, log, () => DatabasePhase.Following, _time);
    }

    [Fact]
    public async Task One_that_nobody_goes_on_with_makes_way()
    {
        _ = await _verification.PauseAsync("one");
        _time.Advance(AlmostIdle);
        _ = await Assert.ThrowsAsync<NotTakingPartException>(() => _verification.PauseAsync("two"));
        _time.Advance(AlmostIdle); // that another wants its place does not keep it
        _ = await _verification.PauseAsync("two");
    }

    [Fact]
    public async Task One_that_is_kept_does_not()
    {
        _ = await _verification.PauseAsync("one");
        for (var time = 0; time < 3; time++)
        {
            _time.Advance(AlmostIdle);
            await _verification.KeepAsync("one");
        }

        _ = await Assert.ThrowsAsync<NotTakingPartException>(() => _verification.PauseAsync("two"));
    }

    public async ValueTask DisposeAsync()
    {
        await _verification.DisposeAsync();
        await _feed.DisposeAsync();
    }
}
