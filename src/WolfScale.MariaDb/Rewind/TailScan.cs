using System.Globalization;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>A row event of the tail and the table map it needs.</summary>
internal readonly record struct RowChange(EventPlace Map, EventPlace Rows);

/// <summary>An event of a tail's file, or its beginning where it is too long to be looked at as a whole.</summary>
internal readonly record struct TailEvent(EventHeader Header, ReadOnlyMemory<byte> Bytes)
{
    public bool IsWhole => Bytes.Length == Header.EventLength;

    /// <summary>What follows the header, without the checksum.</summary>
    public ReadOnlySpan<byte> Body => Bytes.Span[EventHeader.Size..(IsWhole ? ^EventChecksum.Size : ^0)];
}

/// <summary>
/// Looks through the events of a tail, in order, and judges whether undoing it by its row images is exact (design: Rejoin ladder, rung 1). What cannot be
/// told from the events, such as the tables' engines, is left to <see cref="TableRules"/>.
/// </summary>
/// <param name="maxEventBytes">The longest row event that fits into a BINLOG statement.</param>
internal sealed class TailScan(int maxEventBytes)
{
    /// <summary>Administrative statements without an effect on data: only their GTID must go.</summary>
    private static readonly string[] Harmless = ["FLUSH ", "ANALYZE ", "OPTIMIZE "];

    private readonly Dictionary<ulong, (TableColumns Table, EventPlace Place)> _maps = [];
    private readonly SortedSet<string> _problems = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Schema, string Table), long> _tables = [];
    private readonly List<RowChange> _changes = [];
    private GroupTracker _groups;
    private int _changesBeforeGroup;
    private bool _groupHasProblem;

    /// <summary>Everything to undo, in the order it was done.</summary>
    public IReadOnlyList<RowChange> Changes => _changes;

    /// <summary>The tables of the row events, and how many rows of each were changed.</summary>
    public IReadOnlyDictionary<(string Schema, string Table), long> Tables => _tables;

    /// <summary>Why the tail cannot be undone exactly; empty when the events themselves do not speak against it.</summary>
    public IReadOnlyCollection<string> Problems => _problems;

    /// <summary>Where the FORMAT_DESCRIPTION stands that holds for the first change: BINLOG statements begin with it.</summary>
    public EventPlace Format { get; private set; }

    /// <summary>Takes the next event.</summary>
    /// <param name="event">The event.</param>
    /// <param name="offset">Where it begins in the tail's file.</param>
    public void Take(in TailEvent @event, long offset)
    {
        var place = new EventPlace(offset, checked((int)@event.Header.EventLength));
        if (@event.Header.Type == EventType.FormatDescription && _changes.Count == 0)
            Format = place;
        switch (_groups.Observe(@event.Header, @event.Body))
        {
            case GroupStep.Begin:
                _maps.Clear();
                _changesBeforeGroup = _changes.Count;
                _groupHasProblem = false;
                TakeBegin();
                break;
            case GroupStep.Inside:
                TakeInside(@event, place);
                break;
            case GroupStep.End:
                TakeEnd(@event);
                break;
            case GroupStep.Stray or GroupStep.Abandoned:
                Problem($"the binlog holds a broken group after {_groups.Gtid}");
                break;
        }
    }

    private void TakeBegin()
    {
        if ((_groups.Flags & (GtidFlags.PreparedXa | GtidFlags.CompletedXa)) != 0)
            Problem($"{_groups.Gtid} is a part of an XA transaction");
        else if ((_groups.Flags & GtidFlags.Ddl) != 0 && (_groups.Flags & GtidFlags.Standalone) == 0)
            Problem($"{_groups.Gtid} creates a table with its rows (DDL)");
    }

    private void TakeInside(in TailEvent @event, EventPlace place)
    {
        var type = @event.Header.Type;
        if (type == EventType.AnnotateRows)
            return;
        if (!@event.IsWhole || @event.Header.EventLength > maxEventBytes)
            Problem($"{_groups.Gtid} holds an event of {@event.Header.EventLength} bytes, more than max_allowed_packet lets through");
        else if (type == EventType.TableMap)
            TakeMap(@event, place);
        else if (RowReversal.IsRows(type))
            TakeRows(@event, place);
        else if (type != EventType.Query || !IsSavepoint(@event))
            Problem($"{_groups.Gtid} is logged as {(type == EventType.Query ? "a statement" : type.ToString())}, not as rows");
    }

    private void TakeMap(in TailEvent @event, EventPlace place)
    {
        var table = TableColumns.Read(@event.Body);
        _maps[table.TableId] = (table, place);
    }

    private void TakeRows(in TailEvent @event, EventPlace place)
    {
        try
        {
            var rows = RowsEventHeader.Read(@event.Body);
            if (!_maps.TryGetValue(rows.TableId, out var map))
                throw new ProtocolException("a row event has no table map");

            // Taken apart and put together once, so that nothing is begun that cannot be finished.
            _ = RowReversal.Reverse(@event.Bytes.Span, map.Table, out var rowCount);
            var name = (map.Table.Schema, map.Table.Table);
            _tables[name] = _tables.GetValueOrDefault(name) + rowCount;
            _changes.Add(new RowChange(map.Place, place));
        }
        catch (ProtocolException e)
        {
            Problem($"{_groups.Gtid}: {e.Message}");
        }
    }

    private void TakeEnd(in TailEvent @event)
    {
        if ((_groups.Flags & GtidFlags.Standalone) != 0)
        {
            if (!IsHarmless(@event))
                Problem($"{_groups.Gtid} is a statement that rows cannot undo: {Statement(@event)}");
        }
        else if (@event.Header.Type != EventType.Xid && _changes.Count > _changesBeforeGroup)
        {
            // MyISAM, Aria, MEMORY, nextval(): a group of theirs ends in a QUERY COMMIT, because there is nothing to prepare.
            Problem($"{_groups.Gtid} changed a table without transactions, or a sequence");
        }
    }

    private static bool IsSavepoint(in TailEvent @event) =>
        Encoding.UTF8.GetString(QueryEvent.Read(@event.Body).Sql).StartsWith("SAVEPOINT ", StringComparison.OrdinalIgnoreCase);

    private static bool IsHarmless(in TailEvent @event)
    {
        var statement = Statement(@event);
        return @event.Header.Type == EventType.Query && Harmless.Any(h => statement.StartsWith(h, StringComparison.OrdinalIgnoreCase));
    }

    private static string Statement(in TailEvent @event)
    {
        if (!@event.IsWhole || @event.Header.Type != EventType.Query)
            return @event.Header.Type.ToString();
        return StatementText.ForReport(Encoding.UTF8.GetString(QueryEvent.Read(@event.Body).Sql));
    }

    // The first of a group says enough, and a tail of thousands of groups of one kind must not make a report of thousands of lines.
    private void Problem(string text)
    {
        if (!_groupHasProblem && _problems.Count < 10)
            _ = _problems.Add(text);
        _groupHasProblem = true;
    }
}
