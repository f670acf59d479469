namespace WolfScale.Simulation;

/// <summary>Virtual time: events by time, and by order of scheduling where times are equal.</summary>
public sealed class EventQueue
{
    private readonly PriorityQueue<Action, (long AtMs, long Order)> _events = new();
    private long _order;

    public long NowMs { get; private set; }

    public int Count => _events.Count;

    public void In(long delayMs, Action action) => At(NowMs + delayMs, action);

    public void At(long atMs, Action action) => _events.Enqueue(action, (Math.Max(atMs, NowMs), _order++));

    /// <returns>False when nothing is left to happen.</returns>
    public bool Step()
    {
        if (!_events.TryDequeue(out Action? action, out (long AtMs, long Order) due))
            return false;
        NowMs = due.AtMs;
        action();
        return true;
    }
}
