using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MySqlConnector;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Values;
using WolfScale.Server.Http.Data.Writing;

namespace WolfScale.Server.Http.Data.Statements;

/// <summary>What a read over HTTP shows at least. HTTP has no sessions: the node's takes their place.</summary>
internal enum ReadPromise
{
    /// <summary>What was written through this node's API, and what <c>after_lsn</c> names.</summary>
    Session,

    /// <summary>Whatever the asked node's server has.</summary>
    Eventual,

    /// <summary>Whatever anybody was told is committed.</summary>
    Strong,
}

/// <summary>A body of <c>POST /sql</c>.</summary>
internal sealed record SqlRequest(string Sql, IReadOnlyList<BoundValue> Parameters, string? Database, ReadPromise Consistency, long AfterLsn)
{
    public const int MostParameters = 10_000;

    /// <exception cref="DataProblemException">It is not what the route takes.</exception>
    public static SqlRequest Read(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("sql", out var sql) || sql.ValueKind != JsonValueKind.String)
            throw DataProblemException.BadRequest("invalid_request", "The body must be {\"sql\": \"…\", \"params\"?: […], \"database\"?: \"…\"}.");
        foreach (var field in body.EnumerateObject())
        {
            if (WriteOperation.Name(field) is not ("sql" or "params" or "database" or "consistency" or "after_lsn"))
                throw DataProblemException.BadRequest("unknown_field", "The body has a field that POST /sql does not take: it wants {\"sql\", \"params\"?, \"database\"?, \"consistency\"?, \"after_lsn\"?}.");
        }

        IReadOnlyList<BoundValue> parameters = [];
        if (body.TryGetProperty("params", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() > MostParameters)
                throw DataProblemException.BadRequest("invalid_request", $"\"params\" must be an array of values, one for each ? in the statement, {MostParameters} at most.");
            parameters = [.. given.EnumerateArray().Select((value, i) => TypedValue.Bind(value, i + 1))];
        }

        return new SqlRequest(TypedValue.Text(sql), parameters, DatabaseOf(body), Promise(body), After(body));
    }

    /// <summary>What is not a name is no default: a statement would be executed somewhere else than it was meant for.</summary>
    public static string? DatabaseOf(JsonElement body) => !body.TryGetProperty("database", out var given) || given.ValueKind == JsonValueKind.Null
        ? null
        : given.ValueKind == JsonValueKind.String ? TypedValue.Text(given) : throw DataProblemException.BadRequest("invalid_request", "\"database\" is the name of a database.");

    private static ReadPromise Promise(JsonElement body) => !body.TryGetProperty("consistency", out var given)
        ? ReadPromise.Session
        : given.ValueKind == JsonValueKind.String && TypedValue.Text(given) is "eventual" or "session" or "strong"
            ? Enum.Parse<ReadPromise>(TypedValue.Text(given), ignoreCase: true)
            : throw DataProblemException.BadRequest("invalid_request", "\"consistency\" is \"eventual\", \"session\" or \"strong\".");

    private static long After(JsonElement body) => !body.TryGetProperty("after_lsn", out var given)
        ? 0
        : given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out var lsn) && lsn >= 0 ? lsn : throw DataProblemException.BadRequest("invalid_request", "\"after_lsn\" is the lsn of an earlier answer.");
}

/// <summary>Executes somebody's SQL, prepared, so that values never become text and two statements never become one. Rows are written as they come.</summary>
internal sealed class SqlRunner(ApiSessions sessions, TableCatalogue catalogue, CommittedPlaces places, RepeatableSql repeatable, string defaultDatabase)
{
    private const int NotPreparable = 1295;

    /// <param name="request">The statement.</param>
    /// <param name="key">Its Idempotency-Key; null for none.</param>
    /// <param name="role">The token's.</param>
    /// <param name="context">Gets the answer.</param>
    /// <exception cref="DataProblemException">Nothing was answered yet.</exception>
    public async Task RunAsync(SqlRequest request, RepeatableRequest? key, TokenRole role, HttpContext context)
    {
        var verdict = SqlPolicy.Check(request.Sql, role);
        var (kind, placeholders) = (verdict.Kind, verdict.Placeholders);
        if (kind == SqlKind.Definition && placeholders > 0)
            throw DataProblemException.Unfit("parameter_count", "A definition takes no parameters.");
        if (placeholders != request.Parameters.Count)
            throw DataProblemException.Unfit("parameter_count", FormattableString.Invariant($"The statement has {placeholders} placeholders (?), and \"params\" has {request.Parameters.Count} values."));
        var schema = request.Database ?? (defaultDatabase.Length > 0 ? defaultDatabase : null);
        if (schema is not null)
            TableCatalogue.CheckSchema(schema);
        if (key is not null)
        {
            await repeatable.RunAsync(request, key, verdict, schema, context);
            return;
        }

        if (kind != SqlKind.Read)
            await RunOnAsync(SessionKind.AnySql, schema, request, verdict, context);
        else if (request.Consistency == ReadPromise.Eventual && verdict.Hint < RoutingHint.Leader)
            await ReadOldAsync(schema, request, verdict, context);
        else
            await RunOnAsync(SessionKind.ReadSql, schema, request, verdict, context);
    }

    /// <summary>
    /// A read for which old data will do needs no leader. The proxy does: it logs sessions in, and prepares their statements, at the leader's server. So while nobody is known to lead, or the one that was known cannot be
    /// reached any more, this node's own server is asked past the proxy.
    /// </summary>
    private async Task ReadOldAsync(string? schema, SqlRequest request, SqlVerdict verdict, HttpContext context)
    {
        if (!sessions.MayReadOwnServer(whoeverLeads: false))
        {
            try
            {
                await RunOnAsync(SessionKind.ReadSql, schema, request, verdict, context);
                return;
            }
            catch (DataProblemException e) when (e.Code == "no_leader" && !context.Response.HasStarted && sessions.MayReadOwnServer(whoeverLeads: true))
            {
                // It was lost meanwhile.
            }
        }

        await RunOnAsync(SessionKind.OwnServerSql, schema, request, verdict, context);
    }

    private async Task RunOnAsync(SessionKind from, string? schema, SqlRequest request, SqlVerdict verdict, HttpContext context)
    {
        var kind = verdict.Kind;
        var session = await sessions.RentAsync(from, schema);
        try
        {
            await RunAsync(session, request, verdict, context);
        }
        finally
        {
            if (!verdict.LeavesNothing || from == SessionKind.OwnServerSql) // there no proxy knows what a view has left behind
                session.Condemn();
            if (kind == SqlKind.Definition)
            {
                session.Condemn(); // a routine may have any words in it
                catalogue.ForgetAll();
            }

            await sessions.ReturnAsync(session);
        }
    }

    /// <summary><c>POST /write/ddl</c>.</summary>
    public async Task<CommittedPlace?> DefineAsync(string ddl, string? database, TokenRole role)
    {
        if (SqlPolicy.Check(ddl, role).Kind != SqlKind.Definition)
            throw DataProblemException.BadRequest("not_ddl", "POST /write/ddl takes CREATE, ALTER, DROP, TRUNCATE and RENAME; send other statements to POST /sql.");
        var schema = database ?? (defaultDatabase.Length > 0 ? defaultDatabase : null);
        if (schema is not null)
            TableCatalogue.CheckSchema(schema);
        var session = await sessions.RentAsync(SessionKind.AnySql, schema);
        try
        {
            _ = await session.RunAsync(ddl); // as text: routines and triggers cannot be prepared
            return await session.LastGtidAsync() is { } gtid ? await places.FindAsync(gtid) : null;
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten: true);
        }
        finally
        {
            session.Condemn(); // a routine may have any words in it
            catalogue.ForgetAll();
            await sessions.ReturnAsync(session);
        }
    }

    private async Task RunAsync(ApiSession session, SqlRequest request, SqlVerdict verdict, HttpContext context)
    {
        var kind = verdict.Kind;
        var began = false;
        ResultWriter? rows = null;
        // A read is given up with its reader; what writes is not, because nobody would know how far it came.
        var aborted = kind == SqlKind.Read ? context.RequestAborted : CancellationToken.None;
        try
        {
            await using var command = await PrepareAsync(session, Hinted(request, verdict), request.Parameters, kind != SqlKind.Definition);
            command.CommandTimeout = kind == SqlKind.Read ? 0 : command.CommandTimeout;
            began = true;
            await using var reader = await command.ExecuteReaderAsync(aborted);
            if (reader.FieldCount > 0)
            {
                var asLines = WantsLines(context.Request);
                var hasRow = await reader.ReadAsync(aborted); // what fails before its first row is a problem, and not a broken result
                context.Response.ContentType = asLines ? "application/x-ndjson; charset=utf-8" : "application/json; charset=utf-8";
                rows = new ResultWriter(context.Response.BodyWriter, asLines);
                rows.Begin(reader);
                for (; hasRow; hasRow = await reader.ReadAsync(aborted))
                    await rows.RowAsync(reader, context.RequestAborted);
            }

            while (kind != SqlKind.Read && await reader.NextResultAsync(aborted))
            {
                // What comes later may be an error, which disposing would swallow.
            }

            var affected = reader.RecordsAffected;
            await reader.DisposeAsync();
            var place = kind != SqlKind.Read && await session.LastGtidAsync() is { } gtid ? await places.FindAsync(gtid) : (CommittedPlace?)null;
            if (rows is not null)
                await rows.EndAsync(kind == SqlKind.Read ? null : json => WriteAnswer.WritePlace(json, place), null);
            else
                await DoneAsync(context.Response, affected, command.LastInsertedId, place);
        }
        catch (MySqlException e)
        {
            if (!MariaDbErrors.LeavesSessionWhole(e))
                session.Condemn();
            var problem = MariaDbErrors.Translate(e, mayHaveWritten: began && kind != SqlKind.Read);
            if (rows is not null)
                await rows.EndAsync(null, problem);
            throw problem; // for the log, where the caller has been told in its rows
        }
        catch (Exception)
        {
            session.Condemn();
            throw;
        }
        finally
        {
            if (rows is not null)
                await rows.DisposeAsync();
        }
    }

    /// <summary>Tells the proxy where the statement may go. The connector drops comments before the first word, the caller's too, so what they say is said again behind it.</summary>
    private string Hinted(SqlRequest request, SqlVerdict verdict)
    {
        var hint = verdict.Kind != SqlKind.Read
            ? verdict.Hint
            : request.Consistency switch
            {
                ReadPromise.Strong => RoutingHint.Strong,
                ReadPromise.Session when verdict.Hint < RoutingHint.Leader && !places.IsShownHere(request.AfterLsn) => RoutingHint.Leader,
                _ => verdict.Hint,
            };
        return hint == RoutingHint.None ? request.Sql : request.Sql.Insert(verdict.FirstWordEnd, $" /* wolfscale: {hint.ToString().ToLowerInvariant()} */ ");
    }

    public static bool WantsLines(HttpRequest request) => request.Headers.Accept.ToString().Contains("application/x-ndjson", StringComparison.OrdinalIgnoreCase);

    public static async Task<MySqlCommand> PrepareAsync(ApiSession session, string sql, IReadOnlyList<BoundValue> parameters, bool prepares)
    {
        var command = session.Command(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(ApiSession.Parameter(parameter));
        try
        {
            if (prepares)
                await command.PrepareAsync(CancellationToken.None);
        }
        catch (MySqlException e) when (e.Number == NotPreparable && parameters.Count == 0)
        {
            // As text, then: SqlPolicy has found one statement.
        }

        return command;
    }

    private static async Task DoneAsync(HttpResponse response, int affected, long lastInsertId, CommittedPlace? place)
    {
        response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteBoolean("success", true);
        WriteAnswer.WritePlace(json, place);
        json.WriteNumber("affected_rows", Math.Max(0, affected));
        WriteAnswer.WriteInteger(json, "last_insert_id", (ulong)lastInsertId);
        json.WriteEndObject();
    }
}
