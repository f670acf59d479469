using System.Collections.Immutable;
using MySqlConnector;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Events;

/// <summary>
/// Events run on the leader only (design: Events). On a follower the scheduler is off, and replicated events stand as SLAVESIDE_DISABLED, whatever
/// they are on the leader: what the leader has not enabled it tells the others (<see cref="EventKnowledge"/>).
/// </summary>
internal sealed class EventSwitch(AdminConnection server)
{
    /// <summary>A longer list is not told: gossip is sent with every heartbeat.</summary>
    private const int MostNotEnabled = 64;

    /// <summary>Times as text that sorts; the catalogue holds whole seconds.</summary>
    private const string Format = "'%Y-%m-%d %H:%i:%s'";

    /// <summary>Stops the scheduler. One that is DISABLED by configuration cannot be, and need not be, switched.</summary>
    public Task StopAsync() => SetSchedulerAsync("OFF");

    /// <summary>
    /// Gives every event the state it had on the former leader, then starts the scheduler. Not logged (<c>sql_log_bin=0</c>), because the others
    /// keep theirs disabled; the definer is named, because ALTER EVENT makes the caller the definer otherwise.
    /// </summary>
    /// <param name="known">What the former leader has told; null: nothing. What it has not told is enabled, because most events are.</param>
    /// <returns>One line for each event that wants a look: the promotion goes on.</returns>
    public async Task<IReadOnlyList<string>> StartAsync(EventKnowledge? known)
    {
        var remarks = new List<string>();
        var events = await server.QueryAsync(
            "SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATE_FORMAT(LAST_ALTERED, " + Format + ") AS ALTERED FROM information_schema.EVENTS WHERE STATUS='SLAVESIDE_DISABLED'");
        foreach (var row in events)
        {
            var name = $"{row["EVENT_SCHEMA"]}.{row["EVENT_NAME"]}";
            var isKnown = known is not null && string.CompareOrdinal(row["ALTERED"], known.AsOf) < 0;
            var wasDisabled = isKnown && known!.NotEnabled.Contains(name);
            if (!isKnown)
                remarks.Add($"Whether the former leader had the event {name} enabled is not known; it is enabled now. Where that is wrong: ALTER EVENT {name} DISABLE.");
            try
            {
                await AlterAsync(row, wasDisabled ? "DISABLE" : "ENABLE");
            }
            catch (MySqlException e) when (server.IsOpen)
            {
                remarks.Add($"Event {name} could not be enabled: {e.Message} Enable it by hand: ALTER EVENT {name} ENABLE.");
            }
        }

        await SetSchedulerAsync("ON");
        return remarks;
    }

    /// <summary>On the leader: what the others must know to do the same.</summary>
    /// <param name="before">What was told last: it stands until there is something new and whole to tell.</param>
    public async Task<EventKnowledge?> ReadAsync(EventKnowledge? before)
    {
        // The clock first: what is altered while we read counts as not known.
        var asOf = await server.ScalarAsync($"SELECT DATE_FORMAT(NOW(), {Format})") ?? "";
        var altered = await server.ScalarAsync($"SELECT DATE_FORMAT(MAX(LAST_ALTERED), {Format}) FROM information_schema.EVENTS") ?? "";
        var names = (await server.QueryAsync(
            $"SELECT CONCAT(EVENT_SCHEMA, '.', EVENT_NAME) FROM information_schema.EVENTS WHERE STATUS <> 'ENABLED' ORDER BY 1 LIMIT {MostNotEnabled + 1}"))
            .Select(r => r.First ?? "").ToImmutableArray();
        if (names.Length > MostNotEnabled)
            return null;
        return string.CompareOrdinal(asOf, altered) <= 0 || (before is not null && before.LastAltered == altered && before.NotEnabled.SequenceEqual(names))
            ? before
            : new EventKnowledge(asOf, altered, names);
    }

    /// <summary>ALTER EVENT also takes over the session's character sets (measured), so the session has the event's own meanwhile.</summary>
    private async Task AlterAsync(Row row, string state)
    {
        var alter = $"ALTER DEFINER={Sql.Account(row["DEFINER"])} EVENT {Sql.Name(row["EVENT_SCHEMA"], row["EVENT_NAME"])} {state}";

        // Under another client character set our UTF-8 would be misread: a user variable keeps it. Not all statements could be prepared before 10.6.
        var isAscii = alter.All(char.IsAscii);
        if (!isAscii)
            await server.ExecuteAsync($"SET @wolfscale_alter = {Sql.Text(alter)}");
        await server.ExecuteAsync($"SET SESSION character_set_client = {row["CHARACTER_SET_CLIENT"]}, collation_connection = {row["COLLATION_CONNECTION"]}");
        try
        {
            await server.ExecuteAsync(isAscii ? alter : "EXECUTE IMMEDIATE @wolfscale_alter");
        }
        finally
        {
            if (server.IsOpen)
                await server.ExecuteAsync("SET SESSION character_set_client = utf8mb4, collation_connection = utf8mb4_general_ci");
        }
    }

    private async Task SetSchedulerAsync(string value)
    {
        var now = await server.ScalarAsync("SELECT @@event_scheduler");
        if (now is not "DISABLED" && now != value)
            await server.ExecuteAsync($"SET GLOBAL event_scheduler = {value}");
    }
}
