using System.Collections.Concurrent;
using System.Globalization;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>An application that knows nothing of clusters, on a follower's proxy.</summary>
public sealed class WordPressTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const int Authors = 3;

    [Fact]
    public async Task WordPress_on_a_followers_proxy_goes_on_when_the_leader_dies_and_loses_nothing()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await using var site = await WordPressSite.InstallAsync(cluster.Facts, cluster.Facts.Nodes.First(n => n.Id != leader.Id));

        var published = new ConcurrentDictionary<long, string>();
        var (failed, after) = (0, 0);
        var killed = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var authors = Enumerable.Range(1, Authors).Select(WriteAsync).ToList();
        await Poll.UntilAsync("posts before the leader dies", TimeSpan.FromSeconds(60), () => Task.FromResult(published.Count >= 10 ? null : $"{published.Count} posts"));
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        killed.SetResult();
        await Poll.UntilAsync("posts after it", TimeSpan.FromSeconds(60), () => Task.FromResult(Volatile.Read(ref after) >= 20 ? null : $"{after} posts"));
        await stop.CancelAsync();
        await Task.WhenAll(authors);
        Print($"{published.Count} posts, {after} of them begun after the leader's death; {failed} requests failed");

        var next = await cluster.LeaderAsync(except: leader.Id);
        foreach (var (id, title) in published)
        {
            Assert.Equal($"1 {title}", await next.Server.ScalarAsync(string.Create(CultureInfo.InvariantCulture,
                $"SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM demo.wp_posts WHERE post_title='{title}' AND post_status='publish'), post_title) FROM demo.wp_posts WHERE ID={id}")));
        }

        Assert.InRange(failed, 0, Authors); // at most what was under way
        var last = published.MaxBy(p => p.Key);
        Assert.Contains($"The text of {last.Value}.", await site.ReadAsync(string.Create(CultureInfo.InvariantCulture, $"?p={last.Key}")), StringComparison.Ordinal);
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.wp_users", 1)]);

        async Task WriteAsync(int author)
        {
            for (var i = 1; !stop.IsCancellationRequested; i++)
            {
                var title = string.Create(CultureInfo.InvariantCulture, $"Post {i} of author {author}");
                var begunAfter = killed.Task.IsCompleted;
                if (await site.PublishAsync(title) is not { } id)
                {
                    _ = Interlocked.Increment(ref failed);
                    continue;
                }

                published[id] = title;
                if (begunAfter)
                    _ = Interlocked.Increment(ref after);
            }
        }
    }
}
