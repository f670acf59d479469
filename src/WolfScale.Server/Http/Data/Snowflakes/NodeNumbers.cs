using System.Globalization;
using MySqlConnector;
using WolfScale.Cluster;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Snowflakes;

/// <summary>
/// This node's number in Snowflake ids, which the cluster gives it: a row of a replicated table, by node id and incarnation of the data directory (rule C1). It is asked for once, and remembered. A number that was in use
/// is given to another only when all have been used, its node is no member any more, and that was noticed a day ago: by then no clock is so far behind that an id could come again.
/// </summary>
internal sealed class NodeNumbers(ApiSessions sessions, ClusterNode node, TimeProvider time)
{
    public const int ReusedAfterHours = 24;

    private const string StateKey = "api.snowflake_node";
    private const string Table = $"`{ProtectedSchemas.OfApi}`.`snowflake_nodes`";

    private const string CreateTable =
        $"CREATE TABLE IF NOT EXISTS {Table} (number SMALLINT UNSIGNED NOT NULL PRIMARY KEY, node VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL, incarnation BIGINT UNSIGNED NOT NULL, "
        + "taken DATETIME(3) NOT NULL, missed DATETIME(3) NULL COMMENT 'when its node was found to be no member', UNIQUE KEY (node, incarnation)) ENGINE=InnoDB COMMENT='Node numbers in Snowflake ids'";

    private const string All = $"SELECT number, node, incarnation, missed, missed < UTC_TIMESTAMP(3) - INTERVAL ? HOUR FROM {Table} FOR UPDATE";
    private const string Take = $"INSERT INTO {Table} (number, node, incarnation, taken) VALUES (?, ?, ?, UTC_TIMESTAMP(3))";
    private const string Reuse = $"UPDATE {Table} SET node = ?, incarnation = ?, taken = UTC_TIMESTAMP(3), missed = NULL WHERE number = ?";
    private const string Miss = $"UPDATE {Table} SET missed = UTC_TIMESTAMP(3) WHERE number = ?";
    private const string Meet = $"UPDATE {Table} SET missed = NULL WHERE number = ?";

    private readonly Lock _lock = new();
    private Task<SnowflakeClock>? _finding;

    /// <summary>Makes ids with this node's number.</summary>
    /// <exception cref="DataProblemException">It has none yet, and cannot get one now.</exception>
    public Task<SnowflakeClock> ClockAsync()
    {
        lock (_lock)
        {
            if (_finding is null or { IsFaulted: true } or { IsCanceled: true })
                _finding = Task.Run(FindAsync); // outside of the lock; all who come meanwhile share the answer
            return _finding;
        }
    }

    /// <summary>Which number the next node gets.</summary>
    /// <param name="rows">The numbers that were taken.</param>
    /// <returns>The number, whether it has a row already; and which rows are to be marked as missed, or met again. A number of -1: there is none.</returns>
    internal static NumberChoice Choose(IReadOnlyList<TakenNumber> rows)
    {
        var missed = rows.Where(r => !r.IsMember && !r.IsMissed).Select(r => r.Number).ToList();
        var met = rows.Where(r => r is { IsMember: true, IsMissed: true }).Select(r => r.Number).ToList();
        var taken = rows.Select(r => r.Number).ToHashSet();
        for (var number = 0; number < Snowflake.Nodes; number++)
        {
            if (!taken.Contains(number))
                return new NumberChoice(number, false, missed, met);
        }

        return rows.FirstOrDefault(r => r is { IsMember: false, IsLongMissed: true }) is { } free ? new NumberChoice(free.Number, true, missed, met) : new NumberChoice(-1, false, missed, met);
    }

    private async Task<SnowflakeClock> FindAsync() => Clock(Remembered() ?? await AskAsync());

    /// <summary>The time is written under the number too: another number begins anew.</summary>
    private SnowflakeClock Clock(int number) => new(node.State, string.Create(CultureInfo.InvariantCulture, $"api.snowflake_until.{number}"), number, time);

    private string Owner => string.Create(CultureInfo.InvariantCulture, $"{node.View.ClusterId} {node.Self.Id} {node.Self.Incarnation}");

    private int? Remembered() => node.State.Get(StateKey) is { } text && text.LastIndexOf(' ') is var at and > 0 && text[..at] == Owner
        ? int.Parse(text[(at + 1)..], NumberStyles.None, CultureInfo.InvariantCulture)
        : null;

    private async Task<int> AskAsync()
    {
        var session = await sessions.RentAsync(SessionKind.Write);
        try
        {
            var number = await AskAsync(session);
            node.State.Put(StateKey, string.Create(CultureInfo.InvariantCulture, $"{Owner} {number}"));
            return number;
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten: false); // a number that was taken all the same is found under this node's name
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    private async Task<int> AskAsync(ApiSession session)
    {
        try
        {
            return await TransactAsync(session);
        }
        catch (MySqlException e) when (e.Number is MariaDbErrors.NoSuchTable or MariaDbErrors.NoSuchSchema)
        {
            await session.RollBackAsync();
            _ = await session.RunAsync($"CREATE DATABASE IF NOT EXISTS `{ProtectedSchemas.OfApi}`");
            _ = await session.RunAsync(CreateTable);
            return await TransactAsync(session);
        }
    }

    private async Task<int> TransactAsync(ApiSession session)
    {
        try
        {
            _ = await session.RunAsync("START TRANSACTION");
            var rows = (await session.QueryAsync(All, new BoundValue(MySqlDbType.Int64, (long)ReusedAfterHours))).Select(Read).ToList();
            var number = rows.Find(r => r.IsSelf) is { } own ? own.Number : await TakeAsync(session, Choose(rows));
            _ = await session.RunAsync("COMMIT");
            return number;
        }
        catch
        {
            await session.RollBackAsync();
            throw;
        }
    }

    private async Task<int> TakeAsync(ApiSession session, NumberChoice choice)
    {
        foreach (var missed in choice.Missed)
            _ = await session.ExecuteAsync(Miss, [Number(missed)]);
        foreach (var met in choice.Met)
            _ = await session.ExecuteAsync(Meet, [Number(met)]);
        if (choice.Number < 0)
        {
            _ = await session.RunAsync("COMMIT"); // that they were missed is remembered
            throw new DataProblemException(
                503, "no_node_number", "All node numbers are taken",
                $"Snowflake ids have {Snowflake.Nodes} node numbers, and all are in use or were until less than {ReusedAfterHours} hours ago. Table {Table} lists them.");
        }

        BoundValue[] self = [new(MySqlDbType.VarString, node.Self.Id), new(MySqlDbType.UInt64, node.Self.Incarnation)];
        _ = choice.IsReused ? await session.ExecuteAsync(Reuse, [.. self, Number(choice.Number)]) : await session.ExecuteAsync(Take, [Number(choice.Number), .. self]);
        return choice.Number;
    }

    private TakenNumber Read(object?[] row)
    {
        var (id, incarnation) = ((string)row[1]!, Convert.ToUInt64(row[2], CultureInfo.InvariantCulture));
        return new TakenNumber(
            Convert.ToInt32(row[0], CultureInfo.InvariantCulture),
            IsSelf: id == node.Self.Id && incarnation == node.Self.Incarnation,
            IsMember: node.View.Nodes.Any(n => n.Id == id && (n.Incarnation == incarnation || n.Incarnation == 0)),
            IsMissed: row[3] is not null,
            IsLongMissed: row[4] is not null && Convert.ToInt32(row[4], CultureInfo.InvariantCulture) != 0);
    }

    private static BoundValue Number(int number) => new(MySqlDbType.Int64, (long)number);
}

/// <summary>A row of the table.</summary>
/// <param name="IsSelf">It is this node's.</param>
/// <param name="IsMember">Its node belongs to the cluster now.</param>
/// <param name="IsMissed">It was found not to, once.</param>
/// <param name="IsLongMissed">Long enough ago.</param>
internal sealed record TakenNumber(int Number, bool IsSelf, bool IsMember, bool IsMissed, bool IsLongMissed);

/// <summary>What is to be done with the table; a number of -1: none is free.</summary>
internal sealed record NumberChoice(int Number, bool IsReused, IReadOnlyList<int> Missed, IReadOnlyList<int> Met);
