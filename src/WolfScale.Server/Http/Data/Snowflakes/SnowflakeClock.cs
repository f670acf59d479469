using System.Globalization;
using WolfScale.Cluster.State;

namespace WolfScale.Server.Http.Data.Snowflakes;

/// <summary>
/// Makes ids for one node's number, each greater than the one before. Time here never goes back: after a step of the machine's clock it goes on from the last id, a millisecond for 4,096 ids, until the clock has
/// caught up. Before ids of a time are given out, that time is written down, with <see cref="SlackMs"/> in advance; a node that starts again begins after what is written.
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
    private long _reserved = -1; // ids up to this millisecond, exclusive, may be given out

    public long Next()
    {
        lock (_lock)
            return NextLocked();
    }

    /// <summary>Several at once.</summary>
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

    private long NextLocked()
    {
        if (_reserved < 0)
        {
            var written = long.TryParse(state.Get(key), NumberStyles.None, CultureInfo.InvariantCulture, out var mark) ? mark : 0;
            (_last, _sequence, _reserved) = (written - 1, Snowflake.PerMillisecond - 1, written);
        }

        var now = Snowflake.Milliseconds(time.GetUtcNow());
        if (now > _last)
            (_last, _sequence) = (now, 0);
        else if (++_sequence == Snowflake.PerMillisecond)
            (_last, _sequence) = (_last + 1, 0);
        if (_last >= _reserved)
        {
            var until = _last + SlackMs;
            state.Put(key, until.ToString(CultureInfo.InvariantCulture)); // durable when it returns
            _reserved = until;
        }

        return Snowflake.Compose(_last, node, _sequence);
    }
}
