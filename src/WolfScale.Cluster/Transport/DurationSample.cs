using System.Collections.Immutable;

namespace WolfScale.Cluster.Transport;

/// <summary>Some of the durations since they were last taken, evenly spread over that time however many there were. Not thread-safe.</summary>
internal sealed class DurationSample
{
    public const int Most = 64;

    private readonly List<TimeSpan> _kept = new(Most);
    private long _seen;
    private int _every = 1;

    public void Add(TimeSpan duration)
    {
        if (_seen++ % _every != 0)
            return;
        if (_kept.Count == Most)
        {
            for (var i = 0; i < Most / 2; i++)
                _kept[i] = _kept[2 * i];
            _kept.RemoveRange(Most / 2, Most / 2);
            _every *= 2;
        }

        _kept.Add(duration);
    }

    /// <summary>Gives them away; the next time begins.</summary>
    public ImmutableArray<TimeSpan> Take()
    {
        ImmutableArray<TimeSpan> taken = [.. _kept];
        _kept.Clear();
        (_seen, _every) = (0, 1);
        return taken;
    }
}
