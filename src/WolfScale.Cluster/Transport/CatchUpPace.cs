namespace WolfScale.Cluster.Transport;

/// <summary>
/// How fast members that are behind are sent what they missed, all of them together: as fast as they take it, unless the leader's own commits suffer.
/// <para>
/// What a commit takes while nobody catches up is the measure. While somebody does, the pace falls by a third as long as commits take noticeably longer than that, and rises slowly as long as
/// they do not, from the slowest on: what the two share (disk, network, cores) differs from machine to machine. Without commits there is nothing to spare, and it doubles.
/// Only what the quorum has long had is paced, see <see cref="PeerLink"/>: nothing that a commit may be waiting for.
/// </para>
/// </summary>
internal sealed class CatchUpPace(TimeProvider time)
{
    /// <summary>It always ends: a member that takes less than it is owed would never be in step. And a message of 1 MiB arrives well before a follower loses its patience.</summary>
    public const long SlowestBytesPerSecond = 4 << 20;

    public const long FastestBytesPerSecond = 1L << 30;

    /// <summary>Commits may take so much longer while somebody catches up, on average.</summary>
    private const double Tolerance = 1.2;

    private const double ToleranceMs = 0.2;

    private static readonly TimeSpan Adjusting = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Over = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Anew = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private double _usualMs;
    private double _presentMs;
    private TimeSpan _committedAt = -Quiet - Quiet;
    private TimeSpan _spentAt = -Anew;
    private TimeSpan _adjustedAt;
    private TimeSpan _freeAt;

    /// <summary>The pace now.</summary>
    public long BytesPerSecond { get; private set; } = SlowestBytesPerSecond;

    private TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>One of this leader's commits has taken so long, from its proposal to the quorum's acknowledgement.</summary>
    public void Committed(TimeSpan took)
    {
        lock (_lock)
        {
            var (now, ms) = (Now, took.TotalMilliseconds);
            _committedAt = now;
            if (now - _spentAt > Over)
            {
                _usualMs = _usualMs == 0 ? ms : _usualMs + ((ms - _usualMs) / 64);
                _presentMs = _usualMs;
            }
            else
            {
                _presentMs += (ms - _presentMs) / 16;
            }
        }
    }

    /// <summary>So many bytes are to be sent that the quorum has long had.</summary>
    /// <returns>How long the sender waits first; at most a second.</returns>
    public TimeSpan Spend(long bytes)
    {
        lock (_lock)
        {
            var now = Now;
            if (now - _spentAt > Anew)
                BytesPerSecond = SlowestBytesPerSecond; // what the machine has to spare now is found out from below
            _spentAt = now;
            if (now - _adjustedAt >= Adjusting)
            {
                _adjustedAt = now;
                Adjust(now);
            }
            _freeAt = (_freeAt > now ? _freeAt : now) + TimeSpan.FromSeconds((double)bytes / BytesPerSecond);
            var wait = _freeAt - now;
            return wait < Over ? wait : Over;
        }
    }

    private void Adjust(TimeSpan now)
    {
        var pace = BytesPerSecond;
        if (_usualMs == 0 || now - _committedAt > Quiet)
            pace *= 2;
        else if (_presentMs > (_usualMs * Tolerance) + ToleranceMs)
            pace = pace * 2 / 3;
        else
            pace += pace / 16;
        BytesPerSecond = Math.Clamp(pace, SlowestBytesPerSecond, FastestBytesPerSecond);
    }
}
