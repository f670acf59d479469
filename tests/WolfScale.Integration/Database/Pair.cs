using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>Two nodes over one log; the first leads at the beginning, and the test moves the lead.</summary>
internal sealed class Pair : IAsyncDisposable
{
    private Pair(TestLog log, TestNode one, TestNode two)
    {
        Log = log;
        One = one;
        Two = two;
    }

    private volatile TestNode? _leader;

    public TestLog Log { get; }

    public TestNode One { get; }

    public TestNode Two { get; }

    public static async Task<Pair> StartAsync(IReadOnlyDictionary<string, string>? settings = null)
    {
        var log = new TestLog(autoCommit: true);
        var servers = await Task.WhenAll(TestNode.StartAsync(log, 1, settings), TestNode.StartAsync(log, 2, settings));
        var pair = new Pair(log, servers[0], servers[1]);
        await pair.IntroduceAsync(pair.One, pair.Two);
        await pair.IntroduceAsync(pair.Two, pair.One);
        pair.Lead(pair.One);
        await pair.One.AwaitServingAsync();
        return pair;
    }

    /// <summary>Gives the lead to a node, in a new term. Whatever is not committed is cut off the log, as a leader that lacks it does.</summary>
    public void Lead(TestNode node)
    {
        var follower = node == One ? Two : One;
        End();
        _leader = node;
        var term = Log.Lead();
        node.Log.IsSettled = false;
        node.Controller.Lead(term);
        follower.Controller.Follow();
        follower.Log.IsSettled = true;
    }

    /// <summary>Nobody leads: what is in the log and not committed has no fate yet.</summary>
    public void Interregnum()
    {
        One.Log.IsSettled = Two.Log.IsSettled = false;
        Log.EndTerm();
        One.Controller.Follow();
        Two.Controller.Follow();
    }

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
        await Log.DisposeAsync();
    }

    /// <summary>The node hears what the other announces, as by gossip, and starts.</summary>
    private Task IntroduceAsync(TestNode node, TestNode other)
    {
        node.Change = o => o with { Peers = () => [PeerServer.From(other.Name, other.Controller.State.Announcement, _leader == other)] };
        return node.RestartControllerAsync();
    }

    private void End()
    {
        Log.EndTerm();
        if (Log.LastLsn > Log.CommitLsn)
            Log.Wal.TruncateAfter(Log.CommitLsn);
    }
}
