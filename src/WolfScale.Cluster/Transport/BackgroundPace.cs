using System.Collections.Immutable;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// How fast a node sends what no commit waits for: what members missed, to all of them together, and copies of its server's data. As fast as it is taken, unless commits suffer.
/// <para>
/// The measure is what the leader's commits take, from the proposal to the quorum's acknowledgement: this node's own, or what the leader tells of them. While nothing is sent, their usual p95 is
/// learned. While something is sent, each commit has a vote: within what is allowed, a little over the usual p95, the pace rises by a two-hundredth, beyond it falls by a tenth. So it comes to rest
/// where one commit in twenty is beyond, which is to say: where their p95 is what is allowed. What sender, receiver and leader share (disk, network, cores) differs from machine to machine.
/// It begins at the slowest. Without commits there is nothing to spare, and it doubles. A pace that is not reached is not raised: nothing would have been tried.
/// </para>
/// Of the log only what the quorum has long had is paced, see <see cref="PeerLink"/>: nothing that a commit may be waiting for.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="heartbeat">How often the leader tells of its commits.</param>
internal sealed class BackgroundPace(TimeProvider time, TimeSpan heartbeat)
{
    /// <summary>
    /// It always ends: a member that takes less than it is owed would never be in step, and a copy must come to its end before the log that it goes on from is pruned: 168 hours, the
    /// default, are 2.5 TB at this pace. And a message of 1 MiB arrives well before a follower loses its patience.
    /// </summary>
    public const long SlowestBytesPerSecond = 4 << 20;

    public const long FastestBytesPerSecond = 1L << 30;

    /// <summary>So many of the commits may take longer than is allowed: it is what p95 means.</summary>
    private const double MayExceed = 0.05;

    /// <summary>What is allowed, by the usual p95. A client's commit waits for its server besides, where the same cores and disks are short and the node sees nothing: the whole is to be within 1.5.</summary>
    private const double Tolerance = 1.15;

    private const double ToleranceMs = 0.02;

    /// <summary>By so much a commit's vote changes the pace's natural logarithm, shared out by <see cref="MayExceed"/>.</summary>
    private const double Step = 0.1;

    /// <summary>More votes count as so many: what is sent now arrives, and shows, a while later.</summary>
    private const double VotesPerSecond = 100;

    private static readonly TimeSpan Adjusting = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Over = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Anew = TimeSpan.FromSeconds(5);

    /// <summary>What was sent last still keeps its receiver busy for so long, and what commits take then is not the usual.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private readonly TimeSpan _quiet = TimeSpan.FromSeconds(1) + (2 * heartbeat);
    private readonly UsualTail _usual = new();
    private readonly DurationSample _sample = new();
    private string _leader = "";
    private int _within;
    private int _beyond;
    private int _reached;
    private TimeSpan _committedAt = TimeSpan.MinValue / 2;
    private TimeSpan _seenAt = TimeSpan.MinValue / 2;
    private (string Leader, long CommitLsn) _seen = ("", 0);
    private TimeSpan _spentAt = TimeSpan.MinValue / 2;
    private TimeSpan _adjustedAt;
    private TimeSpan _freeAt;

    /// <summary>The pace now.</summary>
    public long BytesPerSecond { get; private set; } = SlowestBytesPerSecond;

    private TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>What some of this leader's commits have taken since the last call, to be told to the others.</summary>
    public ImmutableArray<TimeSpan> TakeCommits()
    {
        lock (_lock)
            return _sample.Take();
    }

    /// <summary>One of this leader's commits has taken so long, from its proposal to the quorum's acknowledgement.</summary>
    public void Committed(TimeSpan took)
    {
        lock (_lock)
        {
            _sample.Add(took);
            Hear("", took);
        }
    }

    /// <summary>Commits of the leader have taken so long.</summary>
    public void LeaderTold(string leader, CommitTimes commits)
    {
        lock (_lock)
        {
            foreach (var took in commits.Took)
                Hear(leader, took);
            if (commits.Took.IsEmpty)
                _committedAt = Now; // one is under way there
        }
    }

    /// <summary>
    /// The leader's heartbeat says where its log stands: so its commits are seen also where it tells nothing of them, being of an earlier version. What they take is not known then, and they get the
    /// slowest pace.
    /// </summary>
    /// <param name="leader">Who leads.</param>
    /// <param name="commitLsn">Up to where it has committed.</param>
    /// <param name="lastLsn">Where its log ends.</param>
    public void LeaderStands(string leader, long commitLsn, long lastLsn)
    {
        lock (_lock)
        {
            var (before, now) = (_seen, (leader, commitLsn));
            _seen = now;
            if (lastLsn > commitLsn || (before.Leader == leader && commitLsn > before.CommitLsn))
                _seenAt = Now;
        }
    }

    /// <summary>So many bytes are to be sent, or were sent, that no commit waits for.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="commitWaits">A commit of this leader's is under way, and not acknowledged yet: that nothing is heard does not mean then that there are none. A member that catches up may be what it waits
    /// for, so that is not to be said for it.</param>
    /// <returns>How long the sender waits before it goes on; at most a second.</returns>
    public TimeSpan Spend(long bytes, bool commitWaits = false)
    {
        lock (_lock)
        {
            var now = Now;
            if (now - _spentAt > Anew)
            {
                BytesPerSecond = SlowestBytesPerSecond; // what the machine has to spare now is found out from below
                _adjustedAt = now;
                (_within, _beyond, _reached) = (0, 0, 0);
            }

            _spentAt = now;
            if (now - _adjustedAt >= Adjusting)
                Adjust(now, commitWaits);
            var takes = TimeSpan.FromSeconds((double)bytes / BytesPerSecond);
            var late = now - _freeAt;
            _reached += late <= takes ? 1 : -1;
            _freeAt = (late <= takes ? _freeAt : now - takes) + takes; // who comes late has one piece at once, and never more
            var wait = _freeAt - now;
            return wait <= TimeSpan.Zero ? TimeSpan.Zero : wait < Over ? wait : Over;
        }
    }

    private void Hear(string leader, TimeSpan took)
    {
        var (now, ms) = (Now, took.TotalMilliseconds);
        if (leader != _leader)
        {
            // Another's disk and network: what was usual there says nothing of it.
            _leader = leader;
            _usual.Forget();
        }

        _committedAt = now;
        if (_usual.P95 is not { } usual)
        {
            _usual.Add(ms);
            BytesPerSecond = SlowestBytesPerSecond; // what is usual is not known, and is taken from what the slowest pace leaves
        }
        else if (now - _spentAt > Aftermath)
        {
            _usual.Add(ms);
        }
        else if (now - _spentAt <= Over)
        {
            if (ms > (usual * Tolerance) + ToleranceMs)
                _beyond++;
            else
                _within++;
        }
    }

    private void Adjust(TimeSpan now, bool commitWaits)
    {
        var (pace, votes) = ((double)BytesPerSecond, _within + _beyond);
        if (now - _committedAt > _quiet)
        {
            if (commitWaits)
                return;
            pace = now - _seenAt > _quiet ? pace * 2 : SlowestBytesPerSecond;
        }
        else if (votes > 0)
        {
            var weight = Math.Min(1, (now - _adjustedAt).TotalSeconds * VotesPerSecond / votes);
            pace *= Math.Exp(Step * weight * ((MayExceed * votes) - _beyond));
        }
        else
        {
            return; // nothing was heard since
        }

        if (_reached <= 0)
            pace = Math.Min(pace, BytesPerSecond);
        BytesPerSecond = (long)Math.Clamp(pace, SlowestBytesPerSecond, FastestBytesPerSecond);
        _adjustedAt = now;
        (_within, _beyond, _reached) = (0, 0, 0);
    }
}
