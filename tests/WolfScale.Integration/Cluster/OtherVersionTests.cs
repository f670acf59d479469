using System.Net;
using System.Net.Sockets;
using WolfScale.Cluster;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Integration.Cluster;

/// <summary>Nodes whose versions are too far apart to talk: both sides say so, with the numbers.</summary>
public class OtherVersionTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(7, 9)]
    public async Task A_node_that_is_too_old_or_too_new_is_refused_with_both_versions(int oldest, int newest)
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(cluster.AddressOf("node-2")));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync((byte[])[.. FrameFormat.Preamble, .. Frame(FrameKind.Hello, writer => HandshakeMessages.WriteHello(writer, new(
            (ushort)oldest, (ushort)newest, new byte[HandshakeMessages.NonceBytes], new PeerIdentity(new NodeKey("node-9", 1), Guid.NewGuid(), "test", Guid.Empty, "127.0.0.1:9"))))]);

        using var frames = new FrameReader(stream, 4096);
        Assert.True(await Task.Run(() => Read(frames) is (FrameKind.Refusal, { Code: RefusalCode.Version } refusal)
            && refusal.Text.Contains($"node-9 speaks cluster protocol {oldest} to {newest}", StringComparison.Ordinal)
            && refusal.Text.Contains("install neighbouring versions", StringComparison.Ordinal)));
        await cluster.UntilAsync("the line on the member", () => cluster.Logs["node-2"].Count("Refused a cluster connection", $"protocol {oldest} to {newest}") == 1);
        await cluster.WriteAsync(1);
        Assert.All(cluster.Nodes, n => Assert.Equal(3, n.Configuration!.Members.Length));
    }

    [Fact]
    public async Task A_node_whose_cluster_is_too_new_for_it_says_so_and_waits()
    {
        using var newer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        newer.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        newer.Listen();
        const string Words = "node node-2 speaks cluster protocol 1 to 1, node node-1 speaks 4 to 5: install neighbouring versions of WolfScale on both";
        var refusing = RefuseAsync(newer, Frame(FrameKind.Refusal, writer => HandshakeMessages.WriteRefusal(writer, RefusalCode.Version, Words)));
        await using (var cluster = new TestCluster())
        {
            var node = await cluster.StartAsync("node-2", o => o with { Peers = [newer.LocalEndPoint!.ToString()!] });
            await cluster.UntilAsync("the reason in its status", () => node.View.Self is { Status: NodeStatus.Joining } self && self.Reason.Contains(Words, StringComparison.Ordinal));
            Assert.Null(node.Configuration);
            Assert.NotEqual(0, cluster.Logs["node-2"].Count("refuses this node", Words));
        }
        newer.Dispose();
        await refusing;
    }

    /// <summary>What a later version sends of an optional kind is skipped; of any other unknown kind it would be missed, so the connection ends.</summary>
    [Fact]
    public async Task Frames_of_unknown_kinds_are_skipped_where_their_number_says_that_nothing_is_missed()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var self = new PeerIdentity(new NodeKey("node-9", 1), Guid.NewGuid(), "test", Guid.Empty, "127.0.0.1:9");
        var options = new TransportOptions { Secret = TransportOptions.SecretBytes("a secret of the test") };
        Assert.True(HostPort.TryParse(cluster.AddressOf("node-2"), out var address));
        var dialled = await Task.Run(() => LinkDialer.Dial(address, self, options, TimeProvider.System));
        Assert.Null(dialled.Refusal);
        using var session = dialled.Session!;
        session.Write(Frame((FrameKind)200, writer => writer.Bytes("of version 2"u8)), []);
        session.Write(Frame((FrameKind)50, _ => { }), []);

        await cluster.UntilAsync("the end of the connection", () => session.ClosedByPeer);
        Assert.Equal(1, cluster.Logs["node-2"].Count("Closed the cluster connection from node node-9", "unknown kind 50"));
        Assert.Equal(0, cluster.Logs["node-2"].Count("unknown kind 200"));
    }

    /// <summary>
    /// A leader of an earlier version tells nothing of what its commits take. Here it is changes of the configuration, of which no leader does. A follower's copy is as fast as it is taken while the leader
    /// is idle, and as slow as it gets while its log grows.
    /// </summary>
    [Fact]
    public async Task A_followers_copy_spares_the_commits_of_a_leader_that_tells_nothing_of_them()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        var leader = await cluster.ServingAsync();
        var (copied, third) = (cluster.Nodes.First(n => n != leader), cluster.Nodes.Last(n => n != leader));
        var began = TimeProvider.System.GetTimestamp();
        var (free, wait, fast) = (TimeSpan.Zero, TimeSpan.Zero, 0);

        // A piece, as soon as the wait after the last one is over. At the slowest pace that is 250 ms.
        bool Sends()
        {
            var now = TimeProvider.System.GetElapsedTime(began);
            if (now < free)
                return false;
            wait = copied.SpendInBackground(1 << 20);
            free = now + wait;
            return true;
        }

        await cluster.UntilAsync("a fast copy", () => Sends() && (fast = wait < TimeSpan.FromMilliseconds(60) ? fast + 1 : 0) == 10);
        await cluster.UntilAsync("a slow one", () =>
        {
            // Which third puts right again with its next heartbeat.
            _ = leader.Host.ProposeConfiguration(new ConfigurationChange.Update(third.Self, third.Address, NeverLeader: true, Witness: false));
            return Sends() && wait > TimeSpan.FromMilliseconds(200);
        });
    }

    private static (FrameKind, HandshakeRefusal?) Read(FrameReader frames) =>
        frames.Read(out var kind, out var payload) ? (kind, kind == FrameKind.Refusal ? HandshakeMessages.ReadRefusal(payload) : null) : default;

    private static byte[] Frame(FrameKind kind, Action<WireWriter> write)
    {
        var writer = new WireWriter();
        writer.BeginFrame(kind);
        write(writer);
        writer.EndFrame();
        return writer.Written.ToArray();
    }

    /// <summary>Answers every Hello with the refusal, until the listener is closed.</summary>
    private static async Task RefuseAsync(Socket listener, byte[] refusal)
    {
        try
        {
            while (true)
            {
                using var socket = await listener.AcceptAsync();
                await socket.ReceiveAsync(new byte[4096]);
                await socket.SendAsync(refusal);
                socket.Shutdown(SocketShutdown.Send);
                while (await socket.ReceiveAsync(new byte[4096]) > 0)
                {
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
