using System.Text;
using WolfScale.Protocol.Handshake;

namespace WolfScale.Protocol.Responses;

/// <summary>
/// A text result set, without DEPRECATE_EOF: number of columns · definitions · EOF · rows · EOF. A row is one length-encoded string for
/// each column, 0xFB for NULL.
/// </summary>
public static class TextResultSet
{
    /// <summary>Writes a whole result set, one packet after the other.</summary>
    public static void Write(PacketWriter writer, ReadOnlySpan<string> columns, params ReadOnlySpan<string?[]> rows)
    {
        writer.Begin().LengthEncodedInteger((ulong)columns.Length).End();
        foreach (var column in columns)
            new ColumnDefinition(column).Write(writer);
        var eof = new EofPacket(0, ServerStatus.AutoCommit);
        eof.Write(writer);
        foreach (var row in rows)
            WriteRow(writer, row);
        eof.Write(writer);
    }

    /// <summary>Reads one row.</summary>
    /// <exception cref="ProtocolException">The packet does not hold exactly this many values.</exception>
    public static string?[] ReadRow(ReadOnlySpan<byte> payload, int columns)
    {
        var reader = new PayloadReader(payload);
        var row = new string?[columns];
        for (var i = 0; i < columns; i++)
            row[i] = reader.TryReadLengthEncodedBytes(out var value) ? Encoding.UTF8.GetString(value) : null;
        if (!reader.IsAtEnd)
            ProtocolException.Throw($"A row of {columns} columns has {reader.Remaining} bytes left over.");
        return row;
    }

    private static void WriteRow(PacketWriter writer, string?[] row)
    {
        _ = writer.Begin();
        foreach (var value in row)
            _ = value is null ? writer.Byte(0xFB) : writer.LengthEncodedText(value);
        writer.End();
    }
}
