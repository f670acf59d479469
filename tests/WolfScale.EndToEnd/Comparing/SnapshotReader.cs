using System.Text.RegularExpressions;
using MySqlConnector;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Comparing;

/// <summary>Reads a <see cref="ServerSnapshot"/>. The server must be at rest: nothing is locked here.</summary>
internal sealed partial class SnapshotReader(SqlServer server, IReadOnlySet<string> ignoredAccounts, IReadOnlySet<string> ignoredSchemas)
{
    private readonly SortedDictionary<string, string> _facts = new(StringComparer.Ordinal);

    /// <exception cref="InvalidOperationException">The server refused a statement; the message names it.</exception>
    public async Task<ServerSnapshot> ReadAsync()
    {
        try
        {
            await ReadAllAsync();
        }
        catch (MySqlException e)
        {
            throw new InvalidOperationException($"{server} could not be read: error {e.Number}, {e.Message}\nStatement: {e.Data["sql"]}", e);
        }
        return new ServerSnapshot(server.Name, _facts);
    }

    private async Task ReadAllAsync()
    {
        await using var connection = await server.RootAsync();
        // The text of SHOW CREATE depends on the session: the same session everywhere.
        await connection.RunAsync("SET NAMES utf8mb4, sql_mode='', time_zone='+00:00', sql_quote_show_create=1");
        foreach (var schema in await SchemasAsync(connection))
        {
            await AddAsync(connection, $"schema {schema}", $"SHOW CREATE DATABASE {Sql.Name(schema)}", 1);
            await ReadTablesAsync(connection, schema);
            await ReadTriggersAsync(connection, schema);
            await ReadRoutinesAsync(connection, schema);
            await ReadEventsAsync(connection, schema);
        }
        await ReadAccountsAsync(connection);
        _facts["gtid_binlog_pos"] = await connection.ScalarAsync("SELECT @@gtid_binlog_pos") ?? "";
    }

    private async Task<IEnumerable<string>> SchemasAsync(MySqlConnection connection)
    {
        var system = new HashSet<string>(StringComparer.Ordinal) { "mysql", "information_schema", "performance_schema", "sys" };
        var rows = await connection.RowsAsync("SELECT schema_name FROM information_schema.schemata");
        return rows.Select(r => r[0]!).Where(s => !system.Contains(s) && !ignoredSchemas.Contains(s));
    }

    private async Task ReadTablesAsync(MySqlConnection connection, string schema)
    {
        var tables = await connection.RowsAsync($"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = {Sql.Literal(schema)}");
        foreach (var row in tables)
        {
            var (name, type) = (row[0]!, row[1]!);
            var path = $"{Sql.Name(schema)}.{Sql.Name(name)}";
            switch (type)
            {
                case "VIEW":
                    await AddAsync(connection, $"view {schema}.{name}", $"SHOW CREATE VIEW {path}", 1);
                    break;
                case "SEQUENCE":
                    await AddAsync(connection, $"sequence {schema}.{name}", $"SHOW CREATE SEQUENCE {path}", 1);
                    _facts[$"sequence {schema}.{name} / state"] = string.Join(", ", (await connection.RowsAsync($"SELECT * FROM {path}"))[0]);
                    break;
                default:
                    await AddAsync(connection, $"table {schema}.{name}", $"SHOW CREATE TABLE {path}", 1, d => AutoIncrement().Replace(d, ""));
                    await ReadRowsAsync(connection, schema, name, type == "SYSTEM VERSIONED");
                    break;
            }
        }
    }

    private async Task ReadRowsAsync(MySqlConnection connection, string schema, string name, bool versioned)
    {
        var key = $"table {schema}.{name}";
        var path = $"{Sql.Name(schema)}.{Sql.Name(name)}";
        var text = await RowText.OfAsync(connection, schema, name, versioned);
        if (!text.HasGeneratedColumns)
            _facts[$"{key} / checksum"] = (await connection.RowsAsync($"CHECKSUM TABLE {path} EXTENDED"))[0][1] ?? "NULL";
        _facts[$"{key} / rows"] = await connection.ScalarAsync($"SELECT COUNT(*) FROM {path}") ?? "NULL";
        // Of a versioned table the history is read too, with its times.
        _facts[key + Comparer.DigestKey] = await text.DigestAsync(connection);
    }

    private async Task ReadTriggersAsync(MySqlConnection connection, string schema)
    {
        foreach (var row in await connection.RowsAsync($"SELECT trigger_name, action_order FROM information_schema.triggers WHERE trigger_schema = {Sql.Literal(schema)}"))
        {
            await AddAsync(connection, $"trigger {schema}.{row[0]}", $"SHOW CREATE TRIGGER {Sql.Name(schema)}.{Sql.Name(row[0]!)}", 1, 2, 3, 4, 5);
            _facts[$"trigger {schema}.{row[0]} / order"] = row[1]!;
        }
    }

    private async Task ReadRoutinesAsync(MySqlConnection connection, string schema)
    {
        var routines = await connection.RowsAsync($"SELECT routine_name, routine_type FROM information_schema.routines WHERE routine_schema = {Sql.Literal(schema)}");
        foreach (var row in routines)
        {
            await AddAsync(connection, $"{row[1]!.ToLowerInvariant()} {schema}.{row[0]}", $"SHOW CREATE {row[1]} {Sql.Name(schema)}.{Sql.Name(row[0]!)}", 1, 2, 3, 4, 5);
        }
    }

    private async Task ReadEventsAsync(MySqlConnection connection, string schema)
    {
        foreach (var row in await connection.RowsAsync($"SELECT event_name FROM information_schema.events WHERE event_schema = {Sql.Literal(schema)}"))
        {
            // Replicated events arrive SLAVESIDE_DISABLED: only their state may differ.
            var definition = (await connection.RowsAsync($"SHOW CREATE EVENT {Sql.Name(schema)}.{Sql.Name(row[0]!)}"))[0];
            _facts[$"event {schema}.{row[0]}"] = string.Join(" | ", definition[1], definition[2], EventState().Replace(definition[3]!, "$1"), definition[4], definition[5], definition[6]);
        }
    }

    private async Task ReadAccountsAsync(MySqlConnection connection)
    {
        var accounts = await connection.RowsAsync("SELECT user, host, is_role FROM mysql.user");
        foreach (var row in accounts)
        {
            var (user, host, isRole) = (row[0]!, row[1]!, row[2] == "Y");
            if (ignoredAccounts.Contains(user))
                continue;
            var quoted = isRole ? user == "PUBLIC" ? "PUBLIC" : Sql.Name(user) : $"{Sql.Literal(user)}@{Sql.Literal(host)}";
            var key = isRole ? $"role {user}" : $"user {user}@{host}";
            await ReadAccountAsync(connection, key, quoted, isRole);
        }
        var mappings = await connection.RowsAsync("SELECT CONCAT_WS(' ', role, 'to', CONCAT(user, '@', host), admin_option) FROM mysql.roles_mapping");
        _facts["role mappings"] = string.Join("\n", mappings.Select(g => g[0]).Order(StringComparer.Ordinal));
    }

    private async Task ReadAccountAsync(MySqlConnection connection, string key, string quoted, bool isRole)
    {
        try
        {
            if (isRole)
                _facts[key] = "role";
            else
                await AddAsync(connection, key, $"SHOW CREATE USER {quoted}", 0);
            var grants = await connection.RowsAsync($"SHOW GRANTS FOR {quoted}");
            _facts[$"{key} / grants"] = string.Join("\n", grants.Select(g => g[0]).Order(StringComparer.Ordinal));
        }
        catch (MySqlException e) when (e.ErrorCode == MySqlErrorCode.PasswordNoMatch)
        {
            // An account of a host name is stored and not loaded where skip_name_resolve is on.
            _facts[key] = "stored, not in force";
        }
    }

    private Task AddAsync(MySqlConnection connection, string key, string sql, params int[] columns) => AddAsync(connection, key, sql, columns, d => d);

    private Task AddAsync(MySqlConnection connection, string key, string sql, int column, Func<string, string> normalise) =>
        AddAsync(connection, key, sql, [column], normalise);

    private async Task AddAsync(MySqlConnection connection, string key, string sql, int[] columns, Func<string, string> normalise)
    {
        var row = (await connection.RowsAsync(sql))[0];
        _facts[key] = normalise(string.Join(" | ", columns.Select(c => row[c] ?? "NULL")));
    }

    [GeneratedRegex(@" AUTO_INCREMENT=\d+")]
    private static partial Regex AutoIncrement();

    [GeneratedRegex(@"(ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE ON SLAVE|DISABLE)")]
    private static partial Regex EventState();
}
