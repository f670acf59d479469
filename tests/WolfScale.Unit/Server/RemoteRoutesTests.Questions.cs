using System.Collections.Concurrent;
using WolfScale.Protocol;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Hosting.StandAlone;

namespace WolfScale.Unit.Server;

/// <summary>What is asked of nodes besides how the cluster is.</summary>
public sealed partial class RemoteRoutesTests
{
    [Fact]
    public async Task Who_asks_while_a_read_index_is_on_its_way_gets_the_next_one_and_shares_it()
    {
        var asked = new ConcurrentQueue<TaskCompletionSource<Gtid?>>();
        var batch = new ReadIndexBatch(() =>
        {
            var answer = new TaskCompletionSource<Gtid?>(TaskCreationOptions.RunContinuationsAsynchronously);
            asked.Enqueue(answer);
            return answer.Task;
        });
        var first = batch.AskAsync();
        await RealAsync("the first question", () => asked.Count == 1);
        var later = Enumerable.Range(0, 100).Select(_ => batch.AskAsync()).ToList();
        asked.First().SetException(new NodeSilentException("no"));
        _ = await Assert.ThrowsAsync<NodeSilentException>(() => first);
        await RealAsync("the second question", () => asked.Count == 2);
        asked.Last().SetResult(new Gtid(0, 1, 7));

        Assert.All(await Task.WhenAll(later), g => Assert.Equal(7ul, g!.Value.Sequence));
        Assert.Equal(2, asked.Count);
    }

    /// <summary>The statement goes to whom the view takes for the leader: another node would confirm, in good faith, what another leader holds.</summary>
    [Fact]
    public async Task Only_the_leader_is_asked_for_the_read_index_where_it_is_heard()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("leader and readers", () => Readers() == "n2,n3");
        _cluster.ReadIndexes["n2"] = new("0-1-8", "n1", 1);
        _ = await Assert.ThrowsAsync<NodeSilentException>(_routes.ReadIndexAsync);
        _cluster.ReadIndexes["n1"] = new("0-1-7", "n1", 1);
        Assert.Equal(new Gtid(0, 1, 7), await _routes.ReadIndexAsync());
    }

    /// <summary>The leader's API is silent, and another node confirms by the word of whom it follows: only while that is whom this proxy would send the statement to.</summary>
    [Theory]
    [InlineData("n2", 2)]
    [InlineData("n1", 3)]
    public async Task A_read_index_that_another_leader_confirmed_is_none(string leader, long term)
    {
        Follow("http://n1:8080", "http://n2:8080");
        await AdvanceUntilAsync("leader and readers", () => Readers() == "n2,n3");
        _cluster.Down("n1");
        await AdvanceUntilAsync("silence", () => _routes.Asked().Any(n => n.Problem is not null));
        _cluster.ReadIndexes["n2"] = new("0-1-8", leader, term);
        _ = await Assert.ThrowsAsync<NodeSilentException>(_routes.ReadIndexAsync);

        foreach (var node in (string[])["n2", "n3"])
            _cluster.Change(node, d => d with { Leader = leader, Term = term });
        await AdvanceUntilAsync("the other leader", () => (_routes.View.LeaderId, _routes.View.Term) == (leader, term));
        Assert.Equal(new Gtid(0, 1, 8), await _routes.ReadIndexAsync());

        _cluster.ReadIndexes["n2"] = new("0-1-9"); // of a node of an older version
        Assert.Equal(new Gtid(0, 1, 9), await _routes.ReadIndexAsync());
    }

    [Fact]
    public async Task The_leader_is_asked_for_the_names_that_hide_something_whenever_they_are_others()
    {
        _cluster.Names = HiddenViews.Among([], [("locks", "DO GET_LOCK('a', 1)", "")]);
        foreach (var node in (string[])["n1", "n2", "n3"])
            _cluster.Change(node, d => d with { HiddenNames = _cluster.Names.Version });
        Follow("http://n1:8080");
        await RealAsync("its names", () => _routes.Views.Version == _cluster.Names.Version);
        Assert.Equal(1, _cluster.NamesAsked);
        await AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(1, _cluster.NamesAsked);

        _cluster.Names = HiddenViews.None;
        _cluster.Change("n2", d => d with { HiddenNames = HiddenViews.None.Version }); // it may be ahead or behind
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _cluster.NamesAsked);
        _cluster.Change("n1", d => d with { HiddenNames = HiddenViews.None.Version });
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await RealAsync("the new names", () => _routes.Views.IsEmpty);
        Assert.Equal(2, _cluster.NamesAsked);
    }
}
