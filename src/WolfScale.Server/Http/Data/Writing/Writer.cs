using MySqlConnector;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Snowflakes;

namespace WolfScale.Server.Http.Data.Writing;

/// <summary>
/// Executes writes.
/// <code>
///   1 read the bodies ─▶ 2 compare with the catalogue, make statements ─▶ 3 one statement, or a transaction with the key ─▶ 4 the GTID's place in the log
/// </code>
/// The proxy says OK to a write when the quorum has it, so whatever is answered as done is. What is refused at 2 or 3 was answered before, where its key says so.
/// </summary>
internal sealed class Writer(ApiSessions sessions, TableCatalogue catalogue, KeyedTransactions transactions, NodeNumbers numbers, string defaultDatabase)
{
    private static readonly KeptForm<IReadOnlyList<WriteResult>> Form = new(WriteAnswer.Describe, WriteAnswer.Read);

    /// <param name="operations">What is asked for.</param>
    /// <param name="request">Its key; null for none.</param>
    /// <exception cref="DataProblemException">Nothing was written, except where the code is outcome_unknown.</exception>
    public async Task<WriteAnswer> WriteAsync(IReadOnlyList<WriteOperation> operations, RepeatableRequest? request)
    {
        IReadOnlyList<WriteStatement> statements;
        try
        {
            statements = await MakeAsync(operations, request is not null || operations.Count > 1);                               // 2
        }
        catch (DataProblemException e) when (request is not null && e.Status < 500)
        {
            // What is wrong with it now may not have been when it was sent first: the table was there, or had the column.
            if (await transactions.AnsweredAsync(request, Form) is { } answered)
                return Answer(answered);
            throw;
        }

        try
        {
            return request is null && statements.Count == 1 ? await ExecuteOneAsync(statements[0]) : await ExecuteAllAsync(statements, request); // 3
        }
        catch (DataProblemException e) when (e.MariaDbError is { } number && MariaDbErrors.SpeaksOfSchema(number))
        {
            foreach (var operation in operations)
                catalogue.Forget(Schema(operation), operation.Table);
            throw;
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
            return new WriteAnswer(await transactions.PlaceAsync(session), [new WriteResult(done.AffectedRows, done.LastInsertId, statement.Id)], Repeated: false);
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
        var results = new List<WriteResult>(statements.Count);
        try
        {
            return Answer(await transactions.RunAsync<IReadOnlyList<WriteResult>>(SessionKind.Write, null, request, ExecuteAsync, Form));
        }
        catch (DataProblemException e) when (e.MariaDbError is not null && results.Count < statements.Count && statements.Count > 1)
        {
            throw Of(e, results.Count);
        }

        async Task<IReadOnlyList<WriteResult>> ExecuteAsync(ApiSession session)
        {
            results.Clear();
            foreach (var statement in statements)
            {
                var done = await session.ExecuteAsync(statement.Sql, statement.Values);
                results.Add(new WriteResult(done.AffectedRows, done.LastInsertId, statement.Id));
            }

            return results;
        }
    }

    private static WriteAnswer Answer(Transacted<IReadOnlyList<WriteResult>> done) => new(done.Place, done.Answer, done.Repeated);

    private static DataProblemException Of(DataProblemException e, int index) =>
        new(e.Status, e.Code, e.Title, $"Body [{index}] of the batch: {e.Message}. Nothing of the batch was written.") { MariaDbError = e.MariaDbError, Nearest = e.Nearest, RetryAfterSeconds = e.RetryAfterSeconds };
}
