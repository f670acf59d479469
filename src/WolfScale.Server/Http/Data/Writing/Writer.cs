using System.Text.Json;
using MySqlConnector;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Snowflakes;

namespace WolfScale.Server.Http.Data.Writing;

/// <summary>
/// Executes writes.
/// <code>
///   1 read the bodies ─▶ 2 compare with the catalogue, make statements ─▶ 3 one statement, or a transaction with the key ─▶ 4 the GTID's place in the log
/// </code>
/// The proxy says OK to a write when the quorum has it, so whatever is answered as done is.
/// </summary>
internal sealed class Writer(ApiSessions sessions, TableCatalogue catalogue, CommittedPlaces places, IdempotencyKeys keys, NodeNumbers numbers, string defaultDatabase)
{
    /// <summary>A transaction that certainly did nothing, or whose outcome the key tells, is tried once more.</summary>
    private const int Attempts = 2;

    /// <param name="operations">What is asked for.</param>
    /// <param name="request">Its key; null for none.</param>
    /// <exception cref="DataProblemException">Nothing was written, except where the code is outcome_unknown.</exception>
    public async Task<WriteAnswer> WriteAsync(IReadOnlyList<WriteOperation> operations, RepeatableRequest? request)
    {
        var statements = await MakeAsync(operations, request is not null || operations.Count > 1)        ;                       // 2
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return request is null && statements.Count == 1 ? await ExecuteOneAsync(statements[0]) : await ExecuteAllAsync(statements, request); // 3
            }
            catch (DataProblemException e) when (request is not null && e.Code is "outcome_unknown" or "rolled_back" or "connection_lost" && attempt < Attempts)
            {
                if (await LookAsync(request!, e) is { } answered)
                    return answered with { Repeated = false };
            }
            catch (DataProblemException e) when (e.MariaDbError is { } number && MariaDbErrors.SpeaksOfSchema(number))
            {
                foreach (var operation in operations)
                    catalogue.Forget(Schema(operation), operation.Table);
                throw;
            }
        }
    }

    /// <summary>Whether the attempt that failed is there all the same. Where even that cannot be asked, its own failure is the truth.</summary>
    private async Task<WriteAnswer?> LookAsync(RepeatableRequest request, DataProblemException failure)
    {
        try
        {
            return await keys.AnsweredAsync(request);
        }
        catch (DataProblemException e) when (e.Status >= 500)
        {
            throw failure;
        }
    }

    private string Schema(WriteOperation operation) => operation.Database ?? (defaultDatabase.Length > 0
        ? defaultDatabase
        : throw DataProblemException.BadRequest("no_database", "The body names no \"database\", and this node's configuration has no database.database to take instead."));

    /// <summary>What does not fit the kept catalogue may fit the present one.</summary>
    private async Task<IReadOnlyList<WriteStatement>> MakeAsync(IReadOnlyList<WriteOperation> operations, bool isTransaction)
    {
        var tables = new Dictionary<(string, string), TableDescription>();
        try
        {
            return await MakeAsync(operations, tables, isTransaction);
        }
        catch (DataProblemException e) when (e.Status == 422 && tables.Count > 0)
        {
            foreach (var (schema, table) in tables.Keys.ToList())
                tables[(schema, table)] = await catalogue.ReadAsync(schema, table);
            return await MakeAsync(operations, tables, isTransaction);
        }
    }

    private async Task<IReadOnlyList<WriteStatement>> MakeAsync(
        IReadOnlyList<WriteOperation> operations, Dictionary<(string, string), TableDescription> tables, bool isTransaction)
    {
        var statements = new List<WriteStatement>(operations.Count);
        foreach (var operation in operations)
        {
            var name = (Schema(operation), operation.Table);
            if (!tables.TryGetValue(name, out var table))
                tables[name] = table = await catalogue.FindAsync(name.Item1, name.Table);
            if (isTransaction && !table.Transactional)
                throw DataProblemException.Unfit("not_transactional", $"The engine of {table.Schema}.{table.Name} has no transactions, so neither a batch nor an Idempotency-Key can hold what it promises there.");
            var clock = operation.Kind == WriteKind.Insert && table.SnowflakeKey is not null ? await numbers.ClockAsync() : null;
            statements.Add(WriteStatement.Make(operation, table, () => clock!.Next()));
        }

        return statements;
    }

    private async Task<WriteAnswer> ExecuteOneAsync(WriteStatement statement)
    {
        var session = await sessions.RentAsync(SessionKind.Write);
        try
        {
            var done = await session.ExecuteAsync(statement.Sql, statement.Values);
            return new WriteAnswer(await PlaceAsync(session), WriteAnswer.Describe([new WriteResult(done.AffectedRows, done.LastInsertId, statement.Id)]), Repeated: false);
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten: true);
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    private async Task<WriteAnswer> ExecuteAllAsync(IReadOnlyList<WriteStatement> statements, RepeatableRequest? request)
    {
        var session = await sessions.RentAsync(SessionKind.Write);
        try
        {
            return await TransactAsync(session, statements, request);
        }
        catch (MySqlException e) when (request is not null && IdempotencyKeys.IsMissing(e) && e.Message.Contains(ProtectedSchemas.OfApi, StringComparison.Ordinal))
        {
            return await RunAsync(async () =>
            {
                await IdempotencyKeys.CreateAsync(session);
                return await TransactAsync(session, statements, request);
            });
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

    /// <exception cref="MySqlException">Nothing was written.</exception>
    private async Task<WriteAnswer> TransactAsync(ApiSession session, IReadOnlyList<WriteStatement> statements, RepeatableRequest? request)
    {
        var afterLsn = places.CommitLsn;
        var results = new List<WriteResult>(statements.Count);
        string answer;
        try
        {
            _ = await session.RunAsync("START TRANSACTION");
            foreach (var statement in statements)
            {
                var done = await session.ExecuteAsync(statement.Sql, statement.Values);
                results.Add(new WriteResult(done.AffectedRows, done.LastInsertId, statement.Id));
            }

            answer = WriteAnswer.Describe(results);
            if (request is not null)
                await IdempotencyKeys.NoteAsync(session, request, afterLsn, answer);
        }
        catch (MySqlException e)
        {
            await session.RollBackAsync();
            // Sent again, a request meets its own rows: the key tells whether they are.
            if (request is not null && !IdempotencyKeys.IsMissing(e) && MariaDbErrors.LeavesSessionWhole(e) && await keys.AnsweredAsync(request) is { } answered)
                return answered;
            if (results.Count < statements.Count && statements.Count > 1)
                throw Of(MariaDbErrors.Translate(e, mayHaveWritten: false), results.Count);
            throw;
        }

        _ = await RunAsync(() => session.RunAsync("COMMIT"), mayHaveWritten: true);
        return new WriteAnswer(await PlaceAsync(session), answer, Repeated: false);
    }

    /// <summary>4: the write is done, and stays done if its place cannot be told.</summary>
    private async Task<CommittedPlace?> PlaceAsync(ApiSession session)
    {
        try
        {
            return await session.LastGtidAsync() is { } gtid ? await places.FindAsync(gtid) : null;
        }
        catch (MySqlException)
        {
            return null;
        }
    }

    private static async Task<T> RunAsync<T>(Func<Task<T>> execute, bool mayHaveWritten = false)
    {
        try
        {
            return await execute();
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten);
        }
    }

    private static DataProblemException Of(DataProblemException e, int index) =>
        new(e.Status, e.Code, e.Title, $"Body [{index}] of the batch: {e.Message}. Nothing of the batch was written.") { MariaDbError = e.MariaDbError, Nearest = e.Nearest, RetryAfterSeconds = e.RetryAfterSeconds };
}
