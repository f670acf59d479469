using WolfScale.Integration.Capture;

namespace WolfScale.Integration.Database;

/// <summary>Events run on the leader only (design: Events).</summary>
public class EventTests
{
    [Fact]
    public async Task Events_run_on_the_leader_only_also_after_a_promotion_with_their_definer()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.ticks (id BIGINT PRIMARY KEY AUTO_INCREMENT, server INT, who VARCHAR(80))",
            "CREATE USER ticker@localhost", "GRANT ALL ON d.* TO ticker@localhost",
            "SET sql_mode='ANSI_QUOTES', character_set_client=latin1, collation_connection=latin1_german1_ci",
            "CREATE DEFINER=ticker@localhost EVENT d.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO d.ticks (server, who) VALUES (@@server_id, CURRENT_USER())",
            "SET NAMES utf8mb4, collation_connection=utf8mb4_czech_ci",
            "CREATE EVENT d.`Zwölf` ON SCHEDULE EVERY 1 DAY DO DO 12",
            "CREATE EVENT d.off ON SCHEDULE EVERY 1 SECOND DISABLE DO INSERT INTO d.ticks (server) VALUES (-1)");
        await TickedAsync(pair.One, pair.One, 1);
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("SLAVESIDE_DISABLED", await StatusAsync(pair.Two, "tick"));
        var before = await EventAsync(pair.One);
        await pair.One.AwaitAsync(s => s.Announcement.Contains("d.off", StringComparison.Ordinal) && !s.Announcement.Contains("d.tick", StringComparison.Ordinal), "announcing its events");
        await pair.Two.AwaitStoredAsync("events", "d.off");

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await TickedAsync(pair.Two, pair.Two, 2);
        Assert.Equal("ENABLED", await StatusAsync(pair.Two, "tick"));
        Assert.Equal("DISABLED", await StatusAsync(pair.Two, "off"));
        Assert.Equal(before, await EventAsync(pair.Two));
        Assert.Equal("OFF", await pair.One.TextAsync("SELECT @@event_scheduler"));

        Assert.DoesNotContain(pair.Log.Entries(), e => System.Text.Encoding.Latin1.GetString(e.Payload).Contains("ALTER DEFINER", StringComparison.Ordinal));

        // Enabling was not logged: on the others the event stays as it was, and nobody diverged.
        await pair.One.AwaitInStepAsync();
        Assert.Equal("0", await pair.Two.TextAsync("SELECT COUNT(*) FROM d.ticks WHERE server=-1 OR who <> 'ticker@localhost'"));

        // What the new leader disables stays disabled when the old one leads again.
        await pair.Two.ExecuteAsync("ALTER DEFINER=ticker@localhost EVENT d.tick DISABLE");
        await pair.One.AwaitInStepAsync();
        await pair.One.AwaitStoredAsync("events", "d.tick");
        pair.Lead(pair.One);
        await pair.One.AwaitServingAsync();
        Assert.Equal("DISABLED", await StatusAsync(pair.One, "tick"));
        Assert.Equal("ON", await pair.One.TextAsync("SELECT @@event_scheduler"));
    }

    private static Task<string> StatusAsync(TestNode node, string name) =>
        node.TextAsync($"SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA='d' AND EVENT_NAME='{name}'");

    private static Task<string> EventAsync(TestNode node) => node.RowsAsync(
        "SELECT DEFINER, SQL_MODE, TIME_ZONE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION, EVENT_DEFINITION, INTERVAL_VALUE, ON_COMPLETION "
        + "FROM information_schema.EVENTS WHERE EVENT_SCHEMA='d' AND EVENT_NAME<>'off' ORDER BY EVENT_NAME");

    /// <summary>Waits for a new row of that server.</summary>
    private static async Task TickedAsync(TestNode node, TestNode writer, int server)
    {
        var seen = await writer.TextAsync("SELECT COALESCE(MAX(id), 0) FROM d.ticks");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await node.TextAsync($"SELECT COUNT(*) > 0 FROM d.ticks WHERE id > {seen} AND server = {server}") != "1")
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }
}
