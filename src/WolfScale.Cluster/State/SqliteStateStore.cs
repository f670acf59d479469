using Microsoft.Data.Sqlite;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.State;

/// <summary>
/// The node's own state in <c>state/state.db</c>: term and vote, identity, remembered peers, the database side's plans.
/// <para>
/// Durability: WAL journal with <c>synchronous = FULL</c>, so SQLite calls fsync on the journal before a commit returns (seen with strace; its
/// result is checked by SQLite and becomes an exception here). The folder is synced once after the file is made. A node that could forget
/// its vote could vote twice in one term (Raft §5.1), so nothing here is ever buffered.
/// </para>
/// </summary>
internal sealed class SqliteStateStore : IStateStore, IDisposable
{
    private const int SchemaVersion = 1;

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _saveHardState;

    private SqliteStateStore(string path)
    {
        Path = path;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        try
        {
            _connection.RequireSchema(SchemaVersion);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
        _connection.Execute("PRAGMA journal_mode = WAL");
        _connection.Execute("PRAGMA synchronous = FULL");
        _connection.Execute("PRAGMA busy_timeout = 5000");
        _connection.Execute("""
            CREATE TABLE IF NOT EXISTS hard_state (one INTEGER PRIMARY KEY CHECK (one = 1), term INTEGER NOT NULL, vote_id TEXT, vote_incarnation INTEGER);
            CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS peers (address TEXT PRIMARY KEY, node_id TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS plans (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, step INTEGER NOT NULL,
                data TEXT NOT NULL);
            """);
        _connection.SetSchema(SchemaVersion);
        _saveHardState = _connection.Command("""
            INSERT INTO hard_state (one, term, vote_id, vote_incarnation) VALUES (1, $term, $id, $incarnation)
            ON CONFLICT (one) DO UPDATE SET term = $term, vote_id = $id, vote_incarnation = $incarnation
            """, ("$term", 0L), ("$id", DBNull.Value), ("$incarnation", DBNull.Value));
        _saveHardState.Prepare();
    }

    public string Path { get; }

    /// <summary>Opens or makes the database, and checks that it is whole.</summary>
    /// <exception cref="ClusterStartException">It cannot be opened, is damaged, or of a later version of this program.</exception>
    public static SqliteStateStore Open(string directory)
    {
        var path = System.IO.Path.Combine(directory, "state.db");
        try
        {
            Directory.CreateDirectory(directory);
            var store = new SqliteStateStore(path);
            var verdict = store.Scalar("PRAGMA quick_check") as string;
            if (verdict != "ok")
            {
                store.Dispose();
                throw new ClusterStartException(Damaged(path, verdict ?? "no answer from quick_check"));
            }
            Posix.FsyncDirectory(directory);
            return store;
        }
        catch (NewerSchemaException e)
        {
            throw new ClusterStartException($"the node's state {e.Message}", e);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
        {
            throw new ClusterStartException(Damaged(path, e.Message), e);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new ClusterStartException($"the node's state {path} cannot be opened: {e.Message}; see node.data_dir, its owner and free space", e);
        }
    }

    /// <summary>Term and vote as last written; (0, null) at first.</summary>
    public HardState LoadHardState()
    {
        lock (_lock)
        {
            using var command = _connection.Command("SELECT term, vote_id, vote_incarnation FROM hard_state");
            using var reader = command.ExecuteReader();
            if (!reader.Read())
                return default;
            NodeKey? vote = reader.IsDBNull(1) ? null : new NodeKey(reader.GetString(1), unchecked((ulong)reader.GetInt64(2)));
            return new HardState(reader.GetInt64(0), vote);
        }
    }

    /// <summary>On the disk when it returns.</summary>
    /// <exception cref="SqliteException">It is not; the node must not answer.</exception>
    public void SaveHardState(HardState state)
    {
        lock (_lock)
        {
            _saveHardState.Parameters[0].Value = state.Term;
            _saveHardState.Parameters[1].Value = (object?)state.Vote?.Id ?? DBNull.Value;
            _saveHardState.Parameters[2].Value = state.Vote is { } vote ? unchecked((long)vote.Incarnation) : DBNull.Value;
            _saveHardState.ExecuteNonQuery();
        }
    }

    /// <summary>The addresses of nodes this one has been in a cluster with.</summary>
    public IReadOnlyList<string> LoadPeers()
    {
        lock (_lock)
        {
            using var command = _connection.Command("SELECT address FROM peers ORDER BY address");
            using var reader = command.ExecuteReader();
            var peers = new List<string>();
            while (reader.Read())
                peers.Add(reader.GetString(0));
            return peers;
        }
    }

    /// <summary>Replaces the remembered peers.</summary>
    public void SavePeers(IEnumerable<(string NodeId, string Address)> peers)
    {
        lock (_lock)
        {
            using var transaction = _connection.BeginTransaction();
            _connection.Execute("DELETE FROM peers");
            foreach (var (id, address) in peers)
                _connection.Execute("INSERT OR REPLACE INTO peers (address, node_id) VALUES ($a, $n)", ("$a", address), ("$n", id));
            transaction.Commit();
        }
    }

    /// <summary>Writes several facts as one: after a crash there are all or none.</summary>
    public void PutAll(params ReadOnlySpan<(string Key, string? Value)> facts)
    {
        lock (_lock)
        {
            using var transaction = _connection.BeginTransaction();
            foreach (var (key, value) in facts)
                PutOne(key, value);
            transaction.Commit();
        }
    }

    public string? Get(string key)
    {
        lock (_lock)
            return Scalar("SELECT value FROM facts WHERE key = $k", ("$k", key)) as string;
    }

    public void Put(string key, string? value)
    {
        lock (_lock)
            PutOne(key, value);
    }

    public IReadOnlyList<KeyValuePair<string, string>> List(string prefix)
    {
        lock (_lock)
        {
            using var command = _connection.Command("SELECT key, value FROM facts WHERE substr(key, 1, length($p)) = $p ORDER BY key", ("$p", prefix));
            using var reader = command.ExecuteReader();
            var found = new List<KeyValuePair<string, string>>();
            while (reader.Read())
                found.Add(new(reader.GetString(0), reader.GetString(1)));
            return found;
        }
    }

    public IReadOnlyList<StoredPlan> OpenPlans()
    {
        lock (_lock)
        {
            using var command = _connection.Command("SELECT id, kind, step, data FROM plans ORDER BY sequence");
            using var reader = command.ExecuteReader();
            var plans = new List<StoredPlan>();
            while (reader.Read())
                plans.Add(new(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetString(3)));
            return plans;
        }
    }

    public void SavePlan(StoredPlan plan)
    {
        lock (_lock)
        {
            _connection.Execute("""
                INSERT INTO plans (id, kind, step, data) VALUES ($i, $k, $s, $d) ON CONFLICT (id) DO UPDATE SET kind = $k, step = $s, data = $d
                """, ("$i", plan.Id), ("$k", plan.Kind), ("$s", plan.Step), ("$d", plan.Data));
        }
    }

    public void DeletePlan(string id)
    {
        lock (_lock)
            _connection.Execute("DELETE FROM plans WHERE id = $i", ("$i", id));
    }

    public void Dispose()
    {
        _saveHardState.Dispose();
        _connection.Dispose();
    }

    /// <summary>What SQLite says about a setting, for the test that holds the durable ones.</summary>
    internal string? Pragma(string name) => Scalar($"PRAGMA {name}")?.ToString();

    private void PutOne(string key, string? value)
    {
        if (value is null)
            _connection.Execute("DELETE FROM facts WHERE key = $k", ("$k", key));
        else
            _connection.Execute("INSERT INTO facts (key, value) VALUES ($k, $v) ON CONFLICT (key) DO UPDATE SET value = $v", ("$k", key), ("$v", value));
    }

    private object? Scalar(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = _connection.Command(sql, parameters);
        return command.ExecuteScalar();
    }

    private static string Damaged(string path, string detail) =>
        $"the node's state {path} is damaged ({detail}). It holds the node's vote, which must not be guessed: move the file away, and the node comes "
        + "back as a new incarnation that joins through its peers and keeps its log";
}
