using System.Collections.Concurrent;
using System.Globalization;
using MySqlConnector;
using WolfScale.Cluster;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Snowflakes;

/// <summary>
/// This node's number in Snowflake ids, which the cluster gives it: a row of a replicated table, by node id and incarnation of the data directory (rule C1). It is asked for once, and remembered. A number that was in use
/// is given to another only when all have been used, its node is no member any more, and that was noticed a day ago.
/// <para>
/// However clocks go, no id comes twice: with the number stands the time up to which its node may make ids, which the node moves on, a day at a time, before it does. Who gets the number after it begins there; and who has
/// lost it, unheard, cannot move the time on any more.
/// </para>
/// </summary>
/// <param name="sessions">Ways to the database.</param>
/// <param name="node">This one.</param>
/// <param name="time">The clock.</param>
/// <param name="clocks">By number; of the node, not of this object: a reload makes another one while requests of the former are still under way, and two clocks of one number would make one id twice.</param>
internal sealed class NodeNumbers(ApiSessions sessions, ClusterNode node, TimeProvider time, ConcurrentDictionary<int, SnowflakeClock> clocks)
{
    public const int ReusedAfterHours = 24;

    /// <summary>For so long ahead a node's number is its own, without another word with the cluster; at half of it, it asks again.</summary>
    public const long GrantMs = 24 * 3_600_000;

    private const int UnknownColumn = 1054;
    private const string StateKey = "api.snowflake_node";
    private const string Until = "until_ms BIGINT NOT NULL DEFAULT 0 COMMENT 'no id of this time (ms since 2025) or later has been given out'";
    private const string Table = $"`{ProtectedSchemas.OfApi}`.`snowflake_nodes`";

    private const string CreateTable =
        $"CREATE TABLE IF NOT EXISTS {Table} (number SMALLINT UNSIGNED NOT NULL PRIMARY KEY, node VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL, incarnation BIGINT UNSIGNED NOT NULL, "
        + "taken DATETIME(3) NOT NULL, missed DATETIME(3) NULL COMMENT 'when its node was found to be no member', " + Until + ", UNIQUE KEY (node, incarnation)) ENGINE=InnoDB COMMENT='Node numbers in Snowflake ids'";

    private const string AddUntil = $"ALTER TABLE {Table} ADD COLUMN IF NOT EXISTS {Until}";
    private const string All = $"SELECT number, node, incarnation, missed, missed < UTC_TIMESTAMP(3) - INTERVAL ? HOUR, until_ms FROM {Table} FOR UPDATE";
    private const string Take = $"INSERT INTO {Table} (number, node, incarnation, taken) VALUES (?, ?, ?, UTC_TIMESTAMP(3))";
    private const string Reuse = $"UPDATE {Table} SET node = ?, incarnation = ?, taken = UTC_TIMESTAMP(3), missed = NULL WHERE number = ?";
    private const string Grant = $"UPDATE {Table} SET until_ms = GREATEST(until_ms + 1, ?) WHERE number = ? AND node = ? AND incarnation = ?";
    private const string Miss = $"UPDATE {Table} SET missed = UTC_TIMESTAMP(3) WHERE number = ?";
    private const string Meet = $"UPDATE {Table} SET missed = NULL WHERE number = ?";

    private readonly Lock _lock = new();
    private Task<NumberedClock>? _finding;
    private Task _granting = Task.CompletedTask;

    /// <summary>Makes ids with this node's number.</summary>
    /// <exception cref="DataProblemException">It has none yet, and cannot get one now.</exception>
    public async ValueTask<SnowflakeClock> ClockAsync()
    {
        var own = await FindingAsync();
        var left = own.Clock.Granted - own.Clock.Now;
        if (left > GrantMs / 2)
            return own.Clock;
        var granting = GrantingAsync(own);
        if (left > SnowflakeClock.SlackMs)
            return own.Clock; // where it fails, it is tried again by the next one
        await granting;
        return (await FindingAsync()).Clock;
    }

    private Task<NumberedClock> FindingAsync()
    {
        lock (_lock)
        {
            if (_finding is null or { IsFaulted: true } or { IsCanceled: true })
                _finding = Task.Run(FindAsync); // outside of the lock; all who come meanwhile share the answer
            return _finding;
        }
    }

    private Task GrantingAsync(NumberedClock own)
    {
        lock (_lock)
        {
            if (!_granting.IsCompleted)
                return _granting;
            _granting = Task.Run(() => GrantAsync(own));
            _ = _granting.ContinueWith(static failed => _ = failed.Exception, TaskScheduler.Default); // told to who waits for it
            return _granting;
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

    private async Task<NumberedClock> FindAsync()
    {
        var number = Remembered() ?? await AskAsync();
        var clock = new NumberedClock(number, clocks.GetOrAdd(number, n => new SnowflakeClock(node.State, TimeKey(n), n, time)));
        if (long.TryParse(node.State.Get(GrantKey(number)), NumberStyles.None, CultureInfo.InvariantCulture, out var granted))
            clock.Clock.Granted = granted;
        return clock;
    }

    /// <summary>The time is written under the number too: another number begins anew.</summary>
    private static string TimeKey(int number) => string.Create(CultureInfo.InvariantCulture, $"api.snowflake_until.{number}");

    private static string GrantKey(int number) => string.Create(CultureInfo.InvariantCulture, $"api.snowflake_granted.{number}");

    private void Put(string key, long value) => node.State.Put(key, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Moves the time on that stands with the number. Where the number is another's by now, this node asks for a new one.</summary>
    private async Task GrantAsync(NumberedClock own)
    {
        var until = own.Clock.Now + GrantMs;
        var session = await sessions.RentAsync(SessionKind.Write);
        try
        {
            var done = await session.ExecuteAsync(Grant, [new BoundValue(MySqlDbType.Int64, until), Number(own.Number), .. Self]);
            if (done.AffectedRows == 1)
            {
                Put(GrantKey(own.Number), until);
                own.Clock.Granted = until;
                return;
            }
        }
        catch (MySqlException e) when (e.Number is UnknownColumn or MariaDbErrors.NoSuchTable or MariaDbErrors.NoSuchSchema)
        {
            // The table is older than the time in it, or was dropped: it is made when the number is asked for.
        }
        catch (MySqlException e)
        {
            throw NotAnswered(e);
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }

        node.State.Put(StateKey, "");
        lock (_lock)
            _finding = null;
    }

    /// <summary>The leader was lost while the number was asked for: whatever became of that, nothing of the caller's was sent yet.</summary>
    private static DataProblemException NotAnswered(MySqlException e) => e.Number == MariaDbErrors.OutcomeUnknownCode
        ? new DataProblemException(503, "no_node_number", "The number for ids could not be asked for", "The leader was lost meanwhile. Nothing was written: send the request again.") { RetryAfterSeconds = 1 }
        : MariaDbErrors.Translate(e, mayHaveWritten: false);

    private string Owner => string.Create(CultureInfo.InvariantCulture, $"{node.View.ClusterId} {node.Self.Id} {node.Self.Incarnation}");

    private int? Remembered() => node.State.Get(StateKey) is { } text && text.LastIndexOf(' ') is var at and > 0 && text[..at] == Owner
        ? int.Parse(text[(at + 1)..], NumberStyles.None, CultureInfo.InvariantCulture)
        : null;

    private async Task<int> AskAsync()
    {
        var session = await sessions.RentAsync(SessionKind.Write);
        try
        {
            var (number, from, until) = await AskAsync(session);
            if (from > (long.TryParse(node.State.Get(TimeKey(number)), NumberStyles.None, CultureInfo.InvariantCulture, out var before) ? before : 0))
            {
                Put(TimeKey(number), from); // where the number's last node ends
                if (clocks.TryGetValue(number, out var known))
                    known.NotBefore(from); // this node had the number once, and somebody else since
            }

            Put(GrantKey(number), until);
            node.State.Put(StateKey, string.Create(CultureInfo.InvariantCulture, $"{Owner} {number}"));
            return number;
        }
        catch (MySqlException e)
        {
            throw NotAnswered(e); // a number that was taken all the same is found under this node's name
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    private async Task<(int Number, long From, long Until)> AskAsync(ApiSession session)
    {
        try
        {
            return await TransactAsync(session);
        }
        catch (MySqlException e) when (e.Number == UnknownColumn)
        {
            await session.RollBackAsync();
            _ = await session.RunAsync(AddUntil);
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

    private async Task<(int Number, long From, long Until)> TransactAsync(ApiSession session)
    {
        try
        {
            _ = await session.RunAsync("START TRANSACTION");
            var rows = (await session.QueryAsync(All, new BoundValue(MySqlDbType.Int64, (long)ReusedAfterHours))).Select(Read).ToList();
            var number = rows.Find(r => r.IsSelf) is { } own ? own.Number : await TakeAsync(session, Choose(rows));
            // Its own row, too: it may have taken the number over and not heard that it has.
            var from = rows.Find(r => r.Number == number)?.UntilMs ?? 0;
            var until = Math.Max(from, Snowflake.Milliseconds(time.GetUtcNow())) + GrantMs;
            _ = await session.ExecuteAsync(Grant, [new BoundValue(MySqlDbType.Int64, until), Number(number), .. Self]);
            _ = await session.RunAsync("COMMIT");
            return (number, from, until);
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

        _ = choice.IsReused ? await session.ExecuteAsync(Reuse, [.. Self, Number(choice.Number)]) : await session.ExecuteAsync(Take, [Number(choice.Number), .. Self]);
        return choice.Number;
    }

    private BoundValue[] Self => [new(MySqlDbType.VarString, node.Self.Id), new(MySqlDbType.UInt64, node.Self.Incarnation)];

    private TakenNumber Read(object?[] row)
    {
        var (id, incarnation) = ((string)row[1]!, Convert.ToUInt64(row[2], CultureInfo.InvariantCulture));
        return new TakenNumber(
            Convert.ToInt32(row[0], CultureInfo.InvariantCulture),
            IsSelf: id == node.Self.Id && incarnation == node.Self.Incarnation,
            IsMember: node.View.Nodes.Any(n => n.Id == id && (n.Incarnation == incarnation || n.Incarnation == 0)),
            IsMissed: row[3] is not null,
            IsLongMissed: row[4] is not null && Convert.ToInt32(row[4], CultureInfo.InvariantCulture) != 0,
            UntilMs: Convert.ToInt64(row[5], CultureInfo.InvariantCulture));
    }

    private static BoundValue Number(int number) => new(MySqlDbType.Int64, (long)number);
}

/// <summary>A row of the table.</summary>
/// <param name="IsSelf">It is this node's.</param>
/// <param name="IsMember">Its node belongs to the cluster now.</param>
/// <param name="IsMissed">It was found not to, once.</param>
/// <param name="IsLongMissed">Long enough ago.</param>
/// <param name="UntilMs">Its node has made no id of this time or later, in milliseconds since <see cref="Snowflake.Epoch"/>.</param>
internal sealed record TakenNumber(int Number, bool IsSelf, bool IsMember, bool IsMissed, bool IsLongMissed, long UntilMs);

/// <summary>The node's number, and what makes ids with it.</summary>
internal sealed record NumberedClock(int Number, SnowflakeClock Clock);

/// <summary>What is to be done with the table; a number of -1: none is free.</summary>
internal sealed record NumberChoice(int Number, bool IsReused, IReadOnlyList<int> Missed, IReadOnlyList<int> Met);
