namespace WolfScale.Cluster.Transport;

/// <summary>
/// How fast a node sends what no commit waits for: what members missed, to all of them together, and copies of its server's data. As fast as they are taken, unless commits suffer.
/// <para>
/// What this node's part in a commit takes while nothing else is sent is the measure: a leader's from the proposal to the quorum's acknowledgement, a follower's sync of what it has received,
/// and what the leader tells of its commits. Both their mean, which is quick to show that they suffer, and their tail, which suffers first. While something is sent, the pace falls by a third as
/// long as that takes noticeably longer, and rises slowly as long as it does not, from the slowest on: what the two share (disk, network, cores) differs from machine to machine. Without commits
/// there is nothing to spare, and it doubles.
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

    /// <summary>And so much longer at their p95.</summary>
    private const double TailTolerance = 1.3;

    private const double ToleranceMs = 0.2;

    private static readonly TimeSpan Adjusting = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Over = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Anew = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private readonly double[] _usualMs = new double[2]; // as a follower, as the leader; 0 for not known
    private readonly double[] _usualTailMs = new double[2];
    private readonly TailWindow _tail = new();
    private int _role;
    private double _presentMs;
    private bool _wasSpending;
    private double _usualToldMs;
    private double _presentToldMs;
    private TimeSpan _toldAt = -Anew;
    private TimeSpan _committedAt = -Quiet - Quiet;
    private TimeSpan _spentAt = -Anew;
    private TimeSpan _adjustedAt;
    private TimeSpan _freeAt;

    /// <summary>The pace now.</summary>
    public long BytesPerSecond { get; private set; } = SlowestBytesPerSecond;

    /// <summary>The p95 of this leader's newest commits, to be told to the others; null where it has had none lately.</summary>
    public TimeSpan? CommitsP95
    {
        get
        {
            lock (_lock)
                return _role == 1 && Now - _committedAt <= Quiet && _tail.P95() is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
        }
    }

    private TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>One of this leader's commits has taken so long, from its proposal to the quorum's acknowledgement.</summary>
    public void Committed(TimeSpan took) => Note(1, took);

    /// <summary>As a follower this node has synced what it received, which took so long.</summary>
    public void Synced(TimeSpan took) => Note(0, took);

    /// <summary>The leader's newest commits took so long at their p95.</summary>
    public void LeaderTold(TimeSpan p95)
    {
        lock (_lock)
        {
            var ms = p95.TotalMilliseconds;
            _presentToldMs = ms;
            _toldAt = Now;
            if (!IsSpending(_toldAt))
                _usualToldMs = Blend(_usualToldMs, ms);
        }
    }

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
            var spending = IsSpending(now);
            if (role != _role || spending != _wasSpending)
                _tail.Clear(); // what was measured otherwise says nothing of it
            if (role != _role)
                (_role, _presentMs) = (role, usual);
            _wasSpending = spending;
            _committedAt = now;
            _tail.Add(ms);
            if (spending)
            {
                _presentMs += (ms - _presentMs) / 16;
                return;
            }

            usual = usual == 0 ? ms : usual + ((ms - usual) / 64);
            _presentMs = usual;
            if (_tail.TakeFull() is { } tail)
                _usualTailMs[role] = Blend(_usualTailMs[role], tail);
        }
    }

    private static double Blend(double usual, double ms) => usual == 0 ? ms : usual + ((ms - usual) / 8);

    private bool IsSpending(TimeSpan now) => now - _spentAt <= Over;

    private bool Suffer(TimeSpan now) =>
        _presentMs > (_usualMs[_role] * Tolerance) + ToleranceMs
        || (_usualTailMs[_role] is > 0 and var tail && _tail.P95() is { } present && present > (tail * TailTolerance) + ToleranceMs)
        || (_usualToldMs > 0 && now - _toldAt <= Over && _presentToldMs > (_usualToldMs * TailTolerance) + ToleranceMs);

    private void Adjust(TimeSpan now)
    {
        var (pace, usual) = (BytesPerSecond, _usualMs[_role]);
        if (usual == 0 || now - _committedAt > Quiet)
            pace *= 2;
        else if (Suffer(now))
            pace = pace * 2 / 3;
        else
            pace += pace / 16;
        BytesPerSecond = Math.Clamp(pace, SlowestBytesPerSecond, FastestBytesPerSecond);
    }
}
