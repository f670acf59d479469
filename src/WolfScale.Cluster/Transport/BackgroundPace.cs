namespace WolfScale.Cluster.Transport;

/// <summary>
/// How fast a node sends what no commit waits for: what members missed, to all of them together, and copies of its server's data. As fast as they are taken, unless commits suffer.
/// <para>
/// What this node's part in a commit takes while nothing else is sent is the measure: a leader's from the proposal to the quorum's acknowledgement, a follower's sync of what it has received.
/// While something is sent, the pace falls by a third as long as that takes noticeably longer, and rises slowly as long as it does not, from the slowest on: what the two share (disk, network,
/// cores) differs from machine to machine. Without commits there is nothing to spare, and it doubles.
/// Of the log only what the quorum has long had is paced, see <see cref="PeerLink"/>: nothing that a commit may be waiting for.
/// </para>
/// </summary>
internal sealed class BackgroundPace(TimeProvider time)
{
    /// <summary>It always ends: a member that takes less than it is owed would never be in step. And a message of 1 MiB arrives well before a follower loses its patience.</summary>
    public const long SlowestBytesPerSecond = 4 << 20;

    public const long FastestBytesPerSecond = 1L << 30;

    /// <summary>Commits may take so much longer meanwhile, on average.</summary>
    private const double Tolerance = 1.2;

    private const double ToleranceMs = 0.2;

    private static readonly TimeSpan Adjusting = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Over = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Anew = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private readonly double[] _usualMs = new double[2]; // as a follower, as the leader; 0 for not known
    private int _role;
    private double _presentMs;
    private TimeSpan _committedAt = -Quiet - Quiet;
    private TimeSpan _spentAt = -Anew;
    private TimeSpan _adjustedAt;
    private TimeSpan _freeAt;

    /// <summary>The pace now.</summary>
    public long BytesPerSecond { get; private set; } = SlowestBytesPerSecond;

    private TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>One of this leader's commits has taken so long, from its proposal to the quorum's acknowledgement.</summary>
    public void Committed(TimeSpan took) => Note(1, took);

    /// <summary>As a follower this node has synced what it received, which took so long.</summary>
    public void Synced(TimeSpan took) => Note(0, took);

    /// <summary>So many bytes are to be sent that no commit waits for.</summary>
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

    private void Note(int role, TimeSpan took)
    {
        lock (_lock)
        {
            var (now, ms) = (Now, took.TotalMilliseconds);
            ref var usual = ref _usualMs[role];
            if (role != _role)
                (_role, _presentMs) = (role, usual);
            _committedAt = now;
            if (now - _spentAt > Over)
            {
                usual = usual == 0 ? ms : usual + ((ms - usual) / 64);
                _presentMs = usual;
            }
            else
            {
                _presentMs += (ms - _presentMs) / 16;
            }
        }
    }

    private void Adjust(TimeSpan now)
    {
        var (pace, usual) = (BytesPerSecond, _usualMs[_role]);
        if (usual == 0 || now - _committedAt > Quiet)
            pace *= 2;
        else if (_presentMs > (usual * Tolerance) + ToleranceMs)
            pace = pace * 2 / 3;
        else
            pace += pace / 16;
        BytesPerSecond = Math.Clamp(pace, SlowestBytesPerSecond, FastestBytesPerSecond);
    }
}
