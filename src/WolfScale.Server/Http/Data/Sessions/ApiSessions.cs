using System.Globalization;
using System.Net;
using MySqlConnector;
using WolfScale.Protocol;

namespace WolfScale.Server.Http.Data.Sessions;

/// <summary>How the API reaches its node's proxy.</summary>
/// <param name="Proxy">Where the proxy listens.</param>
/// <param name="Tls">The proxy refuses logins without TLS.</param>
/// <param name="User">The account of <c>[database]</c>.</param>
/// <param name="Password">Its password.</param>
/// <param name="Size">Sessions at a time of each kind, at most.</param>
/// <param name="WaitMs">Milliseconds that a statement may wait for a leader (<c>proxy.failover_wait_ms</c>), and a request for a session.</param>
/// <param name="LastGtid">Asks the proxy, which lives in this process, what a session's last statement has committed; null: it is asked over the session itself.</param>
/// <param name="OwnServer">Asks the proxy for the node's own server; null: nothing is read past the proxy.</param>
internal sealed record SessionOptions(
    IPEndPoint Proxy, bool Tls, string User, string Password, int Size, int WaitMs, LastGtidQuestion? LastGtid = null, OwnServerQuestion? OwnServer = null);

/// <summary>See <see cref="Hosting.ProxySide.FindOwnServer"/>.</summary>
internal delegate IPEndPoint? OwnServerQuestion(bool whoeverLeads);

/// <summary>See <see cref="WolfScale.Proxy.ProxyServer.TryFindLastGtid"/>.</summary>
internal delegate bool LastGtidQuestion(uint connectionId, out Gtid? gtid);

/// <summary>
/// The API's sessions with its own node's proxy, kept open between requests. What the proxy promises to any client it promises to these: no OK before the quorum holds the write, the next leader
/// where one is lost, and the truth about what became of a statement.
/// </summary>
internal sealed class ApiSessions : IAsyncDisposable
{
    /// <summary>Requests that may wait for a session; one more is refused at once.</summary>
    public const int MostWaiting = 1000;

    /// <summary>An idle session is closed after so long: long before a server closes one by itself, which a write would be the first to notice.</summary>
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);

    private const string Settings =
        "SET SESSION sql_mode='STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', innodb_lock_wait_timeout=10, lock_wait_timeout=10";

    private readonly SessionOptions _options;
    private readonly TimeProvider _time;
    private readonly string _connectionString;
    private readonly Pool[] _pools;
    private readonly ITimer _pruning;
    private volatile bool _closed;

    public ApiSessions(SessionOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _connectionString = new MySqlConnectionStringBuilder
        {
            Server = (options.Proxy.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : options.Proxy.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : options.Proxy.Address).ToString(),
            Port = (uint)options.Proxy.Port,
            ConnectionProtocol = MySqlConnectionProtocol.Sockets,
            UserID = options.User,
            Password = options.Password,
            Pooling = false,
            ConnectionTimeout = (uint)((options.WaitMs / 1000) + 5),
            DefaultCommandTimeout = (uint)((options.WaitMs / 1000) + 60),
            CancellationTimeout = -1, // give the socket up, and never KILL QUERY: a commit that is killed is released without the quorum
            AllowUserVariables = true,
            AllowZeroDateTime = true,
            TreatTinyAsBoolean = false,
            GuidFormat = MySqlGuidFormat.None,
            UseAffectedRows = true,
            CharacterSet = "utf8mb4",
            ApplicationName = "wolfscale-http",
            SslMode = options.Tls ? MySqlSslMode.Required : MySqlSslMode.None, // to this very process: nothing in between that a certificate could prove
            AllowPublicKeyRetrieval = false,
        }.ToString();
        _pools = [.. Enum.GetValues<SessionKind>().Select(_ => new Pool(options.Size))];
        _pruning = time.CreateTimer(_ => Prune(), null, IdleLimit / 4, IdleLimit / 4);
    }

    /// <summary>Whether a session of <see cref="SessionKind.OwnServerSql"/> can be had: the node's own server follows, and (unless that does not matter) nobody is known to lead.</summary>
    public bool MayReadOwnServer(bool whoeverLeads) => _options.OwnServer?.Invoke(whoeverLeads) is not null;

    /// <summary>A session for one request; give it back with <see cref="ReturnAsync"/>.</summary>
    /// <param name="kind">What it is for.</param>
    /// <param name="schema">The schema it is to be in; null for none.</param>
    /// <exception cref="DataProblemException">All are taken, none can be opened, or there is no such schema.</exception>
    public async Task<ApiSession> RentAsync(SessionKind kind, string? schema = null)
    {
        var pool = _pools[(int)kind];
        if (pool.Turns.CurrentCount == 0 && Volatile.Read(ref pool.Waiting) >= MostWaiting)
            throw Busy();
        _ = Interlocked.Increment(ref pool.Waiting);
        try
        {
            if (!await pool.Turns.WaitAsync(_options.WaitMs))
                throw Busy();
        }
        finally
        {
            _ = Interlocked.Decrement(ref pool.Waiting);
        }

        try
        {
            return await PrepareAsync(pool.Take(), kind, schema);
        }
        catch
        {
            _ = pool.Turns.Release();
            throw;
        }
    }

    /// <summary>Takes a session back, or closes it.</summary>
    public async Task ReturnAsync(ApiSession session)
    {
        var pool = _pools[(int)session.Kind];
        try
        {
            if (session.IsReusable && !_closed)
            {
                session.IdleSince = _time.GetTimestamp();
                pool.Put(session);
            }
            else
            {
                await session.DisposeAsync();
            }
        }
        finally
        {
            _ = pool.Turns.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true; // what is out is closed when it comes back
        await _pruning.DisposeAsync();
        foreach (var pool in _pools)
        {
            while (pool.Take() is { } session)
                await session.DisposeAsync();
        }
    }

    private async Task<ApiSession> PrepareAsync(ApiSession? session, SessionKind kind, string? schema)
    {
        if (session is { Schema: not null } && schema is null)
        {
            await session.DisposeAsync(); // no session gets rid of its schema
            session = null;
        }

        session ??= await OpenAsync(kind);
        if (schema is null)
            return session;
        try
        {
            await session.ChooseAsync(schema);
            return session;
        }
        catch (MySqlException e)
        {
            await session.DisposeAsync();
            throw MariaDbErrors.Translate(e, mayHaveWritten: false);
        }
    }

    private async Task<ApiSession> OpenAsync(SessionKind kind)
    {
        var isOwn = kind == SessionKind.OwnServerSql;
        var connection = new MySqlConnection(isOwn ? OwnServer() : _connectionString);
        var session = new ApiSession(connection, kind, isOwn ? null : _options.LastGtid);
        try
        {
            await connection.OpenAsync(CancellationToken.None);
            await SetUpAsync(session);
            return session;
        }
        catch (MySqlException e)
        {
            await session.DisposeAsync();
            throw MariaDbErrors.OfOpening(e, _options.User, isOwn ? "this node's own server" : "the leader's server");
        }
    }

    /// <summary>As the proxy reaches it: over TCP, and without TLS, because the way is loopback.</summary>
    private string OwnServer()
    {
        var server = _options.OwnServer?.Invoke(whoeverLeads: true)
            ?? throw new DataProblemException(503, "no_leader", "No node accepts writes", "Nobody leads, and this node's own server cannot be read from at the moment. Nothing was executed.") { RetryAfterSeconds = 1 };
        return new MySqlConnectionStringBuilder(_connectionString) { Server = server.Address.ToString(), Port = (uint)server.Port, SslMode = MySqlSslMode.None }.ToString();
    }

    private static async Task SetUpAsync(ApiSession session)
    {
        _ = await session.RunAsync(Settings);
        if (session.Kind is SessionKind.ReadSql or SessionKind.Question or SessionKind.OwnServerSql)
            _ = await session.RunAsync("SET SESSION TRANSACTION READ ONLY");
    }

    private void Prune()
    {
        foreach (var pool in _pools)
        {
            foreach (var session in pool.TakeOlder(s => _time.GetElapsedTime(s.IdleSince) > IdleLimit))
                _ = CloseAsync(session);
        }
    }

    private static async Task CloseAsync(ApiSession session)
    {
        try
        {
            await session.DisposeAsync();
        }
        catch (MySqlException)
        {
            // It was gone already.
        }
    }

    private DataProblemException Busy() => new(
        503, "busy", "All sessions are taken",
        string.Create(CultureInfo.InvariantCulture, $"All {_options.Size} database sessions of this node's API were busy for {_options.WaitMs} ms. Nothing was executed. Raise database.pool_size, or send less at a time."))
    {
        RetryAfterSeconds = 1,
    };

    /// <summary>The idle sessions of one kind, the one used last on top: the others grow old and are closed.</summary>
    private sealed class Pool(int size)
    {
        private readonly Lock _lock = new();
        private readonly List<ApiSession> _idle = [];

        public SemaphoreSlim Turns { get; } = new(size, size);

        public int Waiting;

        public ApiSession? Take()
        {
            lock (_lock)
            {
                if (_idle is not [.., var last])
                    return null;
                _idle.RemoveAt(_idle.Count - 1);
                return last;
            }
        }

        public void Put(ApiSession session)
        {
            lock (_lock)
                _idle.Add(session);
        }

        public List<ApiSession> TakeOlder(Predicate<ApiSession> isOld)
        {
            lock (_lock)
            {
                var old = _idle.FindAll(isOld);
                _ = _idle.RemoveAll(isOld);
                return old;
            }
        }
    }
}
