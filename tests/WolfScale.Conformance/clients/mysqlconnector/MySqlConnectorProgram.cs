using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MySqlConnector;

namespace WolfScale.Conformance.Clients;

/// <summary>MySqlConnector: DEPRECATE_EOF and session tracking, text and prepared commands, batches, bulk copy, cancellation. It runs in the tests' process.</summary>
internal sealed class MySqlConnectorProgram(IReadOnlyDictionary<string, string> environment)
{
    private static readonly object?[] None = [];

    private readonly StringBuilder _output = new();

    public async Task<string> RunAsync()
    {
        Func<MySqlConnection, Task>[] sections =
        [
            c => QueriesAsync(c, prepare: false), c => QueriesAsync(c, prepare: true), CountsAsync, BulkAsync, TransactionsAsync, ErrorsAsync, CallsAsync, InfileAsync,
            CharactersAsync, CancelAsync, SessionAsync,
        ];
        foreach (var section in sections)
        {
            await using var connection = await OpenAsync();
            await section(connection);
            Line($"connection {connection.State}");
        }

        await OtherConnectionsAsync();
        Section("end");
        return _output.ToString();
    }

    private void Section(string name) => _output.Append(CultureInfo.InvariantCulture, $"\n## {name}\n");

    private void Line(string text) => _output.Append(CultureInfo.InvariantCulture, $"  {text}\n");

    private async Task<MySqlConnection> OpenAsync(Action<MySqlConnectionStringBuilder>? change = null)
    {
        var builder = new MySqlConnectionStringBuilder
        {
            Server = environment["CONF_HOST"],
            Port = uint.Parse(environment["CONF_PORT"], CultureInfo.InvariantCulture),
            UserID = environment["CONF_USER"],
            Password = environment["CONF_PASSWORD"],
            Database = environment["CONF_DATABASE"],
            AllowUserVariables = true,
            AllowLoadLocalInfile = true,
            AllowZeroDateTime = true,
            IgnorePrepare = false,
            Pooling = false,
            SslMode = MySqlSslMode.None,
            DefaultCommandTimeout = 0,
            CancellationTimeout = 60, // a slow machine must not look like a server that does not answer
        };
        change?.Invoke(builder);
        var connection = new MySqlConnection(builder.ConnectionString);
        connection.InfoMessage += (_, e) =>
        {
            foreach (var warning in e.Errors)
                Line($"message {warning.Level} {warning.ErrorCode} {warning.Message}");
        };
        await connection.OpenAsync();
        return connection;
    }

    private async Task AttemptAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception e) when (e is MySqlException or NotSupportedException or InvalidOperationException or OperationCanceledException or FileNotFoundException)
        {
            Line(e is MySqlException my ? $"{e.GetType().Name} {my.Number} {my.SqlState} transient={my.IsTransient} {e.Message}" : $"{e.GetType().Name} {e.Message}");
        }
    }

    private async Task RunAsync(MySqlConnection connection, string sql, bool prepare = false, params object?[][] lists)
    {
        _output.Append(CultureInfo.InvariantCulture, $"> {(prepare ? "prepared " : "")}{(sql.Length < 200 ? sql : $"{sql[..60]}… ({sql.Length})")}\n");
        await AttemptAsync(async () =>
        {
            await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The program's own text.
            command.CommandText = sql;
#pragma warning restore CA2100
            foreach (var list in lists.Length > 0 ? lists : [None])
            {
                command.Parameters.Clear();
                foreach (var value in list)
                    command.Parameters.AddWithValue("", value);
                if (prepare)
                    await command.PrepareAsync();
                await AttemptAsync(() => ShowAsync(command));
            }
        });
    }

    private async Task ShowAsync(MySqlCommand command)
    {
        await using (var reader = await command.ExecuteReaderAsync())
        {
            do
            {
                foreach (var column in reader.FieldCount > 0 ? reader.GetColumnSchema() : [])
                {
                    var my = (MySqlDbColumn)column;
                    Line($"column {my.ColumnName} base={my.BaseColumnName} table={my.BaseTableName} schema={my.BaseSchemaName} type={my.DataTypeName}/{my.DataType?.Name}/{my.ProviderType} size={my.ColumnSize} "
                        + $"precision={my.NumericPrecision} scale={my.NumericScale} null={my.AllowDBNull} key={my.IsKey} auto={my.IsAutoIncrement} unique={my.IsUnique} long={my.IsLong}");
                }

                while (await reader.ReadAsync())
                    Line(string.Join(" | ", Enumerable.Range(0, reader.FieldCount).Select(i => Read(reader, i))));
            }
            while (await reader.NextResultAsync());
            Line($"affected {reader.RecordsAffected}");
        }

        Line($"insert id {command.LastInsertedId}");
    }

    /// <summary>Some values are beyond the types that the driver has for them.</summary>
    private static string Read(MySqlDataReader reader, int column)
    {
        try
        {
            return Value(reader.GetValue(column));
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static string Value(object value) => value switch
    {
        DBNull => "NULL",
        byte[] { Length: > 100 } b => $"bytes[{b.Length}] {Hash(b)}",
        byte[] b => $"bytes {Convert.ToHexString(b)}",
        string { Length: > 100 } s => $"string[{s.Length}] {Hash(Encoding.UTF8.GetBytes(s))}",
        DateTime d => $"DateTime {d:O}",
        IFormattable f => $"{value.GetType().Name} {f.ToString(null, CultureInfo.InvariantCulture)}",
        _ => $"{value.GetType().Name} {value}",
    };

#pragma warning disable CA5351 // To name a long value, not to protect it.
    private static string Hash(byte[] bytes) => Convert.ToHexString(MD5.HashData(bytes));
#pragma warning restore CA5351

    private async Task QueriesAsync(MySqlConnection c, bool prepare)
    {
        var kind = prepare ? "prepared" : "text";
        Section($"types, NULLs, metadata, {kind}");
        await RunAsync(c, "SELECT * FROM types ORDER BY id", prepare);
        await RunAsync(c, "SELECT ?, ?, ?, ?, ?", prepare, [1, "text 😀", null, true, new byte[] { 0, 255 }], ["other", 2.5, "types", 1.25m, new DateTime(2024, 2, 29, 12, 34, 56, DateTimeKind.Unspecified)]);
        await RunAsync(c, "SELECT id FROM many WHERE FALSE", prepare);

        Section($"large values, {kind}");
        foreach (var length in (int[])[65_535, 1 << 20, 17 << 20])
            await RunAsync(c, "SELECT MD5(?), REPEAT(?, ?)", prepare, [new string('é', length / 2), "0123456789abcdef", length / 16]);
        await RunAsync(c, "INSERT INTO large VALUES (?, ?, ?)", prepare, [prepare ? 1 : 2, Enumerable.Range(0, 1 << 20).Select(i => (byte)(i * 7)).ToArray(), new string('ü', 500_000)]);
        await RunAsync(c, "SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large ORDER BY id", prepare);

        Section($"prepared statements, {kind}");
        await RunAsync(c, "SELECT id, name FROM many WHERE id BETWEEN ? AND ?", prepare, [1, 3], ["2", "4"], [2.5, 5.5], [null, 1]);
        await RunAsync(c, "INSERT INTO items (name, n) VALUES (?, ?)", prepare, [$"{kind} one", 1], [$"{kind} two", null], [$"{kind} one", 3], [$"{kind} four", "4"]);
        await RunAsync(c, "SELECT * FROM nowhere", prepare);
        await RunAsync(c, "SELEC", prepare);
        await RunAsync(c, "CALL fails_late()", prepare, [], []);
        await RunAsync(c, "SELECT id, name FROM many ORDER BY id", prepare);
    }

    private async Task CountsAsync(MySqlConnection c)
    {
        Section("affected rows, insert ids, warnings");
        foreach (var sql in (string[])[
            "INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2)", "SELECT LAST_INSERT_ID(), ROW_COUNT()", "SELECT COUNT(*) FROM many", "SELECT LAST_INSERT_ID()",
            "UPDATE items SET n = 1 WHERE name IN ('a', 'b')", "INSERT INTO items (name) VALUES ('returned') RETURNING id, name", "SELECT SQL_CALC_FOUND_ROWS id FROM items ORDER BY id LIMIT 1",
            "SELECT FOUND_ROWS()", "SELECT CAST('1x' AS INT)", "SHOW WARNINGS", "INSERT IGNORE INTO items (name) VALUES ('b')", "ALTER TABLE items ADD COLUMN extra INT", "DROP TABLE IF EXISTS nowhere"])
            await RunAsync(c, sql);
    }

    private async Task BulkAsync(MySqlConnection c)
    {
        Section("batch and bulk copy");
        await using (var batch = new MySqlBatch(c))
        {
            for (var i = 0; i < 20; i++)
                batch.BatchCommands.Add(new MySqlBatchCommand("INSERT INTO items (name, n) VALUES (?, ?)") { Parameters = { new MySqlParameter { Value = $"batch {i}" }, new MySqlParameter { Value = i } } });
            batch.BatchCommands.Add(new MySqlBatchCommand("SELECT COUNT(*) FROM items"));
            await AttemptAsync(async () => Line($"batch {Value((await batch.ExecuteScalarAsync())!)}"));
        }

        using var table = new System.Data.DataTable { Locale = CultureInfo.InvariantCulture };
        table.Columns.Add("id", typeof(int));
        table.Columns.Add("name", typeof(string));
        table.Columns.Add("amount", typeof(decimal));
        for (var i = 0; i < 5000; i++)
            table.Rows.Add(i + 100, i % 7 == 0 ? DBNull.Value : $"copied ü {i}", i / 4m);
        await AttemptAsync(async () =>
        {
            var result = await new MySqlBulkCopy(c) { DestinationTableName = "loaded" }.WriteToServerAsync(table);
            Line($"copied {result.RowsInserted}, {result.Warnings.Count} warnings");
        });
        await RunAsync(c, "SELECT COUNT(*), COUNT(name), SUM(amount), MD5(GROUP_CONCAT(name ORDER BY id)) FROM loaded");
    }

    private async Task TransactionsAsync(MySqlConnection c)
    {
        Section("transactions");
        await using (var transaction = await c.BeginTransactionAsync(System.Data.IsolationLevel.Serializable))
        {
            await RunAsync(c, "INSERT INTO items (name) VALUES ('rolled back')");
            await transaction.RollbackAsync();
        }

        await using (var transaction = await c.BeginTransactionAsync())
        {
            await RunAsync(c, "INSERT INTO items (name) VALUES ('kept')");
            await transaction.SaveAsync("here");
            await RunAsync(c, "INSERT INTO items (name) VALUES ('not kept')");
            await transaction.RollbackAsync("here");
            await transaction.ReleaseAsync("here");
            await transaction.CommitAsync();
        }

        await using (await c.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, isReadOnly: true))
            await RunAsync(c, "INSERT INTO items (name) VALUES ('read only')");
        await RunAsync(c, "SELECT name, @@in_transaction FROM items WHERE name IN ('rolled back', 'kept', 'not kept', 'read only')");
    }

    private async Task ErrorsAsync(MySqlConnection c)
    {
        Section("errors");
        foreach (var sql in (string[])[
            "SELECT * FROM nowhere", "SELEC 1", "INSERT INTO many VALUES (1, 'again')", "INSERT INTO children VALUES (1, 99)",
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000", "CALL fails_late()", "SELECT 1; SELECT * FROM nowhere; SELECT 2",
            "SELECT (SELECT id FROM many)", "SELECT 'still here'"])
            await RunAsync(c, sql);
        await AttemptAsync(() => OpenAsync(b => b.Password = "wrong"));
        await AttemptAsync(() => OpenAsync(b => b.Database = "nothing_there"));
    }

    private async Task CallsAsync(MySqlConnection c)
    {
        Section("multi-results and CALL");
        await RunAsync(c, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()");
        await RunAsync(c, "CALL two_results(?)", false, [3]);
        await RunAsync(c, "CALL two_results(?)", true, [2], ["4"]);
        foreach (var prepare in (bool[])[false, true])
        {
            await using var command = new MySqlCommand("with_out", c) { CommandType = System.Data.CommandType.StoredProcedure };
            command.Parameters.AddWithValue("@a", 21);
            command.Parameters.Add("@b", MySqlDbType.Int32).Direction = System.Data.ParameterDirection.Output;
            command.Parameters.AddWithValue("@c", "in").Direction = System.Data.ParameterDirection.InputOutput;
            await AttemptAsync(async () =>
            {
                if (prepare)
                    await command.PrepareAsync();
                await command.ExecuteNonQueryAsync();
                Line($"out {Value(command.Parameters[1].Value!)} {Value(command.Parameters[2].Value!)}");
            });
        }
    }

    private async Task InfileAsync(MySqlConnection c)
    {
        Section("local infile");
        await RunAsync(c, "DELETE FROM loaded");
        await RunAsync(c, $"LOAD DATA LOCAL INFILE '{environment["CONF_FILE"]}' INTO TABLE loaded CHARACTER SET utf8mb4");
        await RunAsync(c, "SELECT * FROM loaded ORDER BY id");
        await RunAsync(c, $"LOAD DATA LOCAL INFILE '{environment["CONF_FILE"]}' IGNORE INTO TABLE loaded CHARACTER SET utf8mb4");
        await AttemptAsync(async () =>
        {
            using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(10_000, 20_000).Select(i => $"{i}\tloaded ü {i}\t{i}.25\n"))));
            Line($"loaded {await new MySqlBulkLoader(c) { TableName = "loaded", SourceStream = stream, Local = true, CharacterSet = "utf8mb4" }.LoadAsync()}");
        });
        await RunAsync(c, "SELECT COUNT(*), SUM(amount) FROM loaded");
    }

    private async Task CharactersAsync(MySqlConnection c)
    {
        Section("character sets");
        await RunAsync(c, "SELECT c_latin1, c_ucs2, HEX(c_latin1), '😀' AS `😀`, CHAR_LENGTH('😀'), @@character_set_client, @@collation_connection FROM types WHERE id = 1");
        await RunAsync(c, "SET NAMES utf8mb4 COLLATE utf8mb4_bin");
        await RunAsync(c, "SELECT 'a' = 'A'");
        await RunAsync(c, "SET NAMES utf8mb4");
        await RunAsync(c, "SELECT 'a' = 'A', 'ü'");
    }

    private async Task CancelAsync(MySqlConnection c)
    {
        Section("cancelled statements");
        foreach (var hint in (string[])["leader", "local"])
        {
            await using var victim = await OpenAsync();
            await RunAsync(victim, "SELECT 1");
            await using var command = new MySqlCommand($"/* wolfscale: {hint} */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many", victim);
            var slow = AttemptAsync(() => ShowAsync(command));
            await AwaitSleepAsync(c);
            command.Cancel();
            await slow;
            await RunAsync(victim, "SELECT 'still here'");
        }

        await using var limited = new MySqlCommand("SELECT SUM(SLEEP(0.05 + id * 0)) FROM many", c) { CommandTimeout = 1 };
        await AttemptAsync(() => ShowAsync(limited));
        await RunAsync(c, "SELECT 'still here'");
    }

    private static async Task AwaitSleepAsync(MySqlConnection c)
    {
        while (true)
        {
            foreach (var hint in (string[])["leader", "local"])
            {
                await using var command = new MySqlCommand($"/* wolfscale: {hint} */ SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()", c);
                if ((long)(await command.ExecuteScalarAsync())! > 0)
                    return;
            }
        }
    }

    private async Task SessionAsync(MySqlConnection c)
    {
        Section("session");
        Line($"connection id: {c.ServerThread}");
        await using (var command = new MySqlCommand("SELECT CONNECTION_ID()", c))
            Line($"id is the server's: {Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) == c.ServerThread}");
        Line($"server {c.ServerVersion}, ping {await c.PingAsync()}");
        await RunAsync(c, "SET @a = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'");
        await RunAsync(c, "SELECT @a, @@sql_mode, FROM_UNIXTIME(0)");
        await RunAsync(c, "CREATE TEMPORARY TABLE scratch (id INT)");
        await RunAsync(c, "INSERT INTO scratch VALUES (1), (2)");
        await RunAsync(c, "SELECT * FROM scratch");
        await c.ResetConnectionAsync();
        await RunAsync(c, "SELECT @a, @@sql_mode, DATABASE()");
        await RunAsync(c, "SELECT * FROM scratch");
        await c.ChangeDatabaseAsync("information_schema");
        Line($"database {c.Database}");
        await RunAsync(c, "SELECT DATABASE()");
    }

    private async Task OtherConnectionsAsync()
    {
        Section("TLS");
        await using (var tls = await OpenAsync(b => (b.SslMode, b.SslCa) = (MySqlSslMode.VerifyFull, environment["CONF_CA"])))
        {
            await RunAsync(tls, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");
            await RunAsync(tls, "SELECT MD5(?)", true, [new string('x', 1 << 20)]);
        }

        Section("ed25519");
        await AttemptAsync(() => OpenAsync(b => b.UserID = environment["CONF_ED25519_USER"]));

        Section("compression");
        await using var compressed = await OpenAsync(b => b.UseCompression = true);
        await RunAsync(compressed, "SELECT 'compressed or not', REPEAT('x', 100000)");

        Section("reset by a pool");
        for (var i = 0; i < 2; i++)
        {
            await using var pooled = await OpenAsync(b => (b.Pooling, b.ApplicationName) = (true, environment["CONF_PORT"]));
            await RunAsync(pooled, "SELECT @a");
            await RunAsync(pooled, "SET @a = 5");
        }
    }
}
