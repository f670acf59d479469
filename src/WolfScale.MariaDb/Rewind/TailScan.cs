using System.Globalization;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>A row event of the tail and the table map it needs.</summary>
internal readonly record struct RowChange(EventPlace Map, EventPlace Rows);

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
    private readonly HashSet<(string Schema, string Table)> _tables = [];
    private readonly List<RowChange> _changes = [];
    private BinlogEvents _events = new();
    private int _changesBeforeGroup;

    /// <summary>Everything to undo, in the order it was done.</summary>
    public IReadOnlyList<RowChange> Changes => _changes;

    /// <summary>The tables of the row events.</summary>
    public IReadOnlyCollection<(string Schema, string Table)> Tables => _tables;

    /// <summary>Why the tail cannot be undone exactly; empty when the events themselves do not speak against it.</summary>
    public IReadOnlyCollection<string> Problems => _problems;

    /// <summary>Where the FORMAT_DESCRIPTION of the first file stands: BINLOG statements begin with it.</summary>
    public EventPlace Format { get; private set; }

    /// <summary>Checksum bytes of the row events.</summary>
    public int ChecksumBytes => _events.ChecksumBytes;

    /// <summary>Takes the next event, of which <paramref name="chunk"/> is the first chunk.</summary>
    /// <param name="chunk">The first, and for all but very long events the only, chunk.</param>
    /// <param name="offset">Where the event begins in the tail's file.</param>
    public void Take(in BinlogChunk chunk, long offset)
    {
        var place = new EventPlace(offset, checked((int)chunk.Header.EventLength));
        if (chunk.Header.Type == EventType.FormatDescription)
            TakeFormat(chunk, place);
        switch (_events.Observe(chunk))
        {
            case GroupStep.Begin:
                _maps.Clear();
                _changesBeforeGroup = _changes.Count;
                TakeBegin();
                break;
            case GroupStep.Inside:
                TakeInside(chunk, place);
                break;
            case GroupStep.End:
                TakeEnd(chunk);
                break;
            case GroupStep.Stray or GroupStep.Abandoned:
                Problem($"the binlog holds a broken group after {_events.Gtid}");
                break;
        }
    }

    private void TakeFormat(in BinlogChunk chunk, EventPlace place)
    {
        var format = new BinlogEvents();
        _ = format.Observe(chunk);
        if (_changes.Count > 0 && format.ChecksumBytes != _events.ChecksumBytes)
            Problem("binlog_checksum changed within the tail");
        else if (_changes.Count == 0)
            Format = place;
    }

    private void TakeBegin()
    {
        if ((_events.Flags & (GtidFlags.PreparedXa | GtidFlags.CompletedXa)) != 0)
            Problem($"{_events.Gtid} is a part of an XA transaction");
        else if ((_events.Flags & GtidFlags.Ddl) != 0 && (_events.Flags & GtidFlags.Standalone) == 0)
            Problem($"{_events.Gtid} creates a table with its rows (DDL)");
    }

    private void TakeInside(in BinlogChunk chunk, EventPlace place)
    {
        var type = chunk.Header.Type;
        if (type == EventType.AnnotateRows)
            return;
        if (!chunk.IsWhole || chunk.Header.EventLength > maxEventBytes)
            Problem($"{_events.Gtid} holds an event of {chunk.Header.EventLength} bytes, more than max_allowed_packet lets through");
        else if (type == EventType.TableMap)
            TakeMap(chunk, place);
        else if (RowReversal.IsRows(type))
            TakeRows(chunk, place);
        else if (type != EventType.Query || !IsSavepoint(chunk))
            Problem($"{_events.Gtid} is logged as {(type == EventType.Query ? "a statement" : type.ToString())}, not as rows");
    }

    private void TakeMap(in BinlogChunk chunk, EventPlace place)
    {
        var table = TableColumns.Read(_events.Body(chunk));
        _maps[table.TableId] = (table, place);
    }

    private void TakeRows(in BinlogChunk chunk, EventPlace place)
    {
        try
        {
            var rows = RowsEventHeader.Read(_events.Body(chunk));
            if (!_maps.TryGetValue(rows.TableId, out var map))
                throw new ProtocolException("a row event has no table map");

            // Taken apart and put together once, so that nothing is begun that cannot be finished.
            _ = RowReversal.Reverse(chunk.Bytes.Span, _events.ChecksumBytes, map.Table);
            _ = _tables.Add((map.Table.Schema, map.Table.Table));
            _changes.Add(new RowChange(map.Place, place));
        }
        catch (ProtocolException e)
        {
            Problem($"{_events.Gtid}: {e.Message}");
        }
    }

    private void TakeEnd(in BinlogChunk chunk)
    {
        if ((_events.Flags & GtidFlags.Standalone) != 0)
        {
            if (!IsHarmless(chunk))
                Problem($"{_events.Gtid} is a statement that rows cannot undo: {Statement(chunk)}");
        }
        else if (chunk.Header.Type != EventType.Xid && _changes.Count > _changesBeforeGroup)
        {
            // MyISAM, Aria, MEMORY, nextval(): a group of theirs ends in a QUERY COMMIT, because there is nothing to prepare.
            Problem($"{_events.Gtid} changed a table without transactions, or a sequence");
        }
    }

    private bool IsSavepoint(in BinlogChunk chunk) =>
        Encoding.UTF8.GetString(QueryEvent.Read(_events.Body(chunk)).Sql).StartsWith("SAVEPOINT ", StringComparison.OrdinalIgnoreCase);

    private bool IsHarmless(in BinlogChunk chunk)
    {
        var statement = Statement(chunk);
        return chunk.Header.Type == EventType.Query && Harmless.Any(h => statement.StartsWith(h, StringComparison.OrdinalIgnoreCase));
    }

    private string Statement(in BinlogChunk chunk)
    {
        if (!chunk.IsWhole || chunk.Header.Type != EventType.Query)
            return chunk.Header.Type.ToString();
        var sql = Encoding.UTF8.GetString(QueryEvent.Read(_events.Body(chunk)).Sql).TrimStart();
        return sql.Length > 80 ? string.Create(CultureInfo.InvariantCulture, $"{sql.AsSpan(0, 80)}…") : sql;
    }

    // A tail of thousands of groups of one kind must not make a report of thousands of lines.
    private void Problem(string text)
    {
        if (_problems.Count < 10)
            _ = _problems.Add(text);
    }
}
