using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.State;

namespace WolfScale.Cluster.History;

/// <summary>
/// The node's history.
/// <code>
///   Record ─▶ bounded queue ─▶ one writer: state/events.db, synced ─▶ the newest in memory ─▶ readers, each at its own pace
/// </code>
/// Nobody who records waits for the disk: roles change on threads that commit. A reader holds a place in the history (an id) and no queue, so one that
/// does not read costs nothing, and one that fell behind what is kept goes on with the oldest. An event is shown when it is on the disk: its id is never
/// given to another. Where the disk refuses, it is shown all the same, from memory.
/// </summary>
public sealed class EventHistory : IEventSink, IAsyncDisposable
{
    /// <summary>More than happens between two writes, unless something is very wrong; what does not fit is counted, and the count is an event.</summary>
    private const int MaxQueued = 1024;

    /// <summary>As many as a person reads, and some megabytes of memory at most.</summary>
    public const int Kept = 5000;

    private readonly string _node;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EventStore? _store;
    private readonly Channel<(NodeEvent Event, int Discarded)> _queue = Channel.CreateBounded<(NodeEvent, int)>(
        new BoundedChannelOptions(MaxQueued) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly ConcurrentDictionary<string, long> _told = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly LinkedList<NodeEvent> _events;
    private readonly Task _writing;
    private readonly int _keep;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastId;
    private long _discarded;
    private int _lost;

    private EventHistory(string node, EventStore? store, int keep, TimeProvider time, ILogger logger)
    {
        (_node, _store, _keep, _time, _logger) = (node, store, keep, time, logger);
        _events = new LinkedList<NodeEvent>(store?.Load(keep) ?? []);
        _lastId = _events.Last?.Value.Id ?? 0;
        _discarded = store?.Discarded() ?? 0;
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Opens the history in the node's state folder. A disk that refuses leaves one that lives in memory alone: it keeps no node from starting.</summary>
    internal static EventHistory Open(string stateDirectory, string node, TimeProvider time, ILogger logger, int keep = Kept)
    {
        try
        {
            var store = EventStore.Open(stateDirectory, out var damage);
            if (damage is not null)
                RuntimeLog.EventsDamaged(logger, damage);
            return new EventHistory(node, store, keep, time, logger);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or NewerSchemaException)
        {
            RuntimeLog.EventsNotKept(logger, e.Message);
            return new EventHistory(node, null, keep, time, logger);
        }
    }

    /// <summary>Whose history it is.</summary>
    public string Node => _node;

    /// <summary>Transactions that were rolled back on this node because the cluster never acknowledged them, in its whole life.</summary>
    public long Discarded => Interlocked.Read(ref _discarded);

    public void Record(string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details) => Enqueue(0, kind, message, details);

    public void RecordDiscarded(int transactions, string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details) =>
        Enqueue(transactions, kind, message, details);

    /// <summary>The newest, oldest first.</summary>
    public IReadOnlyList<NodeEvent> Newest(int limit)
    {
        lock (_lock)
            return [.. _events.Skip(Math.Max(0, _events.Count - limit))];
    }

    /// <summary>The first ones after an id, oldest first.</summary>
    public IReadOnlyList<NodeEvent> After(long id, int limit)
    {
        lock (_lock)
        {
            // From the end: who follows wants the last few of thousands.
            var node = _events.Last;
            while (node is not null && node.Value.Id > id)
                node = node.Previous;
            node = node is null ? _events.First : node.Next;
            var found = new List<NodeEvent>();
            for (; node is not null && found.Count < limit; node = node.Next)
                found.Add(node.Value);
            return found;
        }
    }

    /// <summary>The first ones at or after a time, oldest first.</summary>
    public IReadOnlyList<NodeEvent> Since(DateTimeOffset time, int limit)
    {
        lock (_lock)
            return [.. _events.Where(e => e.Time >= time).Take(limit)];
    }

    /// <summary>Whether one of the newest events is of this kind and has this fact.</summary>
    public bool Tells(string kind, string name, string value)
    {
        foreach (var told in Newest(1000))
        {
            if (told.Kind != kind)
                continue;
            using var details = JsonDocument.Parse(told.Details);
            if (details.RootElement.TryGetProperty(name, out var fact) && fact.ValueEquals(value))
                return true;
        }
        return false;
    }

    /// <summary>The newest event's id; 0: nothing has happened yet.</summary>
    public long LastId
    {
        get
        {
            lock (_lock)
                return _events.Last?.Value.Id ?? 0;
        }
    }

    /// <summary>Completes when there is an event after this id.</summary>
    public Task WaitForMoreAsync(long id, CancellationToken cancellationToken)
    {
        lock (_lock)
            return _events.Last?.Value.Id > id ? Task.CompletedTask : _more.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Writes what is queued, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _ = _queue.Writer.TryComplete();
        await _writing;
        _store?.Dispose();
    }

    /// <summary>How often each kind of event was told since the process began.</summary>
    public IReadOnlyDictionary<string, long> Told => _told;

    private void Enqueue(int discarded, string kind, string message, ReadOnlySpan<(string Name, object? Value)> details)
    {
        _ = _told.AddOrUpdate(kind, 1, static (_, told) => told + 1);
        if (!_queue.Writer.TryWrite((new NodeEvent(0, _time.GetUtcNow(), _node, kind, message, NodeEvent.Json(details)), discarded)))
            Interlocked.Increment(ref _lost);
    }

    private async Task WriteAsync()
    {
        var batch = new List<NodeEvent>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            long discarded = 0;
            while (batch.Count < 256 && _queue.Reader.TryRead(out var queued))
            {
                batch.Add(queued.Event with { Id = ++_lastId });
                discarded += queued.Discarded;
            }
            if (Interlocked.Exchange(ref _lost, 0) is > 0 and var lost)
                batch.Add(new NodeEvent(++_lastId, _time.GetUtcNow(), _node, EventKinds.EventsLost, $"{lost} events came faster than they could be written, and are not in this history", NodeEvent.Json([("count", lost)])));
            Save(batch, discarded);
            Publish(batch, discarded);
        }
    }

    private void Save(List<NodeEvent> batch, long discarded)
    {
        try
        {
            _store?.Save(batch, _keep, discarded);
        }
        catch (SqliteException e)
        {
            RuntimeLog.EventsNotWritten(_logger, batch.Count, e.Message);
        }
    }

    private void Publish(List<NodeEvent> batch, long discarded)
    {
        TaskCompletionSource waiting;
        lock (_lock)
        {
            foreach (var e in batch)
                _events.AddLast(e);
            while (_events.Count > _keep)
                _events.RemoveFirst();
            Interlocked.Add(ref _discarded, discarded);
            (waiting, _more) = (_more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        waiting.TrySetResult();
    }
}
