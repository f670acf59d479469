using Microsoft.Data.Sqlite;

namespace WolfScale.MariaDb.Plans;

/// <summary>
/// Plans in the node's state database, in the table <c>database_plans</c> of this part. <c>synchronous=FULL</c>: a save is on the disk when it returns
/// (SQLite calls fsync itself and reports its errors). Thread-safe.
/// </summary>
public sealed class SqlitePlanStore : IPlanStore, IAsyncDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _turn = new(1, 1);

    private SqlitePlanStore(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens, and creates where it is missing, the table in the database file.</summary>
    /// <exception cref="SqliteException">The file cannot be opened or is damaged.</exception>
    public static async Task<SqlitePlanStore> OpenAsync(string path, CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = """
                PRAGMA journal_mode=WAL;
                PRAGMA synchronous=FULL;
                PRAGMA busy_timeout=5000;
                CREATE TABLE IF NOT EXISTS database_plans (name TEXT PRIMARY KEY, step TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
                """;
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new SqlitePlanStore(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask<PlanRecord?> LoadAsync(string name, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var command = _connection.CreateCommand();
            command.CommandText = "SELECT step, data FROM database_plans WHERE name = $name";
            _ = command.Parameters.AddWithValue("$name", name);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? new PlanRecord(name, reader.GetString(0), reader.GetString(1)) : null;
        }
        finally
        {
            _turn.Release();
        }
    }

    public ValueTask SaveAsync(PlanRecord plan, CancellationToken cancellationToken) => RunAsync(
        "INSERT INTO database_plans VALUES ($name, $step, $data) ON CONFLICT (name) DO UPDATE SET step = $step, data = $data",
        [("$name", plan.Name), ("$step", plan.Step), ("$data", plan.Data)],
        cancellationToken);

    public ValueTask ClearAsync(string name, CancellationToken cancellationToken) =>
        RunAsync("DELETE FROM database_plans WHERE name = $name", [("$name", name)], cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _turn.Dispose();
    }

    private async ValueTask RunAsync(string sql, (string Name, string Value)[] parameters, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Two constant statements of this class.
            command.CommandText = sql;
#pragma warning restore CA2100
            foreach (var (name, value) in parameters)
                _ = command.Parameters.AddWithValue(name, value);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }
}
