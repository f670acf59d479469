using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>A server that gets a copy of another node's data, on real servers.</summary>
public class MigrationTests
{
    [Fact]
    public async Task A_copy_of_a_follower_brings_everything_along_and_the_log_takes_over_exactly_there()
    {
        await using var trio = await Trio.StartAsync();
        await trio.Leader.ExecuteAsync(Trio.Everything);
        await trio.Follower.AwaitInStepAsync();
        var position = await trio.Follower.TextAsync("SELECT @@gtid_slave_pos");

        // Written while the copy is under way: held back from the follower, and not in the copy.
        trio.Source.Wrap = (_, stream) => new MeddlingStream(stream, 1, async read =>
        {
            await trio.Leader.ExecuteAsync("ALTER TABLE d.nokey ADD COLUMN late INT DEFAULT 9", "UPDATE d.nokey SET late = 10 WHERE f > 20", "CREATE TABLE d.late (a INT)", "INSERT INTO d.isam VALUES (3, 'late')", "DELETE FROM d.kinds WHERE id = 3");
            Assert.Equal(position, await trio.Follower.TextAsync("SELECT @@gtid_slave_pos"));
            return read.Length;
        });
        await trio.MigrateAsync();

        await trio.AssertEqualAsync();
        var state = trio.Three.Controller.State;
        Assert.Equal(MigrationPhase.Done, state.Migration?.Phase);
        Assert.Equal(1, trio.Source.Opened);
        Assert.Equal("SLAVESIDE_DISABLED", await trio.Three.TextAsync("SELECT status FROM mysql.event WHERE name = 'runs'"));
        Assert.Equal("16777216", await trio.Three.TextAsync("SELECT @@global.max_allowed_packet"));
        Assert.Equal("0", await trio.Three.TextAsync("SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'stranger'"));

        // And it is as good as the others: it leads, and knows which event the leader had disabled.
        await trio.Three.AwaitStoredAsync("events", "d.rests");
        trio.Three.Log.IsSettled = false;
        trio.Leader.Controller.Follow();
        trio.Three.Controller.Lead(trio.Pair.Log.Lead());
        await trio.Three.AwaitServingAsync();
        await trio.Three.ExecuteAsync("INSERT INTO d.parent VALUES (4711)", "SELECT NEXTVAL(d.numbers)");
        Assert.Equal("ENABLED|DISABLED", (await trio.Three.RowsAsync("SELECT GROUP_CONCAT(status ORDER BY name DESC SEPARATOR '|') FROM mysql.event")));
    }

    [Theory]
    [InlineData("clear")]
    [InlineData("load")]
    [InlineData("accounts")]
    [InlineData("position")]
    [InlineData("catch up")]
    public async Task A_node_that_dies_after_any_step_finishes_when_it_comes_back(string step)
    {
        await using var trio = await Trio.StartAsync();
        await trio.Leader.ExecuteAsync(Trio.Everything);
        await trio.Follower.AwaitInStepAsync();
        var crashed = new TaskCompletionSource();
        trio.Three.AfterStep = (plan, done) =>
        {
            if (plan != "migration" || done != step)
                return Task.CompletedTask;
            _ = crashed.TrySetResult();
            return Task.Delay(Timeout.Infinite, trio.Three.Gone);
        };
        await trio.MigrateAsync();
        await crashed.Task.WaitAsync(TimeSpan.FromSeconds(60));
        trio.Three.AfterStep = null;
        await trio.Leader.ExecuteAsync("INSERT INTO d.parent VALUES (1000)");

        await trio.Three.RestartControllerAsync();
        await trio.AssertEqualAsync();
        Assert.Equal(step == "clear" || step == "load" ? step == "clear" ? 1 : 2 : 1, trio.Source.Opened);
    }

    [Fact]
    public async Task A_stream_that_ends_early_or_changed_on_the_way_is_never_taken_for_a_whole_copy()
    {
        await using var trio = await Trio.StartAsync();
        await trio.Leader.ExecuteAsync(Trio.Everything);
        await trio.Follower.AwaitInStepAsync();
        var errors = new List<string>();
        trio.Source.Wrap = (number, stream) => number switch
        {
            // Once a clean end of the stream in the middle of a statement, once one bit of a BLOB.
            1 => new MeddlingStream(stream, 100_000, _ => Task.FromResult(0)),
            2 => new MeddlingStream(stream, 400_000, read =>
            {
                read.Span[^1000] ^= 1;
                return Task.FromResult(read.Length);
            }),
            _ => stream,
        };
        await trio.Three.RestartControllerAsync();
        trio.Three.Controller.Changed += s =>
        {
            if (s.Migration is { Phase: MigrationPhase.Failed } failed)
            {
                lock (errors)
                    errors.Add($"{s.Phase} {failed.Attempt}: {failed.Error}");
            }
        };
        await trio.Three.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        await trio.Three.Controller.MigrateAsync("", replaceData: true, CancellationToken.None);

        await trio.AssertEqualAsync();
        Assert.Equal(3, trio.Source.Opened);
        Assert.Contains(errors, e => e.StartsWith("NeedsMigration 1: ", StringComparison.Ordinal) && e.Contains("without the line that ends a whole dump", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("NeedsMigration 2: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copy_of_a_leader_that_works_is_exact_and_DDL_meanwhile_makes_it_begin_again()
    {
        await using var trio = await Trio.StartAsync();
        trio.Source = new CopySource(trio.Leader);
        await trio.Leader.ExecuteAsync(Trio.Everything);
        using var stop = new CancellationTokenSource();
        var load = WriteAsync(trio.Leader, stop.Token);
        var errors = new List<string>();
        trio.Source.Wrap = (number, stream) => new MeddlingStream(stream, 1, async read =>
        {
            if (number == 1)
                await trio.Leader.ExecuteAsync("GRANT INSERT ON d.* TO alice@'%'");
            return read.Length;
        });
        await trio.Three.RestartControllerAsync();
        trio.Three.Controller.Changed += s => errors.Add(s.Migration?.Error ?? "");
        await trio.Three.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        await trio.Three.Controller.MigrateAsync("", replaceData: true, CancellationToken.None);
        await trio.Three.AwaitAsync(s => s.Migration is { Phase: MigrationPhase.Done }, "a copy of the leader");
        await stop.CancelAsync();
        await load;

        await trio.AssertEqualAsync();
        Assert.Equal(2, trio.Source.Opened);
        Assert.Contains(errors, e => e.Contains("was committed while the leader was copied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Data_are_destroyed_only_when_that_is_said_and_a_stranger_is_never_rebuilt_by_itself()
    {
        await using var trio = await Trio.StartAsync(auto: true);
        await trio.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await trio.Three.RestartControllerAsync();
        var state = await trio.Three.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration && s.Migration?.Error.Contains("never this cluster's", StringComparison.Ordinal) == true, "left alone");
        Assert.Contains("--replace-data", state.Migration!.Error, StringComparison.Ordinal);
        var refusal = await Assert.ThrowsAsync<DumpException>(() => trio.Three.Controller.MigrateAsync("", replaceData: false, CancellationToken.None));
        Assert.Contains("holds data", refusal.Message, StringComparison.Ordinal);
        _ = await Assert.ThrowsAsync<DumpException>(() => trio.Three.Controller.MigrateAsync("nobody", replaceData: true, CancellationToken.None));
        _ = await Assert.ThrowsAsync<DumpException>(() => trio.Leader.Controller.MigrateAsync("", replaceData: true, CancellationToken.None));
        Assert.Equal("1", await trio.Three.TextAsync("SELECT COUNT(*) FROM strange.t"));
        Assert.Equal(0, trio.Source.Opened);
    }

    [Fact]
    public async Task A_server_that_strayed_for_good_is_rebuilt_by_itself_where_that_is_allowed()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.One.StopControllerAsync();
        await pair.One.ExecuteUngatedAsync("CREATE TABLE d.unheard (a INT)", "INSERT INTO d.unheard VALUES (1)");
        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (1)");

        var source = new CopySource(pair.Two);
        pair.One.Change = o => o with { MigrationSources = source, AutoMigrate = true };
        await pair.One.RestartControllerAsync();
        await pair.One.AwaitInStepAsync();
        Assert.Equal("1", await pair.One.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.Equal("0", await pair.One.TextAsync("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'unheard'"));
        Assert.Single(Directory.GetFiles(pair.One.DataDirectory, "discarded-*.binlog"));
        Assert.Equal(1, source.Opened);
    }

    [Fact]
    public async Task A_server_that_dies_while_it_is_loaded_gets_its_copy_when_it_comes_back()
    {
        await using var trio = await Trio.StartAsync();
        await trio.Leader.ExecuteAsync(Trio.Everything);
        await trio.Follower.AwaitInStepAsync();
        trio.Source.Wrap = (number, stream) => number > 1 ? stream : new MeddlingStream(stream, 200_000, async read =>
        {
            await trio.Three.Server.StopAsync(force: true);
            return read.Length;
        });
        await trio.MigrateAsync();
        await trio.Three.AwaitAsync(s => s.Phase == DatabasePhase.Down, "down");
        await trio.Three.Server.StartAsync();
        await trio.AssertEqualAsync();
        Assert.Equal(2, trio.Source.Opened);
    }

    [Fact]
    public async Task A_follower_that_is_given_the_lead_does_not_wait_for_whoever_copies_it()
    {
        await using var trio = await Trio.StartAsync();
        await trio.Leader.ExecuteAsync(Trio.Everything);
        await trio.Follower.AwaitInStepAsync();
        trio.Source.Wrap = (number, stream) => number > 1 ? stream : new MeddlingStream(stream, 1, async read =>
        {
            trio.Pair.Lead(trio.Follower);
            await trio.Follower.AwaitServingAsync();
            return read.Length;
        });
        await trio.MigrateAsync();
        await trio.Three.AwaitAsync(s => s.Migration is { Phase: MigrationPhase.Done }, "a copy");
        Assert.True(trio.Source.Opened > 1);
        await trio.Follower.ExecuteAsync("INSERT INTO d.parent VALUES (2000)");
        await trio.Three.AwaitAsync(s => s.Phase == DatabasePhase.Following && s.AppliedLsn >= trio.Pair.Log.CommitLsn, "in step");
        Assert.Equal("1", await trio.Three.TextAsync("SELECT COUNT(*) FROM d.parent WHERE id = 2000"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_with_a_prepared_XA_transaction_is_not_copied_because_the_copy_would_lack_it(bool leader)
    {
        await using var trio = await Trio.StartAsync();
        await trio.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "XA START 'x'", "INSERT INTO d.t VALUES (1)", "XA END 'x'", "XA PREPARE 'x'");
        await trio.Follower.AwaitInStepAsync();
        Assert.EndsWith("|78", await trio.Follower.RowsAsync("XA RECOVER"), StringComparison.Ordinal);
        trio.Source = new CopySource(leader ? trio.Leader : trio.Follower);
        await trio.MigrateAsync();
        var state = await trio.Three.AwaitAsync(s => s.Migration is { Error.Length: > 0 }, "refused a copy");
        Assert.Contains("1 prepared XA transactions", state.Migration!.Error, StringComparison.Ordinal);

        // It is tried again by itself, and comes about when the transaction has ended.
        await trio.Leader.ExecuteAsync("XA COMMIT 'x'");
        await trio.Three.AwaitAsync(s => s is { Phase: DatabasePhase.Following, Fit: true } && s.AppliedLsn >= trio.Pair.Log.CommitLsn, "in step", 90);
        Assert.Equal("1", await trio.Three.TextAsync("SELECT COUNT(*) FROM d.t"));
    }

    [Fact]
    public async Task Prepared_XA_transactions_of_a_server_that_is_rebuilt_do_not_stand_in_the_way()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.One.StopControllerAsync();
        await pair.One.ExecuteUngatedAsync("XA START 'a''b','c',7", "INSERT INTO d.t VALUES (1)", "XA END 'a''b','c',7", "XA PREPARE 'a''b','c',7");
        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (2)");

        var source = new CopySource(pair.Two);
        pair.One.Change = o => o with { MigrationSources = source, AutoMigrate = true };
        await pair.One.RestartControllerAsync();
        await pair.One.AwaitInStepAsync();
        Assert.Equal("2", await pair.One.TextAsync("SELECT GROUP_CONCAT(a) FROM d.t"));
        Assert.Equal("", await pair.One.RowsAsync("XA RECOVER"));
        Assert.Equal(1, source.Opened);
    }

    [Fact]
    public async Task An_order_that_was_not_begun_before_the_node_led_is_void_afterwards()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        var source = new CopySource(pair.One);
        pair.Two.Change = o => o with { MigrationSources = source };
        await pair.Two.RestartControllerAsync();
        await pair.Two.AwaitInStepAsync();
        await pair.Two.Server.StopAsync();
        await pair.Two.AwaitAsync(s => s.Phase == DatabasePhase.Down, "down");
        await pair.Two.Controller.MigrateAsync("", replaceData: true, CancellationToken.None); // nothing can be begun now

        pair.Lead(pair.Two);
        await pair.Two.Server.StartAsync();
        await pair.Two.AwaitServingAsync();
        Assert.Contains("was given the lead", pair.Two.Controller.State.Migration?.Error, StringComparison.Ordinal);
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        pair.Lead(pair.One);
        await pair.One.AwaitServingAsync();
        await pair.Two.AwaitInStepAsync();
        Assert.Equal(0, source.Opened);
    }

    private static async Task WriteAsync(TestNode leader, CancellationToken cancellationToken)
    {
        for (var i = 0; !cancellationToken.IsCancellationRequested; i++)
            await leader.ExecuteAsync($"INSERT INTO d.child VALUES ({10_000 + i}, {i % 100 + 1})", $"UPDATE d.kinds SET f = {i} / 3, lb = REPEAT('{i}', 10000) WHERE id = {i % 5 + 1}");
    }
}
