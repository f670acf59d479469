using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Events;

/// <summary>
/// Events run on the leader only (design: Events). On a follower the scheduler is off, and replicated events stand as SLAVESIDE_DISABLED
/// where the leader has them enabled; those that the leader has disabled arrive as DISABLED and stay so.
/// </summary>
internal sealed class EventSwitch(AdminConnection server)
{
    /// <summary>Stops the scheduler. One that is DISABLED by configuration cannot be, and need not be, switched.</summary>
    public Task StopAsync() => SetSchedulerAsync("OFF");

    /// <summary>
    /// Enables what the former leader had enabled, then starts the scheduler. Not logged (<c>sql_log_bin=0</c>), because the others
    /// keep theirs disabled; the definer is named, because ALTER EVENT makes the caller the definer otherwise.
    /// </summary>
    /// <returns>One line for each event that could not be enabled; it stays as it is, and the promotion goes on.</returns>
    public async Task<IReadOnlyList<string>> StartAsync()
    {
        var failures = new List<string>();
        var events = await server.QueryAsync(
            "SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, SQL_MODE, TIME_ZONE"
            + " FROM information_schema.EVENTS WHERE STATUS='SLAVESIDE_DISABLED'");
        foreach (var row in events)
        {
            try
            {
                await EnableAsync(row);
            }
            catch (MySqlException e)
            {
                failures.Add($"Event {row["EVENT_SCHEMA"]}.{row["EVENT_NAME"]} could not be enabled: {e.Message} Enable it by hand: ALTER EVENT … ENABLE.");
            }
        }

        await SetSchedulerAsync("ON");
        return failures;
    }

    private async Task EnableAsync(Row row) => await server.ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
        $"ALTER DEFINER={Sql.Account(row["DEFINER"])} EVENT {Sql.Name(row["EVENT_SCHEMA"], row["EVENT_NAME"])} ENABLE"));

    private async Task SetSchedulerAsync(string value)
    {
        var now = await server.ScalarAsync("SELECT @@event_scheduler");
        if (now is not "DISABLED" && now != value)
            await server.ExecuteAsync($"SET GLOBAL event_scheduler = {value}");
    }
}
