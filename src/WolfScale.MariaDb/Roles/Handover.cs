using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// The part of a planned switchover that can be taken back: lets the transactions that have written or locked something end, and for a moment those that have read, because
/// they may be about to write; then it refuses new writes, and waits until the quorum has everything.
/// </summary>
internal sealed class Handover(ServerConnector connector, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>INNODB_TRX shows the same picture for as long as it is asked more often than every 100 ms (<c>trx0i_s.cc</c>; measured).</summary>
    private static readonly TimeSpan TransactionsPause = TimeSpan.FromMilliseconds(150);

    /// <summary>Whoever reads for longer (a dump, a forgotten session) would hold up all that write.</summary>
    private static readonly TimeSpan ReadersLimit = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Keyed by connection and begin: the id of a transaction that has only read changes when it writes. Reads outside a transaction need not be waited for, nor those that have been open for so long that they are not
    /// likely to end now. <c>trx_started</c> is in the server's own time zone.
    /// </summary>
    private const string Open = """
        SELECT CONCAT(trx_mysql_thread_id, '/', trx_started), trx_rows_modified > 0 OR trx_rows_locked > 0 AS holds FROM information_schema.INNODB_TRX
        WHERE trx_rows_modified > 0 OR trx_rows_locked > 0
           OR (trx_mysql_thread_id > 0 AND trx_autocommit_non_locking = 0 AND trx_started > NOW() - INTERVAL 10 SECOND)
        """;

    private volatile bool _prepared;
    private volatile bool _resumed;

    /// <summary>Whether the leader is read-only on purpose.</summary>
    public bool IsPrepared => _prepared;

    public void Clear() => _prepared = _resumed = false;

    /// <returns>False when the time was up; the server takes writes as before.</returns>
    public async Task<bool> PrepareAsync(IReplicatedLog log, TimeSpan limit, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await using var server = await connector.OpenAsync(cancellationToken);
        await server.ExecuteAsync("SET SESSION time_zone = 'SYSTEM'");
        var running = await OpenAsync(server);
        while (Rest() > limit / 2 && (running.ContainsValue(true) || (running.Count > 0 && time.GetElapsedTime(began) < ReadersLimit)))
        {
            await Task.Delay(TransactionsPause, time, cancellationToken);
            var before = running;
            running = (await OpenAsync(server)).Where(t => before.ContainsKey(t.Key)).ToDictionary();
        }

        _prepared = true;
        try
        {
            // Waits behind the commits under way; later writes wait behind it, and are refused or, when it gives up, go on.
            var seconds = Math.Max(1, (int)Math.Ceiling(Rest().TotalSeconds));
            await server.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"SET SESSION lock_wait_timeout = {seconds}"));
            await server.ExecuteAsync("SET GLOBAL read_only = 1", TimeSpan.FromSeconds(seconds + 5));
        }
        catch (MySqlException)
        {
            _prepared = false;
            return false;
        }

        if (await IsCommittedAsync(server, log, Rest(), cancellationToken))
            return true;
        Resume();
        return false;

        TimeSpan Rest() => limit - time.GetElapsedTime(began);
    }

    /// <summary>
    /// Takes it back. Nothing is opened from here: the role may have been lost meanwhile, and the server closed for that reason. The leader's own loop,
    /// which ends with the role, opens a server that nobody has closed on purpose any more.
    /// </summary>
    public void Resume()
    {
        _resumed = _prepared;
        _prepared = false;
    }

    /// <summary>Whether it was taken back since the last call: for the leader's loop, which opens the server then.</summary>
    public bool TakeResumed()
    {
        var resumed = _resumed;
        _resumed = false;
        return resumed;
    }

    private async Task<bool> IsCommittedAsync(AdminConnection server, IReplicatedLog log, TimeSpan rest, CancellationToken cancellationToken)
    {
        var position = await PositionReader.ReadAsync(server);
        if (position.Current.Find(position.Domain) is not { } last)
            return true;
        using var timeout = new CancellationTokenSource(rest > TimeSpan.Zero ? rest : TimeSpan.FromSeconds(1), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (true)
            {
                if (new LogView(log, position.Domain).Find(last) is { } lsn)
                {
                    await log.WaitForCommitAsync(lsn, both.Token);
                    return true;
                }

                await Task.Delay(Pause, time, both.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <returns>Transactions, and of each whether it has written or locked something.</returns>
    private static async Task<Dictionary<string, bool>> OpenAsync(AdminConnection server)
    {
        var open = new Dictionary<string, bool>();
        foreach (var row in await server.QueryAsync(Open))
            open[row.First ?? ""] = row["holds"] == "1" || open.GetValueOrDefault(row.First ?? ""); // XA transactions without a client have one key
        return open;
    }
}
