using WolfScale.Cluster.Runtime;

namespace WolfScale.Unit.Cluster;

public class CommitWaitersTests
{
    [Fact]
    public async Task C5_after_the_commit_LSN_has_fallen_nobody_is_told_by_what_was_committed_before()
    {
        long committed = 10;
        var waiters = new CommitWaiters(() => committed);
        await waiters.WaitAsync(10, TestContext.Current.CancellationToken);
        waiters.Committed(10);
        committed = 5; // rewound

        var waiting = waiters.WaitAsync(8, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);
        committed = 7;
        waiters.Committed(7);
        Assert.False(waiting.IsCompleted);
        committed = 9;
        waiters.Committed(9);
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }
}
