using WolfScale.Consensus;

namespace WolfScale.Scenarios;

/// <summary>Terms of mode "available" (rule C5).</summary>
public class EpochTests
{
    private static readonly NodeKey[] Keys = [.. Enumerable.Range(1, 300).Select(i => new NodeKey($"node-{i % 100}", (ulong)i / 100))];

    [Fact]
    public void C5_an_epoch_is_later_than_what_was_seen_and_names_who_took_it()
    {
        long term = 0;
        foreach (NodeKey key in Keys)
        {
            long next = Epoch.Next(term, key);
            Assert.True(next > term);
            Assert.Equal(Epoch.OwnerOf(key), (uint)next);
            Assert.Equal(Epoch.Counter(term) + 1, Epoch.Counter(next));
            term = next;
        }
    }

    [Fact]
    public void C5_two_nodes_that_have_seen_the_same_take_different_epochs() =>
        Assert.Equal(Keys.Length, Keys.Select(key => Epoch.Next(7L << 32, key)).Distinct().Count());

    /// <summary>It stands in the log: another version must compute the same.</summary>
    [Fact]
    public void C5_the_owner_of_an_epoch_is_the_same_for_ever() => Assert.Equal(2920376678u, Epoch.OwnerOf(new NodeKey("node-1", 0x123456789ABCDEF0)));
}
