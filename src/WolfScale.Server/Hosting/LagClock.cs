namespace WolfScale.Server.Hosting;

/// <summary>Since when the local server has been behind the committed log.</summary>
internal sealed class LagClock(TimeProvider time)
{
    private long _behindSince;

    /// <summary>Notes whether it is behind now, and says for how many seconds it has been; 0 when it is not.</summary>
    public double Note(bool behind)
    {
        if (!behind)
        {
            Volatile.Write(ref _behindSince, 0);
            return 0;
        }

        var now = time.GetTimestamp();
        var since = Interlocked.CompareExchange(ref _behindSince, now, 0);
        return since == 0 ? 0 : Math.Round(time.GetElapsedTime(since, now).TotalSeconds, 3);
    }
}
