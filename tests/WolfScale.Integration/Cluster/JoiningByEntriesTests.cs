using WolfScale.Cluster;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Integration.Cluster;

/// <summary>
/// Two new nodes connect to each other before either is in a cluster; then one of them is taken in, becomes the leader, and sends its log to the other,
/// over the connection that it made when it could not name a cluster yet. Here the test is that leader.
/// </summary>
public class JoiningByEntriesTests
{
    private static readonly Guid ClusterId = Guid.NewGuid();
    private static readonly Guid Instance = Guid.NewGuid();
    private static readonly NodeKey Leader = new("node-1", 1);

    [Fact]
    public async Task A_log_from_its_beginning_names_its_cluster_itself()
    {
        await using var cluster = new TestCluster();
        var joining = await cluster.StartAsync("node-2", o => o with { Peers = [] });
        using var early = Connect(joining, Guid.Empty);

        Send(early, joining, OwnBatches.Configuration(ConfigurationWith(joining)));

        await cluster.UntilAsync("the entry to be durable", () => joining.Wal.Durable.Lsn == 1);
        Assert.Equal((ClusterId, ClusterId), (joining.Wal.ClusterId, joining.Configuration!.ClusterId));
        Assert.Null(joining.View.Stopped);
    }

    /// <summary>
    /// As where the log was pruned: no configuration is among the entries. (A node without any log takes none but LSN 1, so they stand there.)
    /// </summary>
    [Fact]
    public async Task Entries_that_nobody_says_the_cluster_of_are_refused_until_their_sender_has_connected_anew()
    {
        await using var cluster = new TestCluster();
        var joining = await cluster.StartAsync("node-2", o => o with { Peers = [] });
        using var early = Connect(joining, Guid.Empty);

        Send(early, joining, TestCluster.Batch(1));

        await cluster.UntilAsync("the connection to be closed", () => early.ClosedByPeer);
        Assert.Equal(1, cluster.Logs["node-2"].Count("node-1", "was in no cluster yet when it connected"));
        Assert.Equal((0, Guid.Empty), (joining.Wal.Last.Lsn, joining.Wal.ClusterId));

        using var anew = Connect(joining, ClusterId);
        Send(anew, joining, TestCluster.Batch(1));

        await cluster.UntilAsync("the entry to be durable", () => joining.Wal.Durable.Lsn == 1);
        Assert.Equal(ClusterId, joining.Wal.ClusterId);
        Assert.Null(joining.View.Stopped);
    }

    /// <summary>A node may be reached by several addresses: what counts is the connection that the entries came over, not another one to the same node.</summary>
    [Fact]
    public async Task An_older_connection_that_names_no_cluster_does_not_speak_for_a_newer_one_that_does()
    {
        await using var cluster = new TestCluster();
        var joining = await cluster.StartAsync("node-2", o => o with { Peers = [] });
        using var early = Connect(joining, Guid.Empty);
        using var late = Connect(joining, ClusterId);

        Send(late, joining, TestCluster.Batch(1));

        await cluster.UntilAsync("the entry to be durable", () => joining.Wal.Durable.Lsn == 1);
        Assert.Equal(ClusterId, joining.Wal.ClusterId);
    }

    private static LinkSession Connect(ClusterNode to, Guid clusterId)
    {
        var options = new TransportOptions { Secret = TransportOptions.SecretBytes("a secret of the test") };
        var self = new PeerIdentity(Leader, Instance, "test", clusterId, "127.0.0.1:1"); // nobody answers there
        Assert.True(HostPort.TryParse(to.Address, out var address));
        var result = LinkDialer.Dial(address, self, options, TimeProvider.System);
        Assert.True(result.Session is not null, result.Refusal?.Text);
        return result.Session;
    }

    private static void Send(LinkSession session, ClusterNode to, SealedBatch content)
    {
        using var owned = content;
        var batch = owned.Assign(1, term: 1);
        var writer = new WireWriter();
        var message = new AppendRequest(Leader, to.Self, 1, default, [MessageCodec.Describe(batch)], 0, 0, AnswerNow: false);
        MessageCodec.Write(writer, message, batch.Bytes.Length);
        session.Write(writer.Written, [batch.Bytes]);
        batch.Release();
    }

    private static Configuration ConfigurationWith(ClusterNode learner) => new(ClusterId, "test", ClusterMode.Consistent, new LogBase("", true),
        [new Member(Leader, "127.0.0.1:1", MemberRole.Voter), new Member(learner.Self, learner.Address, MemberRole.Learner)]);
}
