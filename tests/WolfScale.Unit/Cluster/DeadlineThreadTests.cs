using WolfScale.Cluster.Runtime;

namespace WolfScale.Unit.Cluster;

/// <summary>The thread that tells the core that its deadline has come.</summary>
public sealed class DeadlineThreadTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _fired = new(0);
    private long _nowMs;

    public void Dispose() => _fired.Dispose();

    [Fact]
    public async Task A_deadline_that_has_come_calls_back_once()
    {
        using var clock = new DeadlineThread(() => Volatile.Read(ref _nowMs), () => _fired.Release());
        _nowMs = 100;

        clock.Set(100);

        Assert.True(await _fired.WaitAsync(Limit));
        Assert.False(await _fired.WaitAsync(50));
    }

    [Fact]
    public async Task A_nearer_deadline_wakes_the_sleeper_of_a_far_one()
    {
        using var clock = new DeadlineThread(() => Volatile.Read(ref _nowMs), () => _fired.Release());
        clock.Set(3_600_000);
        Assert.False(await _fired.WaitAsync(50));

        clock.Set(0);

        Assert.True(await _fired.WaitAsync(Limit));
    }

    [Fact]
    public async Task The_callback_may_set_the_next_deadline()
    {
        DeadlineThread? clock = null;
        var left = 3;
        clock = new DeadlineThread(() => Volatile.Read(ref _nowMs), () =>
        {
            if (--left > 0)
                clock!.Set(0);
            else
                _fired.Release();
        });
        using (clock)
        {
            clock.Set(0);
            Assert.True(await _fired.WaitAsync(Limit));
        }
    }
}
