using System.Globalization;
using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// Ends the local clients that keep the applier from going on, while a promotion waits for it (rule C4): a reader that keeps a transaction open holds
/// metadata locks against every ALTER of the log, and one that reads FOR UPDATE holds rows.
/// </summary>
internal sealed partial class ApplierBlockers(ServerContext context)
{
    private bool _askedOnce;

    /// <summary>
    /// Looks whether the applier waits for a lock; if so, kills first the clients with an open transaction or a row lock it waits for,
    /// the next time every client: LOCK TABLES and FLUSH TABLES WITH READ LOCK show in no list of transactions.
    /// </summary>
    /// <returns>Whether the applier was found waiting.</returns>
    public async Task<bool> KillAsync()
    {
        var sessions = await ClientSessions.ListAsync(context.Server);
        var waitsForMetadata = sessions.Any(s => s.IsSystem && s.State.StartsWith("Waiting for", StringComparison.Ordinal) && s.State.EndsWith("lock", StringComparison.Ordinal));
        var rowBlockers = await RowBlockersAsync(sessions);
        if (!waitsForMetadata && rowBlockers.Count == 0)
            return false;

        var clients = sessions.Where(s => !s.IsSystem && !s.IsDump && !context.Connector.IsOwn(s.Id)).ToList();
        var transactions = await TransactionsAsync();
        var victims = _askedOnce ? clients : clients.Where(c => transactions.Contains(c.Id) || rowBlockers.Contains(c.Id)).ToList();
        _askedOnce = true;
        foreach (var victim in victims)
        {
            LogKilled(context.Logger, victim.Id, victim.User, victim.Host);
            await ClientSessions.KillAsync(context.Server, victim.Id);
        }

        return true;
    }

    private async Task<HashSet<long>> TransactionsAsync() =>
        [.. (await context.Server.QueryAsync("SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX")).Select(r => Id(r["id"]))];

    /// <summary>Clients that hold a row for which a thread of the server itself, the applier, waits.</summary>
    private async Task<HashSet<long>> RowBlockersAsync(IReadOnlyList<ClientSession> sessions)
    {
        var system = sessions.Where(s => s.IsSystem).Select(s => s.Id).ToHashSet();
        var waits = await context.Server.QueryAsync(
            "SELECT r.trx_mysql_thread_id AS waiter, b.trx_mysql_thread_id AS blocker FROM information_schema.INNODB_LOCK_WAITS w "
            + "JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id");
        return [.. waits.Where(w => system.Contains(Id(w["waiter"]))).Select(w => Id(w["blocker"]))];
    }

    private static long Id(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    [LoggerMessage(3050, LogLevel.Warning, "Connection {Id} of {User}@{Host} was killed: it held a lock that the applier needs, and this node is being promoted.")]
    private static partial void LogKilled(ILogger logger, long id, string user, string host);
}
