using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// The part of a planned switchover that can be taken back: lets the transactions that have written something end, refuses new writes, and
/// waits until the quorum has everything.
/// </summary>
internal sealed class Handover(ServerConnector connector, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>INNODB_TRX shows the same picture for as long as it is asked more often than every 100 ms (<c>trx0i_s.cc</c>; measured).</summary>
    private static readonly TimeSpan WritersPause = TimeSpan.FromMilliseconds(150);

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
        var running = await WritersAsync(server);
        while (running.Count > 0 && Rest() > limit / 2)
        {
            await Task.Delay(WritersPause, time, cancellationToken);
            running.IntersectWith(await WritersAsync(server));
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

    private static async Task<HashSet<string>> WritersAsync(AdminConnection server) =>
        [.. (await server.QueryAsync("SELECT trx_id FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0")).Select(r => r.First ?? "")];
}
