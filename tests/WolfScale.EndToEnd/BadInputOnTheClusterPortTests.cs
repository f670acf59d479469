using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>
/// Bad input on the cluster port: whoever is no member gets nothing, gets a line in the log that says who and why, and harms nothing: the same
/// leader leads in the same term, and commits go on.
/// </summary>
public sealed class BadInputOnTheClusterPortTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public static TheoryData<string> Callers => ["garbage", "an HTTP client", "an over-long frame", "a TLS client", "one byte and silence"];

    [Theory]
    [MemberData(nameof(Callers))]
    public async Task Harms_nothing_and_is_named_in_the_log(string caller)
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var before = await cluster.StatusAsync(leader.Id);
        var logged = cluster.NodeLog(leader.Id).Length;

        using var socket = await ConnectAsync(leader);
        var address = $"127.0.0.1:{((IPEndPoint)socket.Client.LocalEndPoint!).Port}";
        await socket.GetStream().WriteAsync(Bytes(caller));
        await AwaitClosedAsync(socket, caller);

        Print(await cluster.AwaitLogAsync(leader.Id, logged, "warn", address));
        await AssertUnharmedAsync(cluster, leader, before!.Term);
    }

    [Fact]
    public async Task Hundreds_of_silent_connections_shut_nobody_out_and_cost_little()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var before = await cluster.StatusAsync(leader.Id);
        var sockets = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 300; i++)
                sockets.Add(await ConnectAsync(leader));
            var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Kill);
            await cluster.StartNodeAsync(follower.Id, Part.Node);

            await cluster.AwaitHealthyAsync();
            await AssertUnharmedAsync(cluster, leader, before!.Term);
            Assert.True(Processes.PeakResidentBytes(leader.Pid ?? 0) < 300L << 20, "the leader's node grew over 300 MB");
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }
    }

    private static async Task<TcpClient> ConnectAsync(DemoNode node)
    {
        var address = node.Cluster.Split(':');
        var client = new TcpClient();
        await client.ConnectAsync(address[0], int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture));
        return client;
    }

    private static byte[] Bytes(string caller) => caller switch
    {
        "garbage" => RandomNumberGenerator.GetBytes(4096),
        "an HTTP client" => Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: wolf\r\n\r\n"),
        // Whatever the byte order of its length is: close to 2 GiB, and then nothing of it.
        "an over-long frame" => [0x7f, 0xff, 0xff, 0x7f, .. new byte[60]],
        "a TLS client" => [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, .. RandomNumberGenerator.GetBytes(512)],
        _ => [(byte)'W'],
    };

    /// <summary>The node must hang up by itself. What it sends before (a challenge, an alert) is read and thrown away.</summary>
    private static async Task AwaitClosedAsync(TcpClient socket, string caller)
    {
        var buffer = new byte[4096];
        var total = 0;
        try
        {
            while (await socket.GetStream().ReadAsync(buffer).AsTask().WaitAsync(Patience) is var read and > 0)
                total += read;
        }
        catch (IOException)
        {
            // Reset instead of closed: as good.
        }
        catch (TimeoutException)
        {
            Assert.Fail($"the node had not hung up on {caller} after {Patience}");
        }
        Assert.True(total < 1024, $"{caller} was sent {total} bytes");
    }

    private static async Task AssertUnharmedAsync(DemoCluster cluster, DemoNode leader, long term)
    {
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.unharmed (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO demo.unharmed VALUES ()").WaitAsync(TimeSpan.FromSeconds(10));
        var after = await cluster.StatusAsync(leader.Id);
        Assert.Equal(("LEADER", term), (after!.Role, after.Term));
    }
}
