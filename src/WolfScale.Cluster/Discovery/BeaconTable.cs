using System.Collections.Immutable;

namespace WolfScale.Cluster.Discovery;

/// <summary>
/// Who was heard lately. Takes only what is newer than all that was heard of that process, and remembers long enough that nothing recorded comes in
/// again. Bounded; genuine beacons alone get here, so strangers fill nothing. Pure: times come in. Not thread-safe.
/// </summary>
internal sealed class BeaconTable
{
    /// <summary>How far a beacon's time may be from this machine's. Without NTP clocks stay within it for months.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    /// <summary>A node that is not heard for five beacons is gone.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    /// <summary>Many more than a network has nodes: one that is started anew again and again must not push out the others.</summary>
    public const int Capacity = 256;

    private readonly Dictionary<Guid, Entry> _entries = [];

    private sealed record Entry(Beacon Beacon, long SentMs, long HeardAtMs);

    /// <summary>Takes a genuine beacon.</summary>
    /// <param name="beacon">As it was signed.</param>
    /// <param name="sentMs">Its time: Unix, milliseconds.</param>
    /// <param name="clockMs">This machine's time, the same way.</param>
    /// <param name="nowMs">A clock that never jumps, milliseconds.</param>
    /// <param name="isNews">The process was not heard lately, or says something else than before.</param>
    public BeaconRefusal Take(Beacon beacon, long sentMs, long clockMs, long nowMs, out bool isNews)
    {
        isNews = false;
        if (Math.Abs(sentMs - clockMs) > (long)Window.TotalMilliseconds)
            return BeaconRefusal.OutOfTime;
        var known = _entries.GetValueOrDefault(beacon.Instance);
        if (known is not null && sentMs <= known.SentMs)
            return BeaconRefusal.Repeated;
        if (known is null)
            MakeRoom(nowMs);
        isNews = known is null || known.Beacon != beacon || !IsLive(known, nowMs);
        _entries[beacon.Instance] = new Entry(beacon, sentMs, nowMs);
        return BeaconRefusal.None;
    }

    /// <summary>The nodes that are heard now, by id.</summary>
    public ImmutableArray<Beacon> Live(long nowMs) =>
        [.. _entries.Values.Where(e => IsLive(e, nowMs)).Select(e => e.Beacon).OrderBy(b => b.NodeId, StringComparer.Ordinal)];

    private static bool IsLive(Entry entry, long nowMs) => nowMs - entry.HeardAtMs <= (long)Lifetime.TotalMilliseconds;

    /// <summary>A packet's time may lie one window ahead, and one window later it is too old for good: then its sender need not be remembered.</summary>
    private void MakeRoom(long nowMs)
    {
        foreach (var (instance, _) in _entries.Where(e => nowMs - e.Value.HeardAtMs > 2 * (long)Window.TotalMilliseconds).ToList())
            _entries.Remove(instance);
        if (_entries.Count >= Capacity)
            _entries.Remove(_entries.MinBy(e => e.Value.HeardAtMs).Key);
    }
}
