using WolfScale.MariaDb;

namespace WolfScale.Unit.MariaDb;

/// <summary>How the feed's thread sleeps, and what wakes it.</summary>
public sealed class FeedWaiterTests
{
    private static readonly TimeSpan Forever = TimeSpan.FromHours(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeLog _log = new() { CommitLsn = 1 };

    [Fact]
    public async Task The_commit_it_waits_for_wakes_it_and_an_earlier_one_does_not()
    {
        using var waiter = new FeedWaiter(_log, TimeProvider.System, CancellationToken.None);
        var waiting = OnThread(() => waiter.ForCommit(3, Forever));

        _log.Commit(2);
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(50)));

        _log.Commit(3);
        await waiting.WaitAsync(Limit);
    }

    [Fact]
    public async Task What_is_committed_already_is_not_waited_for()
    {
        using var waiter = new FeedWaiter(_log, TimeProvider.System, CancellationToken.None);
        await OnThread(() => waiter.ForCommit(1, Forever)).WaitAsync(Limit);
    }

    [Fact]
    public async Task A_nudge_ends_the_next_wait_too()
    {
        using var waiter = new FeedWaiter(_log, TimeProvider.System, CancellationToken.None);
        waiter.Nudge();
        await OnThread(() => waiter.ForNudge(Forever)).WaitAsync(Limit);
    }

    [Fact]
    public async Task The_end_of_the_feed_ends_the_wait()
    {
        using var stop = new CancellationTokenSource();
        using var waiter = new FeedWaiter(_log, TimeProvider.System, stop.Token);
        var waiting = OnThread(() => waiter.ForCommit(3, Forever));

        await stop.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting.WaitAsync(Limit));
    }

    private static Task OnThread(Action wait) => Task.Factory.StartNew(wait, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
