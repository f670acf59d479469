using Microsoft.Extensions.Time.Testing;
using WolfScale.Cluster.History;
using WolfScale.MariaDb;
using WolfScale.Server.Hosting;

namespace WolfScale.Unit.Server;

/// <summary>What a node tells of its MariaDB.</summary>
public class DatabaseChronicleTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Notes _notes = new();
    private readonly DatabaseChronicle _chronicle;

    public DatabaseChronicleTests() => _chronicle = new DatabaseChronicle(_notes, _time);

    [Fact]
    public void A_server_that_dies_and_returns_is_told_once_each_and_a_change_of_role_is_no_unfitness()
    {
        Look(DatabasePhase.Starting, fit: false);
        Look(DatabasePhase.Following, fit: false); // it only catches up
        Look(DatabasePhase.Following, fit: true);
        Look(DatabasePhase.Promoting, fit: false);
        Look(DatabasePhase.Serving, fit: false);
        Look(DatabasePhase.Demoting, fit: false);
        Look(DatabasePhase.Down, fit: false, "refused the connection");
        Look(DatabasePhase.Down, fit: false, "refused the connection again");
        Look(DatabasePhase.Following, fit: false);
        Look(DatabasePhase.Following, fit: true);

        Assert.Equal(["database_fit", "database_opened", "database_unfit", "database_fit"], _notes.Kinds);
    }

    [Fact]
    public void A_migration_is_told_from_its_beginning_to_its_end()
    {
        var began = new MigrationProgress("node-2", MigrationPhase.Preparing, 0, 0, 0, 1, DateTimeOffset.UnixEpoch, "");
        foreach (var step in (MigrationProgress[])[began, began with { Phase = MigrationPhase.Loading, Bytes = 5 }, began with { Phase = MigrationPhase.Failed, Error = "it ended early" },
            began with { Attempt = 2 }, began with { Attempt = 2, Phase = MigrationPhase.Done, Bytes = 10 }])
            _chronicle.OnChanged(new DatabaseState { Phase = DatabasePhase.Migrating, Migration = step });

        Assert.Equal(["migration_started", "migration_failed", "migration_started", "migration_done"], _notes.Kinds);
    }

    [Fact]
    public void A_rewind_is_counted_and_NEEDS_MIGRATION_says_why()
    {
        _chronicle.Diverged(new RewoundTail("/f", 3, "0-1-1", "0-1-4"));
        _chronicle.Rewound(new RewoundTail("/f", 3, "0-1-1", "0-1-4"));
        Look(DatabasePhase.NeedsMigration, fit: false, "it holds DDL");
        Look(DatabasePhase.NeedsMigration, fit: false, "it holds DDL");

        Assert.Equal(["diverged", "rewound", "node_needs_migration"], _notes.Kinds);
        Assert.Equal(3, _notes.Discarded);
        Assert.Contains("it holds DDL", _notes.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void An_alarm_that_comes_and_goes_is_told_once_in_ten_minutes()
    {
        for (var i = 0; i < 20; i++)
        {
            _chronicle.OnChanged(new DatabaseState { Alarms = ["little space"] });
            _chronicle.OnChanged(new DatabaseState());
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(["alarm", "alarm"], _notes.Kinds);
    }

    private void Look(DatabasePhase phase, bool fit, string reason = "") => _chronicle.OnChanged(new DatabaseState { Phase = phase, Fit = fit, Reason = reason });

    private sealed class Notes : IEventSink
    {
        public List<string> Kinds { get; } = [];

        public string Last { get; private set; } = "";

        public int Discarded { get; private set; }

        public void Record(string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details)
        {
            Kinds.Add(kind);
            Last = message;
        }

        public void RecordDiscarded(int transactions, string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details)
        {
            Discarded += transactions;
            Record(kind, message, details);
        }
    }
}
