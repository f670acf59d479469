using Microsoft.Data.Sqlite;
using WolfScale.Cluster;
using WolfScale.Cluster.State;
using WolfScale.Consensus;

namespace WolfScale.Unit.Cluster;

public sealed class StateStoreTests : IDisposable
{
    private readonly TempFolder _folder = new("state");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_commit_is_synced_before_it_returns()
    {
        // strace shows: one fsync of state.db-wal per write with these two settings, and none with synchronous = NORMAL.
        using var store = SqliteStateStore.Open(_folder.Path);
        Assert.Equal("wal", store.Pragma("journal_mode"));
        Assert.Equal("2", store.Pragma("synchronous"));
    }

    /// <summary>A later version may keep there what this one would overlook, and a vote is not to be guessed.</summary>
    [Fact]
    public void State_of_a_later_version_is_refused_and_left_as_it_is()
    {
        using (var store = SqliteStateStore.Open(_folder.Path))
        {
            store.SaveHardState(new HardState(7, null));
            Assert.Equal("1", store.Pragma("user_version"));
        }
        SetVersion("state.db", 2);

        var refused = Assert.Throws<ClusterStartException>(() => SqliteStateStore.Open(_folder.Path)).Message;
        Assert.Contains("version 2, and this program knows version 1: run the program that wrote it", refused, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder.Path, "state.db"), refused, StringComparison.Ordinal);

        SetVersion("state.db", 0); // of before it was written there
        using var again = SqliteStateStore.Open(_folder.Path);
        Assert.Equal(new HardState(7, null), again.LoadHardState());
    }

    [Fact]
    public void Term_and_vote_survive_a_crash_right_after_they_were_written()
    {
        using var store = SqliteStateStore.Open(_folder.Path);
        Assert.Equal(default, store.LoadHardState());
        store.SaveHardState(new HardState(7, new NodeKey("node-2", ulong.MaxValue)));
        store.SaveHardState(new HardState(8, null));
        store.SaveHardState(new HardState(9, new NodeKey("node-3", 1UL << 63)));

        using var crashed = SqliteStateStore.Open(CopyWithoutClosing());
        Assert.Equal(new HardState(9, new NodeKey("node-3", 1UL << 63)), crashed.LoadHardState());
    }

    [Fact]
    public void Facts_are_written_changed_listed_and_removed()
    {
        using var store = SqliteStateStore.Open(_folder.Path);
        store.Put("rewind/1", "a");
        store.Put("rewind/2", "b");
        store.Put("rewind/1", "c");
        store.Put("other", "d");
        Assert.Equal("c", store.Get("rewind/1"));
        Assert.Equal(["rewind/1", "rewind/2"], store.List("rewind/").Select(p => p.Key));
        store.Put("rewind/1", null);
        Assert.Null(store.Get("rewind/1"));
    }

    [Fact]
    public void Plans_come_back_in_the_order_in_which_they_were_begun()
    {
        using (var store = SqliteStateStore.Open(_folder.Path))
        {
            store.SavePlan(new StoredPlan("b", "rewind", 0, "{}"));
            store.SavePlan(new StoredPlan("a", "promotion", 0, "{}"));
            store.SavePlan(new StoredPlan("b", "rewind", 3, "{\"x\":1}"));
            store.SavePlan(new StoredPlan("c", "demotion", 0, "{}"));
            store.DeletePlan("c");
        }
        using var reopened = SqliteStateStore.Open(_folder.Path);
        Assert.Equal([new StoredPlan("b", "rewind", 3, "{\"x\":1}"), new StoredPlan("a", "promotion", 0, "{}")], reopened.OpenPlans());
    }

    [Fact]
    public void A_damaged_state_is_refused_with_what_to_do()
    {
        using (var store = SqliteStateStore.Open(_folder.Path))
            store.SaveHardState(new HardState(9, null));
        File.WriteAllText(Path.Combine(_folder.Path, "state.db"), "this is no database, and long enough to be looked at: " + new string('x', 5000));
        var refused = Assert.Throws<ClusterStartException>(() => SqliteStateStore.Open(_folder.Path));
        Assert.Contains("move the file away", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_folder_begins_a_life_that_the_next_start_goes_on_with()
    {
        NodeKey key;
        using (var store = SqliteStateStore.Open(_folder.Path))
        {
            var first = NodeIdentity.Load(store, "node-1", TimeProvider.System);
            Assert.Equal(NewLife.Fresh, first.NewLife);
            key = first.Key;
            first.Join(Guid.NewGuid());
        }
        using var again = SqliteStateStore.Open(_folder.Path);
        var second = NodeIdentity.Load(again, "node-1", TimeProvider.System);
        Assert.Equal(NewLife.None, second.NewLife);
        Assert.Equal(key, second.Key);
        Assert.NotEqual(Guid.Empty, second.ClusterId);
    }

    [Fact]
    public void C1_Another_node_id_is_another_life_and_remembers_the_former_one()
    {
        using var store = SqliteStateStore.Open(_folder.Path);
        var former = NodeIdentity.Load(store, "node-1", TimeProvider.System).Key;
        store.SaveHardState(new HardState(5, former));
        var renamed = NodeIdentity.Load(store, "node-9", TimeProvider.System);
        Assert.Equal(NewLife.Renamed, renamed.NewLife);
        Assert.Equal("node-9", renamed.Key.Id);
        Assert.NotEqual(former.Incarnation, renamed.Key.Incarnation);
        Assert.Equal(former, renamed.Former);
        Assert.Equal(new HardState(5, former), store.LoadHardState());
    }

    [Fact]
    public void C1_Two_lives_begun_at_once_differ()
    {
        using var store = SqliteStateStore.Open(_folder.Path);
        var identity = NodeIdentity.Load(store, "node-1", TimeProvider.System);
        var seen = new HashSet<NodeKey> { identity.Key };
        for (var i = 0; i < 5; i++)
        {
            identity.Renew(NewLife.LogLost, TimeProvider.System);
            Assert.True(seen.Add(identity.Key));
        }
    }

    [Fact]
    public void A_node_that_has_left_stays_away_until_it_joins_again()
    {
        using var store = SqliteStateStore.Open(_folder.Path);
        var identity = NodeIdentity.Load(store, "node-1", TimeProvider.System);
        identity.Leave();
        Assert.True(NodeIdentity.Load(store, "node-1", TimeProvider.System).HasLeft);
        identity.Return();
        Assert.False(identity.HasLeft);
    }

    private void SetVersion(string file, int version)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder.Path, file)};Pooling=False");
        connection.Open();
        connection.SetSchema(version);
    }

    private string CopyWithoutClosing()
    {
        var copy = Path.Combine(_folder.Path, "copy");
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.GetFiles(_folder.Path))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }
}
