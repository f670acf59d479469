using System.Globalization;
using MySqlConnector;

namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// How the tests reach one MariaDB server: <c>root</c> through its socket, applications through TCP. Statements have no time-out here: the
/// connector would send KILL QUERY, and a killed commit is released without an ACK (mariadb-facts: the first gate). Without a <paramref name="Host"/>
/// applications come through the socket too: the server stands in another network.
/// </summary>
internal sealed record SqlServer(string Name, string Host, int Port, string Socket)
{
    /// <summary>A connection as <c>root</c>, which <c>read_only</c> does not stop.</summary>
    public Task<MySqlConnection> RootAsync(string database = "") => OpenAsync(new MySqlConnectionStringBuilder
    {
        Server = Socket,
        ConnectionProtocol = MySqlConnectionProtocol.UnixSocket,
        UserID = "root",
        Database = database,
    });

    /// <summary>A connection as an application has it.</summary>
    public Task<MySqlConnection> ClientAsync(string user, string password, string database = "") => OpenAsync(new MySqlConnectionStringBuilder
    {
        Server = Host.Length > 0 ? Host : Socket,
        ConnectionProtocol = Host.Length > 0 ? MySqlConnectionProtocol.Sockets : MySqlConnectionProtocol.UnixSocket,
        Port = (uint)Port,
        UserID = user,
        Password = password,
        Database = database,
    });

    /// <summary>Runs statements as root, one after another, on one connection.</summary>
    public async Task RunAsync(params string[] statements)
    {
        await using var connection = await RootAsync();
        foreach (var statement in statements)
            await connection.RunAsync(statement);
    }

    /// <summary>Loads a dump as root, unlogged, through the <c>mariadb</c> client.</summary>
    public async Task LoadAsync(string dump)
    {
        using var folder = new TempFolder("load");
        var file = folder.File("dump.sql");
        await File.WriteAllTextAsync(file, dump);
        var loaded = await Command.RunAsync("mariadb", ["--no-defaults", $"--socket={Socket}", "--user=root", "--init-command=SET sql_log_bin=0", "-e", $"source {file}"], TimeSpan.FromMinutes(2));
        Assert.True(loaded.ExitCode == 0, loaded.ToString());
    }

    /// <summary>The first column of the first row, as text; null for no row or NULL.</summary>
    public async Task<string?> ScalarAsync(string sql)
    {
        await using var connection = await RootAsync();
        return await connection.ScalarAsync(sql);
    }

    public override string ToString() => Name;

    private static async Task<MySqlConnection> OpenAsync(MySqlConnectionStringBuilder builder)
    {
        builder.Pooling = false;
        builder.AllowUserVariables = true;
        builder.AllowLoadLocalInfile = true;
        builder.ConnectionTimeout = 5;
        builder.DefaultCommandTimeout = 0;
        builder.SslMode = MySqlSslMode.None;
        builder.AllowPublicKeyRetrieval = true;
        var connection = new MySqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

/// <summary>Statements in one line.</summary>
internal static class SqlExtensions
{
    public static async Task<int> RunAsync(this MySqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        try
        {
            return await command.ExecuteNonQueryAsync();
        }
        catch (MySqlException e) when (Note(e, sql))
        {
            throw;
        }
    }

    /// <summary>Ends what another client has under way, and sees that it does.</summary>
    /// <param name="killer">Who sends KILL QUERY.</param>
    /// <param name="client">Whom it means.</param>
    /// <param name="statement">What that one has under way.</param>
    public static async Task KillQueryAsync(this MySqlConnection killer, MySqlConnection client, Task statement)
    {
        var who = $"{killer.ServerThread} at {killer.DataSource} wants to kill {client.ServerThread}";
        var refused = await Record.ExceptionAsync(() => killer.RunAsync($"KILL QUERY {client.ServerThread}"));
        Assert.True(refused is null, $"{who}: {refused}");
        var ended = await Record.ExceptionAsync(() => statement.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.True(ended is null or MySqlException { Number: 1317 }, $"{who}, which says {ended}"); // MariaDB answers an interrupted SLEEP with OK, or with 1317
    }

    public static async Task<string?> ScalarAsync(this MySqlConnection connection, string sql)
    {
        var rows = await connection.RowsAsync(sql);
        return rows.Count == 0 ? null : rows[0][0];
    }

    public static async Task<long> LongAsync(this MySqlConnection connection, string sql) =>
        long.Parse(await connection.ScalarAsync(sql) ?? "0", CultureInfo.InvariantCulture);

    /// <summary>All rows as text, byte arrays in hexadecimal.</summary>
    public static async Task<List<string?[]>> RowsAsync(this MySqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        try
        {
            var rows = new List<string?[]>();
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => Text(reader, i))]);
            return rows;
        }
        catch (MySqlException e) when (Note(e, sql))
        {
            throw;
        }
    }

    private static string? Text(MySqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetValue(column) switch
    {
        byte[] bytes => Convert.ToHexString(bytes),
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        var value => value.ToString(),
    };

    /// <summary>Notes the statement on the exception; never catches it.</summary>
    private static bool Note(MySqlException exception, string sql)
    {
        exception.Data["sql"] = sql;
        return false;
    }
}
