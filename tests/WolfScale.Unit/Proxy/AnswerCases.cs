using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Responses;
using static WolfScale.Unit.Proxy.TwoSidedAnswer;

namespace WolfScale.Unit.Proxy;

/// <summary>Answers of a server, of every kind that there is, for a client of these capabilities.</summary>
internal static class AnswerCases
{
    private static readonly byte[] LastGtid = Variable("last_gtid", "0-1-42");

    public static readonly Dictionary<string, (ResponseShape Shape, Action<TwoSidedAnswer> Write)> All = new(StringComparer.Ordinal)
    {
        ["ok"] = (ResponseShape.Results, a => a.Ok(affected: 3)),
        ["ok, many rows"] = (ResponseShape.Results, a => a.Ok(affected: 70_000)),
        ["ok with a message"] = (ResponseShape.Results, a => a.Ok(affected: 2, message: "Rows matched: 2  Changed: 2  Warnings: 0")),
        ["ok with a GTID"] = (ResponseShape.Results, a => a.Ok(affected: 1, hidden: LastGtid)),
        ["ok with a message and a GTID"] = (ResponseShape.Results, a => a.Ok(message: "Records: 1", hidden: LastGtid)),
        ["ok with a schema and variables"] = (ResponseShape.Results,
            a => a.Ok(told: [.. Schema("shop"), .. Variable("autocommit", "ON")], hidden: [.. Variable("sql_mode", new string('x', 300)), .. LastGtid])),
        ["error"] = (ResponseShape.Results, a => a.Error()),
        ["text rows"] = (ResponseShape.Results, a => a.Columns(2).Both(1, 65, 2, 66, 67).Both(0xFB, 0xFB).EndOfRows(warnings: 4)),
        ["text rows and a GTID"] = (ResponseShape.Results, a => a.Columns(1).Both(1, 65).EndOfRows(hidden: LastGtid)),
        ["text rows and a schema"] = (ResponseShape.Results, a => a.Columns(1).Both(1, 65).EndOfRows(told: Schema("s"), hidden: LastGtid)),
        ["no rows"] = (ResponseShape.Results, a => a.Columns(3).EndOfRows()),
        ["binary rows"] = (ResponseShape.Results, a => a.Columns(1).Both(0, 0, 7, 0, 0, 0).Both(0, 4).EndOfRows()),
        ["rows of no bytes"] = (ResponseShape.Results, a => a.Columns(1).Both().Both().Both(1, 65).Both().EndOfRows()),
        ["an error among rows"] = (ResponseShape.Results, a => a.Columns(1).Both(1, 65).Error("killed")),
        ["an error before the first row"] = (ResponseShape.Results, a => a.Columns(1).Error("killed")),
        ["progress and ok"] = (ResponseShape.Results, a => a.Progress().Progress().Ok(hidden: LastGtid)),
        ["progress and an error"] = (ResponseShape.Results, a => a.Progress().Error()),
        ["progress among rows"] = (ResponseShape.Results, a => a.Columns(1).Both(1, 65).Progress().Both(1, 66).EndOfRows()),
        ["two results and a call's end"] = (ResponseShape.Results,
            a => a.Columns(1, More).Both(1, 65).EndOfRows(More).Columns(2, More).EndOfRows(More).Ok(affected: 1, hidden: LastGtid)),
        ["ok, rows, ok"] = (ResponseShape.Results, a => a.Ok(More, hidden: LastGtid).Columns(1, More).Both(1, 65).EndOfRows(More).Ok(message: "m")),
        ["rows, then an error"] = (ResponseShape.Results, a => a.Columns(1, More).EndOfRows(More).Error()),
        ["OUT parameters"] = (ResponseShape.Results,
            a => a.Columns(1, More).Both(0, 0, 1).EndOfRows(More).Columns(1, OutParameters).Both(0, 0, 7, 0, 0, 0).EndOfRows(OutParameters).Ok(hidden: LastGtid)),
        ["a cursor"] = (ResponseShape.Results, a => OpenCursor(a.ColumnCount(1).Definition("c"))),
        ["definitions that the client knows"] = (ResponseShape.Results, a => a.Both(1, 0).ClassicOnlyEof().Both(0, 0, 5).EndOfRows()),
        ["definitions that it does not know"] = (ResponseShape.Results, a => a.Both(1, 1).Definition("c").ClassicOnlyEof().Both(0, 0, 5).EndOfRows()),
        ["a cursor whose definitions the client knows"] = (ResponseShape.Results, a => OpenCursor(a.Both(1, 0))),
        ["fetched rows"] = (ResponseShape.Rows, a => a.Both(0, 0, 1).Both(0, 0, 2).EndOfRows(Plain | ServerStatus.CursorExists)),
        ["the last fetched row"] = (ResponseShape.Rows, a => a.Both(0, 0, 1).EndOfRows(Plain | ServerStatus.LastRowSent)),
        ["nothing fetched"] = (ResponseShape.Rows, a => a.EndOfRows(Plain | ServerStatus.LastRowSent)),
        ["no such cursor"] = (ResponseShape.Rows, a => a.Error()),
        ["a list of fields"] = (ResponseShape.Fields, a => a.Definition("a").Definition("b").EndOfRows()),
        ["a list of no fields"] = (ResponseShape.Fields, a => a.EndOfRows()),
        ["no such table"] = (ResponseShape.Fields, a => a.Error()),
        ["an error among fields"] = (ResponseShape.Fields, a => a.Definition("a").Error()),
        ["prepared"] = (ResponseShape.Prepare, a => Prepared(a, 0, 0)),
        ["prepared with parameters"] = (ResponseShape.Prepare, a => Prepared(a, 0, 3)),
        ["prepared with columns"] = (ResponseShape.Prepare, a => Prepared(a, 2, 0)),
        ["prepared with both"] = (ResponseShape.Prepare, a => Prepared(a, 1, 2)),
        ["not prepared"] = (ResponseShape.Prepare, a => a.Error()),
        ["pong"] = (ResponseShape.Single, a => a.Ok()),
        ["statistics"] = (ResponseShape.Single, a => a.Both("Uptime: 159  Threads: 5"u8)),
        ["option set"] = (ResponseShape.Single, a => a.EndOfRows()),
        ["an unknown command"] = (ResponseShape.Single, a => a.Error()),
    };

    public static readonly Capabilities[] Clients =
    [
        Capabilities.None, Capabilities.SessionTrack, Capabilities.DeprecateEof, Capabilities.DeprecateEof | Capabilities.SessionTrack,
    ];

    /// <summary>One EOF stands for the end of the definitions and for the rows that are not there.</summary>
    private static void OpenCursor(TwoSidedAnswer answer) => answer.EndOfRows(Plain | ServerStatus.CursorExists);

    private static void Prepared(TwoSidedAnswer answer, byte columns, byte parameters)
    {
        _ = answer.Both(0, 9, 0, 0, 0, columns, 0, parameters, 0, 0, 0, 0);
        for (var i = 0; i < parameters; i++)
            _ = answer.Definition("?");
        if (parameters > 0)
            _ = answer.ClassicOnlyEof();
        for (var i = 0; i < columns; i++)
            _ = answer.Definition("c");
        if (columns > 0)
            _ = answer.ClassicOnlyEof();
    }
}
