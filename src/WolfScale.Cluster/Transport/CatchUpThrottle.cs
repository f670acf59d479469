namespace WolfScale.Cluster.Transport;

/// <summary>
/// Limits how fast one link sends batches that go through its thread (those a peer missed), so that a node that catches up does not take the
/// leader's disk and network from everybody else. Blocks the link's thread only.
/// </summary>
internal sealed class CatchUpThrottle(TimeProvider time, long bytesPerSecond)
{
    private long _windowStart = time.GetTimestamp();
    private long _spent;

    /// <summary>Waits until so many bytes may be sent.</summary>
    public void Spend(long bytes)
    {
        if (bytesPerSecond <= 0 || bytes == 0)
            return;
        var elapsed = time.GetElapsedTime(_windowStart);
        if (elapsed > TimeSpan.FromSeconds(1))
        {
            // What was not used is not saved up beyond a second.
            _windowStart = time.GetTimestamp();
            elapsed = TimeSpan.Zero;
            _spent = 0;
        }
        _spent += bytes;
        var due = TimeSpan.FromSeconds((double)_spent / bytesPerSecond) - elapsed;
        if (due <= TimeSpan.FromMilliseconds(1))
            return;
        using var pause = new ManualResetEventSlim();
        pause.Wait(due < TimeSpan.FromSeconds(1) ? due : TimeSpan.FromSeconds(1));
    }
}
