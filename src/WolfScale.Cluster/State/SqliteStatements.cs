using Microsoft.Data.Sqlite;

namespace WolfScale.Cluster.State;

/// <summary>Statements with named parameters.</summary>
internal static class SqliteStatements
{
    public static void Execute(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = connection.Command(sql, parameters);
        command.ExecuteNonQuery();
    }

    /// <summary>To be disposed of by the caller.</summary>
    public static SqliteCommand Command(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value);
        return command;
    }

    /// <summary>
    /// The version of the tables, kept in the database's header; 0 in a new one, and in those of before it was written. Looked at before anything else: whoever adds what an older program
    /// must not overlook raises it.
    /// </summary>
    /// <exception cref="NewerSchemaException">It is of a later version of this program; nothing was changed.</exception>
    public static void RequireSchema(this SqliteConnection connection, int known)
    {
        using var command = connection.Command("PRAGMA user_version");
        if (command.ExecuteScalar() is long version && version > known)
            throw new NewerSchemaException($"{connection.DataSource} has tables of version {version}, and this program knows version {known}: run the program that wrote it, or a newer one. Nothing was changed");
    }

    public static void SetSchema(this SqliteConnection connection, int version) =>
        connection.Execute(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA user_version = {version}"));
}

/// <summary>A database that a later version of this program has changed.</summary>
internal sealed class NewerSchemaException(string message) : Exception(message);
