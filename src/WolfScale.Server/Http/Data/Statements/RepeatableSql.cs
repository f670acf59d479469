using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MySqlConnector;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Values;
using WolfScale.Server.Http.Data.Writing;

namespace WolfScale.Server.Http.Data.Statements;

/// <summary>
/// <c>POST /sql</c> with an Idempotency-Key: the statement, and the key with its answer, are one transaction. So the answer is held and kept whole, and everything that the statement writes must be able to be undone.
/// </summary>
internal sealed class RepeatableSql(ApiSessions sessions, KeyedTransactions transactions)
{
    /// <summary>Bytes of an answer that are kept with its key.</summary>
    public const int LargestKept = 1 << 20;

    /// <summary>Names in a statement that are looked up; no sensible one has so many tables.</summary>
    private const int MostNames = 64;

    private const string NotSupported = "idempotency_not_supported";
    private const string Found = "SELECT /* wolfscale: leader */ TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, IFNULL(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    private const string Same = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, IFNULL(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

    private static readonly KeptForm<string> Form = new(static answer => answer, static answer => answer);

    /// <exception cref="DataProblemException">Nothing was written, except where the code is outcome_unknown.</exception>
    public async Task RunAsync(SqlRequest request, RepeatableRequest key, SqlVerdict verdict, string? schema, HttpContext context)
    {
        if (verdict.Kind == SqlKind.Read)
            throw DataProblemException.BadRequest(NotSupported, "A statement that only reads writes nothing twice: send it without an Idempotency-Key.");
        if (verdict.Kind == SqlKind.Definition || SqlPolicy.Written(request.Sql) is not { } written)
        {
            throw DataProblemException.BadRequest(
                NotSupported, "Of statements, INSERT, REPLACE, UPDATE and DELETE take an Idempotency-Key. MariaDB commits definitions by themselves, so no key can be written together with them: write CREATE … IF NOT EXISTS or DROP … IF EXISTS, which may be repeated.");
        }

        var done = await CheckEnginesAsync(written, schema) is { } unfit
            ? await transactions.AnsweredAsync(key, Form) ?? throw unfit // it may have been fit when it was sent first
            : await transactions.RunAsync(SessionKind.AnySql, schema, key, session => ExecuteAsync(session, request, verdict), Form);
        if (done.Repeated)
            context.Response.Headers["Idempotency-Replayed"] = "true";
        await AnswerAsync(context, done.Place, done.Answer);
    }

    /// <summary>What is written outside of transactions is not undone with them, and would be there without its key. Triggers and stored functions are not looked into.</summary>
    private async Task<DataProblemException?> CheckEnginesAsync(IReadOnlyList<(string? Schema, string Name)> written, string? schema)
    {
        var names = written.Select(w => (Schema: w.Schema ?? schema, w.Name)).Where(w => w.Schema is not null).Distinct().ToList();
        if (names.Count > MostNames)
            throw DataProblemException.BadRequest(NotSupported, FormattableString.Invariant($"With an Idempotency-Key a statement may name {MostNames} tables."));
        if (names.Count == 0)
            return null;
        var session = await sessions.RentAsync(SessionKind.Question);
        try
        {
            var sql = string.Join(" UNION ALL ", names.Select((_, i) => i == 0 ? Found : Same));
            var rows = await session.QueryAsync(sql, [.. names.SelectMany(n => (BoundValue[])[new(MySqlDbType.VarString, n.Schema), new(MySqlDbType.VarString, n.Name)])]);
            return rows.Find(r => !IsTransactional((string)r[2]!, (string)r[3]!)) is { } other
                ? DataProblemException.Unfit(
                    "not_transactional",
                    $"{other[0]}.{other[1]} is {((string)other[2]! == "VIEW" ? "a view, which may write to tables without transactions" : $"a table of engine {other[3]}, which has no transactions")}: an Idempotency-Key cannot hold what it promises there.")
                : null;
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten: false);
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    private static bool IsTransactional(string type, string engine) => type != "VIEW" && engine.ToUpperInvariant() is "INNODB" or "ROCKSDB";

    /// <returns>The answer as it is kept: what was written, or columns and rows.</returns>
    private static async Task<string> ExecuteAsync(ApiSession session, SqlRequest request, SqlVerdict verdict)
    {
        try
        {
            await using var command = await SqlRunner.PrepareAsync(session, request.Sql, request.Parameters, prepares: true);
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            return reader.FieldCount > 0 ? await RowsAsync(reader) : await WrittenAsync(reader, command);
        }
        catch (MySqlException e) when (MariaDbErrors.LeavesSessionWhole(e))
        {
            throw;
        }
        catch (Exception e) when (e is not DataProblemException)
        {
            session.Condemn();
            throw;
        }
        finally
        {
            if (!verdict.LeavesNothing)
                session.CondemnLater();
        }
    }

    private static async Task<string> RowsAsync(MySqlDataReader reader)
    {
        using var kept = new MemoryStream();
        var pipe = PipeWriter.Create(kept, new StreamPipeWriterOptions(leaveOpen: true));
        await using (var rows = new ResultWriter(pipe, asLines: false))
        {
            rows.Begin(reader);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                await rows.RowAsync(reader, CancellationToken.None);
                if (kept.Length > LargestKept)
                    throw new DataProblemException(413, "too_large", "The answer is too large", $"With an Idempotency-Key the answer is kept, and may have {LargestKept >> 20} MiB. Nothing was written.");
            }

            await rows.EndAsync(null, null);
        }

        return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
    }

    private static async Task<string> WrittenAsync(MySqlDataReader reader, MySqlCommand command)
    {
        while (await reader.NextResultAsync(CancellationToken.None))
        {
            // What comes later may be an error, which disposing would swallow.
        }

        var affected = reader.RecordsAffected;
        await reader.DisposeAsync();
        return WriteAnswer.Describe([new WriteResult(Math.Max(0, affected), (ulong)command.LastInsertedId, null)]);
    }

    private static async Task AnswerAsync(HttpContext context, CommittedPlace? place, string kept)
    {
        using var answer = JsonDocument.Parse(kept);
        var asLines = answer.RootElement.ValueKind == JsonValueKind.Object && SqlRunner.WantsLines(context.Request);
        context.Response.ContentType = asLines ? "application/x-ndjson; charset=utf-8" : "application/json; charset=utf-8";
        var output = context.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(output);
        if (answer.RootElement.ValueKind == JsonValueKind.Array)
        {
            new WriteAnswer(place, WriteAnswer.Read(kept), Repeated: false).Write(json, isBatch: false, lacking: null);
            return;
        }

        json.WriteStartObject();
        foreach (var property in answer.RootElement.EnumerateObject())
        {
            if (asLines && property.NameEquals("rows"))
            {
                json.WriteEndObject();
                EndLine(json, output);
                foreach (var row in property.Value.EnumerateArray())
                {
                    row.WriteTo(json);
                    EndLine(json, output);
                }

                json.WriteStartObject();
            }
            else
            {
                property.WriteTo(json);
            }
        }

        WriteAnswer.WritePlace(json, place);
        json.WriteEndObject();
        if (asLines)
            EndLine(json, output);
    }

    private static void EndLine(Utf8JsonWriter json, PipeWriter output)
    {
        json.Flush();
        output.GetSpan(1)[0] = (byte)'\n';
        output.Advance(1);
        json.Reset();
    }
}
