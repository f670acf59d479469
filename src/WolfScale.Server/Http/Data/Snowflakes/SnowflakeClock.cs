using System.Globalization;
using WolfScale.Cluster.State;

namespace WolfScale.Server.Http.Data.Snowflakes;

/// <summary>
/// Makes ids for one node's number, each greater than the one before. Time here never goes back: after a step of the machine's clock it goes on from the last id, a millisecond for 4,096 ids, until the clock has
/// caught up. Before ids of a time are given out, that time is written down, with <see cref="SlackMs"/> in advance; a node that starts again begins after what is written. No id is made of a time that
/// the cluster has not granted to the node's number (<see cref="NodeNumbers"/>).
/// </summary>
/// <param name="state">The node's durable state.</param>
/// <param name="key">Under which the time is written.</param>
/// <param name="node">The node's number.</param>
/// <param name="time">The machine's clock.</param>
internal sealed class SnowflakeClock(IStateStore state, string key, int node, TimeProvider time)
{
    /// <summary>How far ahead the time is written down: a write to the disk every so often.</summary>
    public const long SlackMs = 10_000;

    private readonly Lock _lock = new();
    private long _last = -1; // milliseconds of the last id
    private int _sequence;
    private long _reserved = -1; // ids up to this millisecond, exclusive, are written down
    private long _granted;

    /// <summary>Milliseconds, exclusive, up to which ids may be given out. It only grows.</summary>
    public long Granted
    {
        get => Volatile.Read(ref _granted);
        set => Volatile.Write(ref _granted, Math.Max(value, Volatile.Read(ref _granted)));
    }

    /// <summary>The time of ids that are made now, in milliseconds: the machine's, or beyond.</summary>
    public long Now
    {
        get
        {
            lock (_lock)
                return Math.Max(Begin(), Snowflake.Milliseconds(time.GetUtcNow()));
        }
    }

    /// <exception cref="DataProblemException">The time is not granted: ask <see cref="NodeNumbers.ClockAsync"/> for the clock again.</exception>
    public long Next()
    {
        lock (_lock)
            return NextLocked();
    }

    /// <summary>Several at once.</summary>
    /// <exception cref="DataProblemException">As <see cref="Next()"/>.</exception>
    public long[] Next(int count)
    {
        var ids = new long[count];
        lock (_lock)
        {
            for (var i = 0; i < count; i++)
                ids[i] = NextLocked();
        }

        return ids;
    }

    /// <summary>Ids up to this millisecond, exclusive, may be another node's.</summary>
    public void NotBefore(long ms)
    {
        lock (_lock)
        {
            if (ms - 1 > Begin())
                (_last, _sequence) = (ms - 1, Snowflake.PerMillisecond - 1);
        }
    }

    private long NextLocked()
    {
        _ = Begin();
        var now = Snowflake.Milliseconds(time.GetUtcNow());
        var (next, sequence) = now > _last ? (now, 0) : _sequence + 1 < Snowflake.PerMillisecond ? (_last, _sequence + 1) : (_last + 1, 0);
        if (next >= Granted)
            throw new DataProblemException(503, "no_node_number", "This node's number is not granted for this time", "The cluster has not confirmed yet that this node goes on with its number. Send the request again.") { RetryAfterSeconds = 1 };
        (_last, _sequence) = (next, sequence);
        if (_last >= _reserved)
        {
            var until = _last + SlackMs;
            state.Put(key, until.ToString(CultureInfo.InvariantCulture)); // durable when it returns
            _reserved = until;
        }

        return Snowflake.Compose(_last, node, _sequence);
    }

    /// <returns>Milliseconds of the last id, of this run or of one before.</returns>
    private long Begin()
    {
        if (_reserved >= 0)
            return _last;
        var written = long.TryParse(state.Get(key), NumberStyles.None, CultureInfo.InvariantCulture, out var mark) ? mark : 0;
        (_last, _sequence, _reserved) = (written - 1, Snowflake.PerMillisecond - 1, written);
        return _last;
    }
}
