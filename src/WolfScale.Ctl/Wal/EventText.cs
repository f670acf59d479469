using System.Globalization;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Ctl.Wal;

/// <summary>An event in words.</summary>
/// <param name="Type">As MariaDB's documentation names it, without <c>_EVENT</c>.</param>
/// <param name="Detail">Statement, table or transaction; null where there is nothing to say.</param>
/// <param name="Bytes">Of the whole event.</param>
internal sealed record EventText(string Type, string? Detail, long Bytes)
{
    /// <summary>Longer statements are cut: <c>mariadb-binlog</c> on an export shows all of them.</summary>
    private const int LongestDetail = 200;

    public static EventText Of(in SeenEvent seen) =>
        new(ConfigurationSchema.SnakeCase(seen.Header.Type.ToString()).ToUpperInvariant(), Describe(seen), seen.Header.EventLength);

    private static string? Describe(in SeenEvent seen)
    {
        try
        {
            switch (seen.Header.Type)
            {
                case EventType.Query:
                    var query = QueryEvent.Read(seen.Body);
                    return query.Schema.IsEmpty ? Short(query.Sql) : $"{Encoding.UTF8.GetString(query.Schema)}: {Short(query.Sql)}";
                case EventType.AnnotateRows:
                    return Short(seen.Body);
                case EventType.TableMap:
                    var table = TableMapEvent.Read(seen.Body);
                    return $"{Encoding.UTF8.GetString(table.Schema)}.{Encoding.UTF8.GetString(table.Table)}";
                default:
                    return null;
            }
        }
        catch (ProtocolException)
        {
            return null; // it goes on in the next piece
        }
    }

    /// <summary>One line, whatever the statement holds.</summary>
    private static string Short(ReadOnlySpan<byte> statement)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(statement[..Math.Min(statement.Length, 4 * LongestDetail)]));
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]))
                text[i] = ' ';
        }

        return text.Length <= LongestDetail ? text.ToString() : string.Create(CultureInfo.InvariantCulture, $"{text.ToString(0, LongestDetail)}…");
    }
}
