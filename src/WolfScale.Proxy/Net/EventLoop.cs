using System.Collections.Concurrent;
using WolfScale.Protocol;

namespace WolfScale.Proxy.Net;

/// <summary>What a descriptor's owner hears from its loop, on the loop's thread.</summary>
internal interface IEventHandler
{
    /// <summary>Something has changed since the last call (edge-triggered): read until nothing is left, write what waited.</summary>
    /// <param name="readable">There is something to receive.</param>
    /// <param name="ended">What comes after it is the end of the stream, or an error; no other edge tells of that.</param>
    /// <param name="writable">There is room to send.</param>
    void OnReady(bool readable, bool ended, bool writable);

    /// <summary><see cref="OnReady"/> has thrown. What went wrong is for the handler's owner; the loop goes on.</summary>
    void OnFault(Exception fault);
}

/// <summary>
/// One thread that waits for many sockets and runs what they have to do. A session and all of its connections belong to one loop, so nothing of them
/// is locked; other threads speak to it through <see cref="Post"/> alone.
/// </summary>
internal sealed unsafe class EventLoop : IDisposable
{
    private const int EventCapacity = 256;

    private readonly int _epoll = Libc.CreateEpoll();
    private readonly int _wakeUp = Libc.CreateWakeUp();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly PriorityQueue<LoopTimer, long> _timers = new();
    private readonly TimeProvider _time;
    private readonly Action<Exception> _onFault;
    private readonly Thread _thread;
    private (IEventHandler? Handler, uint Generation)[] _slots = new (IEventHandler?, uint)[64];
    private readonly Stack<int> _freeSlots = new();
    private int _usedSlots = 1; // slot 0 is the wake-up
    private int _signalled;
    private bool _stopping;

    /// <param name="name">Of the thread.</param>
    /// <param name="time">For timers.</param>
    /// <param name="onFault">Hears of an exception that a handler let out; the loop goes on.</param>
    public EventLoop(string name, TimeProvider time, Action<Exception> onFault)
    {
        (_time, _onFault) = (time, onFault);
        Libc.Watch(_epoll, _wakeUp, 0, Libc.EpollIn);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Where a handler receives into. Valid until it returns.</summary>
    public byte[] Scratch { get; } = GC.AllocateUninitializedArray<byte>(128 << 10, pinned: true);

    /// <summary>A second one, for what is rewritten on its way.</summary>
    public byte[] Rewritten { get; } = GC.AllocateUninitializedArray<byte>(256 << 10, pinned: true);

    /// <summary>Writes packets of the proxy's own. Valid as long.</summary>
    public PacketWriter Writer { get; } = new();

    public LoopMeter Meter { get; } = new();

    /// <summary>Microseconds since some moment before the start.</summary>
    public long NowUs => _time.GetTimestamp() / (_time.TimestampFrequency / 1_000_000);

    /// <summary>Milliseconds since some moment before the start.</summary>
    public long NowMs => _time.GetTimestamp() / (_time.TimestampFrequency / 1000);

    /// <summary>Timers that are not due yet, those that were cancelled included. Of the loop's own thread.</summary>
    public int TimersLeft => _timers.Count;

    /// <summary>Watches a descriptor until <see cref="Forget"/>. The first call comes at once if it is ready by then.</summary>
    /// <returns>Its slot.</returns>
    public int Watch(int descriptor, IEventHandler handler)
    {
        if (!_freeSlots.TryPop(out var slot))
        {
            slot = _usedSlots++;
            if (slot == _slots.Length)
                Array.Resize(ref _slots, 2 * slot);
        }

        ref var entry = ref _slots[slot];
        entry = (handler, entry.Generation + 1);
        Libc.Watch(_epoll, descriptor, (uint)slot | ((ulong)entry.Generation << 32), Libc.EpollIn | Libc.EpollOut | Libc.EpollPeerClosed | Libc.EpollEdge);
        return slot;
    }

    /// <summary>Nothing that was already reported for this slot reaches its handler any more. The descriptor is closed by its owner.</summary>
    public void Forget(int slot)
    {
        _slots[slot] = (null, _slots[slot].Generation + 1);
        _freeSlots.Push(slot);
    }

    /// <summary>As <see cref="Forget"/>, for a descriptor that stays open under another owner.</summary>
    public void Release(int slot, int descriptor)
    {
        Libc.Unwatch(_epoll, descriptor);
        Forget(slot);
    }

    /// <summary>Runs this on the loop's thread, soon; never when that has ended. From any thread, at any time.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        if (Interlocked.Exchange(ref _signalled, 1) == 0)
            Libc.Signal(_wakeUp);
    }

    /// <summary>Runs this on the loop's thread after so many milliseconds, unless it is cancelled.</summary>
    public LoopTimer After(long delayMs, Action action)
    {
        var timer = new LoopTimer(NowMs + delayMs, action);
        _timers.Enqueue(timer, timer.DueMs);
        return timer;
    }

    public void Dispose()
    {
        Post(() => _stopping = true);
        _thread.Join();
        // Why nobody writes to a closed descriptor, which may be another's by then. Who turns the mark from 0 to 1 writes once, and nobody else writes; only the thread turns it back, behind its read of
        // that write. So one write at most is owed at any time, and only while the mark is 1. All threads see the changes of one variable in one order, and an Exchange reads the last one before its own.
        // Join has put the thread's last 0 before this one: a Post that comes behind it finds 1 for good, and writes nothing; one that came before and owes its write is why it finds 1 itself.
        if (Interlocked.Exchange(ref _signalled, 1) != 0)
            SpinWait.SpinUntil(() => Libc.Drain(_wakeUp));
        Libc.Close(_epoll);
        Libc.Close(_wakeUp);
    }

    private void Run()
    {
        var events = stackalloc byte[EventCapacity * Libc.EventBytes];
        while (!_stopping)
        {
            var count = Libc.Wait(_epoll, events, EventCapacity, NextTimeoutMs());
            // Connections that have ended first: a statement that arrived in the same moment is then not sent into one of them, where it would be unknown
            // what became of it.
            DeliverAll(events, count, ends: true);
            DeliverAll(events, count, ends: false);

            RunTimers();
        }
    }

    private void DeliverAll(byte* events, int count, bool ends)
    {
        const uint ended = Libc.EpollErr | Libc.EpollHup | Libc.EpollPeerClosed;
        for (var i = 0; i < count; i++)
        {
            var entry = events + (i * Libc.EventBytes);
            var flags = *(uint*)entry;
            if ((flags & ended) != 0 == ends)
                Deliver(flags, *(ulong*)(entry + Libc.EventDataOffset));
        }
    }

    private void Deliver(uint events, ulong token)
    {
        var slot = (int)(uint)token;
        if (slot == 0)
        {
            RunPosted();
            return;
        }

        var (handler, generation) = _slots[slot];
        if (handler is null || generation != (uint)(token >> 32))
            return;
        const uint broken = Libc.EpollErr | Libc.EpollHup;
        var ended = (events & (broken | Libc.EpollPeerClosed)) != 0;
        try
        {
            handler.OnReady((events & Libc.EpollIn) != 0 || ended, ended, (events & (Libc.EpollOut | broken)) != 0);
        }
        catch (Exception e)
        {
            Guarded(() => handler.OnFault(e));
        }
    }

    private void RunPosted()
    {
        _ = Libc.Drain(_wakeUp);
        Volatile.Write(ref _signalled, 0); // before the queue is read: what is added after that signals again
        Interlocked.MemoryBarrier();
        // What these post runs behind the sockets' news: who always has something more to do must not keep the others waiting.
        for (var left = _posted.Count; left > 0 && _posted.TryDequeue(out var action); left--)
            Guarded(action);
    }

    private int NextTimeoutMs() => _timers.TryPeek(out _, out var due) ? (int)Math.Clamp(due - NowMs, 0, 60_000) : 60_000;

    private void RunTimers()
    {
        while (_timers.TryPeek(out var timer, out var due) && due <= NowMs)
        {
            _ = _timers.Dequeue();
            if (timer.Take() is { } action)
                Guarded(action);
        }
    }

    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            _onFault(e);
        }
    }
}

/// <summary>Something that is to happen later on an <see cref="EventLoop"/>.</summary>
internal sealed class LoopTimer(long dueMs, Action action)
{
    private Action? _action = action;

    public long DueMs => dueMs;

    public void Cancel() => _action = null;

    /// <summary>What is to be done, once.</summary>
    public Action? Take()
    {
        var action = _action;
        _action = null;
        return action;
    }
}
