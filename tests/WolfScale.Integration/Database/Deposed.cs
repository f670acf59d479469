using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>A server that led, then wrote transactions which the cluster never got, and is to follow another leader.</summary>
internal sealed class Deposed : IAsyncDisposable
{
    private Deposed(TestLog log, TestNode node)
    {
        Log = log;
        Node = node;
    }

    public TestLog Log { get; }

    public TestNode Node { get; }

    /// <summary>The server's position when it was deposed: everything up to there is the cluster's.</summary>
    public string Ancestor { get; private set; } = "";

    /// <summary>The files of discarded transactions.</summary>
    public IReadOnlyList<string> Saved => Directory.Exists(Node.DataDirectory) ? Directory.GetFiles(Node.DataDirectory, "discarded-*.binlog") : [];

    /// <summary>Starts a server, lets it lead, and writes what the cluster gets.</summary>
    public static async Task<Deposed> StartAsync(params string[] statements)
    {
        var log = new TestLog(autoCommit: true);
        var deposed = new Deposed(log, await TestNode.StartAsync(log, 1));
        deposed.Node.Controller.Start();
        await deposed.LeadAsync(statements);
        return deposed;
    }

    /// <summary>Leads and writes what the cluster gets.</summary>
    public async Task LeadAsync(params string[] statements)
    {
        Node.Log.IsSettled = false;
        Node.Controller.Lead(Log.Lead());
        await Node.AwaitServingAsync();
        await Node.ExecuteAsync(statements);
        Ancestor = await Node.TextAsync("SELECT @@gtid_binlog_pos");
    }

    /// <summary>The node dies, and the server commits what nobody has acknowledged.</summary>
    public async Task WriteTailAsync(params string[] statements)
    {
        await Node.StopControllerAsync();
        await Node.ExecuteUngatedAsync(statements);
        Assert.NotEqual(Ancestor, await Node.TextAsync("SELECT @@gtid_binlog_pos"));
    }

    /// <summary>Another node leads, has committed something in its term, and does not have the tail.</summary>
    public void Depose()
    {
        _ = Log.Lead();
        Log.CommitAll();
        Node.Log.IsSettled = true;
    }

    /// <summary>The node comes back as a follower.</summary>
    public async Task RejoinAsync()
    {
        Depose();
        await Node.RestartControllerAsync();
    }

    /// <summary>Waits until the server follows, and checks that it stands at the ancestor again.</summary>
    public async Task AwaitRewoundAsync()
    {
        await Node.AwaitAsync(s => s is { Phase: DatabasePhase.Following, Fit: true }, "following");
        Assert.Equal(Ancestor, await Node.TextAsync("SELECT @@gtid_binlog_pos"));
        Assert.Equal(Ancestor, await Node.TextAsync("SELECT @@gtid_slave_pos"));
        Assert.Null(await Node.Plans.LoadAsync("rewind", CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Log.DisposeAsync();
    }
}
