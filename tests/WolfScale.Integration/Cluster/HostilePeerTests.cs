using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WolfScale.Cluster;

namespace WolfScale.Integration.Cluster;

public class HostilePeerTests
{
    [Fact]
    public async Task A_node_with_another_secret_is_kept_out_and_both_sides_say_why()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var stranger = await cluster.StartAsync("stranger", o => o with { Secret = "not the secret" });
        await cluster.UntilAsync("a line on the stranger", () => cluster.Logs["stranger"].Count("refuses this node", "wrong cluster secret", "cluster.secret") > 0);
        await cluster.UntilAsync("a line on a member", () => cluster.Logs["node-1"].Count("Refused a cluster connection", "wrong cluster secret") == 1);
        Assert.Null(stranger.Configuration);
        Assert.All(cluster.Nodes.Where(n => n != stranger), n => Assert.Equal(3, n.Configuration!.Members.Length));
        Assert.Equal(NodeStatus.Joining, stranger.View.Self.Status);
        await cluster.KillAsync("stranger");
        await cluster.WriteAsync(1);
    }

    [Fact]
    public async Task A_node_of_another_cluster_is_refused_with_both_names_and_with_both_ids()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        await cluster.StartAsync("other-1", o => o with { ClusterName = "production" });
        await cluster.UntilAsync("the names", () => cluster.Logs["other-1"].Count("'test'", "'production'", "cluster_name") > 0);
        await cluster.KillAsync("other-1");
        cluster.Forget("other-1");

        await cluster.StartAsync("other-2", o => o with { Bootstrap = true, Peers = [] });
        await cluster.KillAsync("other-2");
        await cluster.StartAsync("other-2");
        await cluster.UntilAsync("the ids", () => cluster.Logs["other-2"].Count("holds data of cluster", "cannot be joined") > 0);
        Assert.All(cluster.Nodes.Where(n => n.Self.Id != "other-2"), n => Assert.Equal(3, n.Configuration!.Members.Length));
    }

    [Fact]
    public async Task Two_nodes_with_one_id_are_both_told_with_both_addresses()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var original = cluster.Nodes.First(n => n != cluster.Serving);
        cluster.Reserve("twin");
        await cluster.StartAsync("twin", o => o with { NodeId = original.Self.Id, Peers = [cluster.Serving!.Address] });
        await cluster.UntilAsync("the twin to be told", () =>
            cluster.Logs["twin"].Count("two nodes run with node.id", original.Address, cluster.AddressOf("twin")) > 0);
        await cluster.UntilAsync("the leader to say so", () =>
            cluster.Logs[cluster.Serving!.Self.Id].Count("two nodes run with node.id", original.Address, cluster.AddressOf("twin")) > 0);
        await cluster.WriteAsync(1);
        Assert.True(cluster.Serving!.Configuration!.IsVoter(original.Self));
        await cluster.KillAsync("twin");
    }

    [Fact]
    public async Task A_copied_data_directory_beside_its_living_original_is_kept_out()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leader = await cluster.ServingAsync();
        var id = cluster.Nodes.First(n => n != leader).Self.Id;
        await cluster.KillAsync(id);
        foreach (var file in Directory.GetFiles(cluster.Folder(id), "*", SearchOption.AllDirectories))
        {
            var copy = file.Replace(cluster.Folder(id), cluster.Folder("copy"), StringComparison.Ordinal);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        var original = await cluster.StartAsync(id);
        await cluster.UntilAsync("the original to be heard", () => leader.View.Find(id)!.Status == NodeStatus.Active);
        cluster.Reserve("copy");
        var twin = await cluster.StartAsync("copy", o => o with { NodeId = id, Peers = [leader.Address] });
        Assert.Equal(original.Self, twin.Self); // the same incarnation: the quorum would count one vote twice
        await cluster.UntilAsync("the copy to be told", () => cluster.Logs["copy"].Count("two nodes run with node.id") > 0);
        await cluster.WriteAsync(1);
        await cluster.KillAsync("copy");
    }

    [Fact]
    public async Task Garbage_and_overlong_frames_get_one_line_and_a_closed_connection()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var log = cluster.Logs["node-2"];
        await IsClosedAfter(cluster, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        await cluster.UntilAsync("the line for garbage", () => log.Count("127.0.0.1", "does not speak the cluster protocol", "47455420") == 1);

        var overlong = new byte[4 + 4 + 1];
        "WSC1"u8.CopyTo(overlong);
        BinaryPrimitives.WriteInt32LittleEndian(overlong.AsSpan(4), int.MaxValue);
        for (var i = 0; i < 20; i++)
            await IsClosedAfter(cluster, overlong);
        await IsClosedAfter(cluster, [.. "WSC1"u8, 1, 0, 0, 0, 255]);
        await IsClosedAfter(cluster, [.. "WSC1"u8, 3, 0, 0, 0, 1, 0, 0]);
        await IsClosedAfter(cluster, [0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]);
        Assert.InRange(log.Count("Refused a cluster connection from 127.0.0.1"), 1, 4); // one per ten seconds and address
        await cluster.WriteAsync(1);
    }

    [Fact]
    public async Task Connections_that_say_nothing_are_closed_and_keep_nobody_out()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var idle = new List<Socket>();
        for (var i = 0; i < 100; i++)
        {
            var socket = Connect(cluster);
            if (i % 2 == 0)
                socket.Send("WSC"u8); // a slow-loris: never quite a preamble
            idle.Add(socket);
        }
        // A node that starts in the midst of it gets in.
        await cluster.KillAsync("node-3");
        await cluster.StartAsync("node-3");
        await cluster.WriteAsync(1);
        await cluster.UntilEqualAsync();
        foreach (var socket in idle)
        {
            Assert.True(await ReadToEndAsync(socket), "the connection was not closed");
            socket.Dispose();
        }
    }

    private static Socket Connect(TestCluster cluster)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPEndPoint.Parse(cluster.AddressOf("node-2")));
        return socket;
    }

    private static async Task IsClosedAfter(TestCluster cluster, byte[] bytes)
    {
        using var socket = Connect(cluster);
        socket.Send(bytes);
        Assert.True(await ReadToEndAsync(socket), $"the connection stayed open after {Encoding.ASCII.GetString(bytes)}");
    }

    private static async Task<bool> ReadToEndAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, limit.Token) > 0)
            {
            }
            return true;
        }
        catch (SocketException)
        {
            return true; // reset: closed as well
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
