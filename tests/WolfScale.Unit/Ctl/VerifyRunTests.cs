using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Client.Verifying;

namespace WolfScale.Unit.Ctl;

/// <summary>What a comparison claims when not everything could be compared: never more than was.</summary>
public class VerifyRunTests
{
    private readonly FakeVerifiedNode _leader = new("node-1");
    private readonly FakeVerifiedNode _second = new("node-2");
    private readonly FakeVerifiedNode _third = new("node-3");
    private readonly FakeTimeProvider _time = new();

    public VerifyRunTests()
    {
        foreach (var node in new[] { _leader, _second, _third })
        {
            foreach (var table in new[] { "a", "b", "c" })
                node.Tables[table] = "row";
        }
    }

    [Fact]
    public async Task Tables_of_engines_without_snapshots_are_named_and_hinder_nobody()
    {
        _ = _leader.Skipped.Add("b");
        var report = await RunAsync();

        Assert.Equal((true, 2), (report.Identical, report.Tables));
        Assert.Equal([new NotCompared("s.b", "no snapshots")], report.NotCompared);
        Assert.Equal((true, true), (_third.Outcome!.Identical, _third.Outcome.Whole));
    }

    [Theory]
    [InlineData("node-1", "s.b")]
    [InlineData("node-2", "s.b on node-2")]
    public async Task A_table_that_a_node_cannot_read_is_named_and_nothing_is_proven(string refuses, string named)
    {
        (refuses == "node-1" ? _leader : _second).Refuse("b", VerifyProblems.NotCompared, onlyThen: true);
        var report = await RunAsync();

        Assert.Equal((false, 2), (report.Identical, report.Tables));
        Assert.Equal([new NotCompared(named, "refused")], report.NotCompared);
        Assert.Equal((false, false), (_third.Outcome!.Identical, _third.Outcome.Whole));
        Assert.Contains("sum c", _second.Asked);
    }

    [Fact]
    public async Task A_node_that_is_away_is_named_and_nothing_is_proven()
    {
        var away = new NotCompared("node-4", "It is OFFLINE.");
        var report = await RunAsync([], [away]);

        Assert.False(report.Identical);
        Assert.Equal([away], report.NotCompared);
        Assert.Equal((false, true), (_leader.Outcome!.Identical, _leader.Outcome.Whole));
    }

    [Fact]
    public async Task One_that_refuses_does_not_hide_what_another_holds()
    {
        _second.Refuse("b", VerifyProblems.NotCompared, onlyThen: true);
        _third.Tables["b"] = "another row";
        var report = await RunAsync();

        Assert.Equal(["node-3 s.b"], report.Differences.Select(d => $"{d.Node} {d.Object}"));
        Assert.Equal(["node-3"], _leader.Outcome!.Different);
    }

    [Theory]
    [InlineData(VerifyProblems.NotTakingPart)]
    [InlineData(VerifyProblems.NoDatabase)]
    [InlineData("")] // a failure that the node has no name for
    public async Task A_follower_that_has_lost_its_snapshot_is_left_out_and_the_rest_is_compared(string code)
    {
        _second.Refuse("b", code, onlyThen: false);
        _third.Tables["c"] = "another row";
        var report = await RunAsync();

        Assert.Equal((false, 3), (report.Identical, report.Tables));
        Assert.Equal(["node-1", "node-3"], report.Nodes);
        Assert.Equal([new NotCompared("node-2", "refused")], report.NotCompared);
        Assert.Equal(["node-3"], report.Differences.Select(d => d.Node));
        Assert.DoesNotContain("sum c", _second.Asked);
    }

    [Fact]
    public async Task A_leader_that_has_lost_its_snapshot_ends_it_and_what_was_found_before_stays_found()
    {
        _leader.Refuse("b", VerifyProblems.NotTakingPart, onlyThen: false);
        var nothing = await Assert.ThrowsAsync<RefusedException>(RunAsync);
        Assert.StartsWith("node-1, with which the others are compared, takes part no longer", nothing.Message, StringComparison.Ordinal);
        Assert.Null(_second.Outcome);

        _second.Tables["a"] = "another row";
        var report = await RunAsync();
        Assert.Equal((false, 1), (report.Identical, report.Tables));
        Assert.Equal(["node-2 s.a"], report.Differences.Select(d => $"{d.Node} {d.Object}"));
        Assert.Equal("what was left", Assert.Single(report.NotCompared).What);
    }

    [Fact]
    public async Task A_difference_stays_one_where_the_leader_cannot_be_asked_where_it_is()
    {
        var edges = 0;
        _leader.HasKeys = true;
        _leader.Before = request => request.Step is "edge" && ++edges == 2 ? throw new NodeRefusedException("refused", VerifyProblems.NotCompared, 409) : Task.CompletedTask;
        _second.Tables["a"] = "another row";
        var report = await RunAsync();

        Assert.Equal(["node-2 s.a"], report.Differences.Select(d => $"{d.Node} {d.Object}"));
        Assert.Equal([new NotCompared("s.a", "refused")], report.NotCompared);
        Assert.Equal(2, report.Tables);
    }

    /// <summary>Before, that nothing is equal everywhere passed for a proof.</summary>
    [Theory]
    [InlineData("s.nosuch")]
    [InlineData("S.a")] // as the server writes it
    [InlineData("t.*")]
    public async Task What_is_wanted_and_nowhere_is_wrong_usage(string pattern)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => RunAsync("s.a", pattern));

        Assert.Equal(2, refused.ExitCode);
        Assert.StartsWith($"--tables: no node has {pattern}. ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sum a", _leader.Asked);
        Assert.Equal("end", _second.Asked[^1]);
    }

    [Fact]
    public async Task What_only_a_follower_has_is_somewhere()
    {
        _third.Tables["own"] = "row";
        Assert.Equal(["node-3 table s.own"], (await RunAsync("s.own", "s.b")).Differences.Select(d => $"{d.Node} {d.Object}"));
        var one = await RunAsync("s.b");
        Assert.Equal((true, 1), (one.Identical, one.Tables));
        Assert.Null(_leader.Outcome); // of a part
    }

    [Fact]
    public async Task Without_followers_nothing_is_proven()
    {
        _second.Refuse("b", VerifyProblems.NotTakingPart, onlyThen: false);
        _third.Refuse("a", VerifyProblems.NotTakingPart, onlyThen: false);
        var refused = await Assert.ThrowsAsync<RefusedException>(RunAsync);

        Assert.Equal((1, "There is nothing to compare with: node-3: refused; node-2: refused"), (refused.ExitCode, refused.Message));
        Assert.Null(_leader.Outcome);
    }

    /// <summary>A node gives a snapshot up that nobody asks for within a minute, and one may sum up a table for longer.</summary>
    [Fact]
    public async Task The_snapshots_of_those_that_are_ready_are_kept_while_one_works()
    {
        var (works, done, kept) = (NewSignal(), NewSignal(), NewSignal());
        _leader.Before = request => request is { Step: "sum", Table: "b" } && works.TrySetResult() ? done.Task : Task.CompletedTask;
        _second.Before = request => request.Step is "keep" && kept.TrySetResult() ? Task.CompletedTask : Task.CompletedTask;
        var running = RunAsync();
        await works.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("keep", _second.Asked);
        _time.Advance(TimeSpan.FromSeconds(20));
        await kept.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        done.SetResult();

        Assert.True((await running).Identical);
        Assert.Equal("end", _second.Asked[^1]);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<VerifyReport> RunAsync() => RunAsync([]);

    private Task<VerifyReport> RunAsync(params string[] tables) => RunAsync(tables, []);

    private Task<VerifyReport> RunAsync(string[] tables, NotCompared[] away) => new VerifyRun(_leader.Node, [_second.Node, _third.Node], 100, static (_, _) => { }, _time) { Away = [.. away] }
        .RunAsync(tables.Length == 0 ? null : new Selection(tables), TestContext.Current.CancellationToken);
}
