using System.Buffers;
using System.Text;
using WolfScale.MariaDb.Connections;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Dump;

/// <summary>
/// Writes a table's rows as INSERT statements of a piece's length (<see cref="DumpSink.PieceBytes"/>): bytes as they are stored (<c>_binary</c>), so that no character set is converted on the way, and
/// numbers so that they read as the same number.
/// </summary>
internal sealed class RowWriter(DumpSink sink)
{
    /// <summary>
    /// What a piece takes stands beside commits at the source, on the way and at the receiver, for as long as it takes. Larger statements load hardly faster, and longer pieces let a commit wait longer.
    /// </summary>
    private const int StatementBytes = DumpSink.PieceBytes;

    private const int LargestBuffer = 4 << 20;

    /// <summary>What must be escaped within quotes; the rest passes as it is.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create("\0\n\r\\'\""u8);

    private ArrayBufferWriter<byte> _buffer = NewBuffer();
    private CommitPoints _commits = new();

    /// <summary>Dumps one table's rows.</summary>
    public void Write(RowReader reader, DumpedTable table)
    {
        var sql = $"SELECT {string.Join(", ", table.Columns.Select(c => c.Expression))} FROM {table.FullName}{(table.IsVersioned ? " FOR SYSTEM_TIME ALL" : "")}";
        var insert = Encoding.UTF8.GetBytes($"INSERT INTO {table.FullName} ({string.Join(", ", table.Columns.Select(c => Sql.Name(c.Name)))}) VALUES\n");
        if (table.IsVersioned)
            Add("SET SESSION system_versioning_insert_history=1;\n"u8);
        Add("SET autocommit=0;\n"u8);
        _commits = new CommitPoints();
        var rows = 0;
        _ = reader.Ask(sql);
        while (reader.TryRead(sql, out var row))
        {
            _buffer.Write(rows++ == 0 ? insert : ",\n"u8);
            AddRow(row, table.Columns);
            if (_buffer.WrittenCount < StatementBytes)
                continue;
            Add(";\n"u8);
            rows = 0;
            Flush();
        }

        if (rows > 0)
            Add(";\n"u8);
        Add("COMMIT;\nSET autocommit=1;\n"u8);
        if (table.IsVersioned)
            Add("SET SESSION system_versioning_insert_history=0;\n"u8);
        Flush();
    }

    private void AddRow(ReadOnlySpan<byte> row, IReadOnlyList<DumpedColumn> columns)
    {
        var reader = new PayloadReader(row);
        for (var i = 0; i < columns.Count; i++)
        {
            Add(i == 0 ? "("u8 : ","u8);
            if (!reader.TryReadLengthEncodedBytes(out var value))
                Add("NULL"u8);
            else if (columns[i].Form == ValueForm.Number)
                Add(value);
            else
                AddQuoted(value, columns[i].Form == ValueForm.Bytes);
        }

        if (!reader.IsAtEnd)
            throw new ProtocolException($"A row of {columns.Count} columns has {reader.Remaining} bytes left over.");
        Add(")"u8);
    }

    private void AddQuoted(ReadOnlySpan<byte> value, bool isBinary)
    {
        Add(isBinary ? "_binary'"u8 : "'"u8);
        while (value.IndexOfAny(Special) is var at and >= 0)
        {
            Add(value[..at]);
            Add(value[at] switch { 0 => "\\0"u8, (byte)'\n' => "\\n"u8, (byte)'\r' => "\\r"u8, (byte)'\\' => "\\\\"u8, (byte)'\'' => "\\'"u8, _ => "\\\""u8 });
            value = value[(at + 1)..];
        }

        Add(value);
        Add("'"u8);
    }

    private void Flush()
    {
        if (_commits.After(_buffer.WrittenCount))
            Add("COMMIT;\n"u8);
        sink.Write(_buffer.WrittenSpan);
        if (_buffer.Capacity > LargestBuffer)
            _buffer = NewBuffer(); // grown for a large row, which may have been the only one
        _buffer.ResetWrittenCount();
    }

    private void Add(ReadOnlySpan<byte> bytes) => _buffer.Write(bytes);

    private static ArrayBufferWriter<byte> NewBuffer() => new(StatementBytes + (64 << 10));
}
