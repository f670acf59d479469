using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Snowflakes;
using WolfScale.Server.Http.Data.Statements;
using WolfScale.Server.Http.Data.Writing;

namespace WolfScale.Server.Http.Data;

/// <summary>The parts of the data routes, joined when the first request comes: the node's proxy is started after its API.</summary>
internal sealed class DataApi : IAsyncDisposable
{
    private static readonly TimeSpan ExpireEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly ClusterNode _node;
    private readonly IDataNode _host;
    private readonly string _defaultDatabase;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _expiring;
    private readonly ConcurrentDictionary<int, SnowflakeClock> _clocks = new();
    private Parts? _parts;
    private SessionOptions? _joined;

    public DataApi(ClusterNode node, IDataNode host, string defaultDatabase, ILogger logger, TimeProvider time)
    {
        (_node, _host, _defaultDatabase, _logger, _time) = (node, host, defaultDatabase, logger, time);
        _expiring = ExpireAsync();
    }

    /// <exception cref="DataProblemException">This node has no proxy.</exception>
    public Parts Open()
    {
        lock (_lock)
        {
            var (options, why) = _host.Proxy;
            if (options is null)
                throw new DataProblemException(501, "no_proxy", "This node has no data routes", why);
            if (_parts is { } parts && _joined == options)
                return parts;
            if (_parts is { } old)
                _ = CloseAsync(old.Sessions); // the proxy's settings were reloaded
            _joined = options;
            return _parts = Join(options);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _expiring;
        if (_parts is { } parts)
            await parts.Sessions.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task CloseAsync(ApiSessions sessions)
    {
        try
        {
            await sessions.DisposeAsync();
        }
        catch (Exception e)
        {
            DataLog.NotClosed(_logger, e.Message);
        }
    }

    private Parts Join(SessionOptions options)
    {
        var sessions = new ApiSessions(options, _time);
        var (catalogue, places) = (new TableCatalogue(sessions, _time), new CommittedPlaces(_node, _time));
        var (keys, numbers) = (new IdempotencyKeys(sessions, places), new NodeNumbers(sessions, _node, _time, _clocks));
        var transactions = new KeyedTransactions(sessions, places, keys);
        return new Parts(
            sessions, new Writer(sessions, catalogue, transactions, numbers, _defaultDatabase),
            new SqlRunner(sessions, catalogue, places, new RepeatableSql(sessions, transactions), _defaultDatabase), numbers, keys, new AppliedEverywhere(_node, _time, _host.Stopping));
    }

    /// <summary>The leader's node deletes old keys for all.</summary>
    private async Task ExpireAsync()
    {
        using var timer = new PeriodicTimer(ExpireEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                if (!_host.Serves || _host.Proxy.Options is null)
                    continue;
                try
                {
                    await Open().Keys.ExpireAsync();
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    DataLog.NotExpired(_logger, e.Message); // a minute later again
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    internal sealed record Parts(ApiSessions Sessions, Writer Writer, SqlRunner Sql, NodeNumbers Numbers, IdempotencyKeys Keys, AppliedEverywhere Applied);
}
