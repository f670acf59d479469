using System.Globalization;
using Microsoft.Data.Sqlite;
using WolfScale.Cluster.State;

namespace WolfScale.Cluster.History;

/// <summary>
/// <c>state/events.db</c>: a database of its own beside the node's state, so that neither a vote waits for an event nor damage to the history keeps a node
/// from starting. Not thread-safe.
/// </summary>
internal sealed class EventStore : IDisposable
{
    private const int SchemaVersion = 1;
    private const string DiscardedCounter = "discarded_transactions";
    private readonly SqliteConnection _connection;

    private EventStore(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            _connection.Open();
            _connection.RequireSchema(SchemaVersion);
            _connection.Execute("PRAGMA journal_mode = WAL");
            _connection.Execute("PRAGMA synchronous = FULL");
            _connection.Execute("""
                CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, time TEXT NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
                    details TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                """);
            _connection.SetSchema(SchemaVersion);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens or makes the database. One that is damaged is put aside under another name: a history is not worth a node that does not start.</summary>
    /// <param name="directory">The node's state folder, which is there.</param>
    /// <param name="damage">What was put aside, and why; null when nothing was.</param>
    /// <exception cref="SqliteException">It cannot be opened at all.</exception>
    /// <exception cref="NewerSchemaException">It is of a later version of this program, which goes on with it some day.</exception>
    public static EventStore Open(string directory, out string? damage)
    {
        var path = Path.Combine(directory, "events.db");
        damage = null;
        try
        {
            return new EventStore(path);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
        {
            var aside = path + ".damaged";
            File.Move(path, aside, overwrite: true);
            File.Delete(path + "-wal");
            File.Delete(path + "-shm");
            damage = $"{e.Message}; it is kept as {aside}";
            return new EventStore(path);
        }
    }

    /// <summary>The newest events, oldest first.</summary>
    public List<NodeEvent> Load(int limit)
    {
        using var command = _connection.Command("SELECT id, time, node, kind, message, details FROM events ORDER BY id DESC LIMIT $n", ("$n", limit));
        using var reader = command.ExecuteReader();
        var events = new List<NodeEvent>();
        while (reader.Read())
        {
            events.Add(new NodeEvent(
                reader.GetInt64(0), DateTimeOffset.Parse(reader.GetString(1), CultureInfo.InvariantCulture), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetString(5)));
        }
        events.Reverse();
        return events;
    }

    /// <summary>How many transactions this node has discarded in its life.</summary>
    public long Discarded()
    {
        using var command = _connection.Command("SELECT value FROM counters WHERE name = $n", ("$n", DiscardedCounter));
        return command.ExecuteScalar() as long? ?? 0;
    }

    /// <summary>Adds events, lets the oldest go, and counts what was discarded; all of it or nothing.</summary>
    public void Save(IReadOnlyList<NodeEvent> events, int keep, long discarded)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var e in events)
        {
            _connection.Execute(
                "INSERT OR REPLACE INTO events (id, time, node, kind, message, details) VALUES ($i, $t, $n, $k, $m, $d)",
                ("$i", e.Id), ("$t", e.Time.ToString("O", CultureInfo.InvariantCulture)), ("$n", e.Node), ("$k", e.Kind), ("$m", e.Message), ("$d", e.Details));
        }
        _connection.Execute("DELETE FROM events WHERE id <= $i", ("$i", events[^1].Id - keep));
        if (discarded > 0)
            _connection.Execute("INSERT INTO counters (name, value) VALUES ($n, $v) ON CONFLICT (name) DO UPDATE SET value = value + $v", ("$n", DiscardedCounter), ("$v", discarded));
        transaction.Commit();
    }

    public void Dispose() => _connection.Dispose();
}
