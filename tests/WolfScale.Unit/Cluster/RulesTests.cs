using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Cluster;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Unit.Cluster;

public class RulesTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    [InlineData(6, true)]
    public void A_silent_nodes_vote_goes_only_where_that_costs_no_fault_tolerance(int voters, bool goes)
    {
        Assert.Equal(goes, MembershipKeeper.MayTakeVote(voters));
        Assert.Equal(goes, voters > 1 && (voters - 1) / 2 == (voters - 2) / 2);
    }

    [Theory]
    [InlineData("", "0.0.0.0:7654", "10.0.0.1:7654", "secret")]
    [InlineData("", "127.0.0.1:7654", "10.0.0.1:7654", "secret")]
    [InlineData("s", "0.0.0.0:7654", "", "advertise_address")]
    [InlineData("s", "nonsense", "", "bind_address")]
    public void A_node_does_not_start_with_options_that_are_unsafe_or_mean_nothing(string secret, string bind, string advertise, string word)
    {
        var options = new ClusterOptions { NodeId = "n", DataDirectory = "/", BindAddress = bind, AdvertiseAddress = advertise, Secret = secret };
        Assert.Contains(word, Assert.Throws<ClusterStartException>(() => OptionsCheck.Check(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_secret_is_accepted_among_loopback_addresses() => OptionsCheck.Check(new ClusterOptions
    {
        NodeId = "n", DataDirectory = "/", BindAddress = "127.0.0.1:0", Peers = ["127.0.0.1:1", "[::1]:2", "localhost:3"],
    });

    [Theory]
    [InlineData("10.0.0.1:7654", "10.0.0.1", 7654)]
    [InlineData("[fe80::1]:1", "fe80::1", 1)]
    [InlineData("db1.example:65535", "db1.example", 65535)]
    public void Addresses_are_read_as_people_write_them(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out var address));
        Assert.Equal(new HostPort(host, port), address);
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData(":1")]
    [InlineData("a:b:1")]
    [InlineData("host:70000")]
    [InlineData("host:-1")]
    public void What_is_no_address_is_not_taken_for_one(string text) => Assert.False(HostPort.TryParse(text, out _));

    [Fact]
    public void Old_segments_go_only_when_nobody_needs_them_unless_the_disk_limit_says_otherwise()
    {
        WalSegmentInfo[] segments = [new("a", 1, 100, 10), new("b", 101, 200, 10), new("c", 201, 300, 10)];
        var options = new ClusterOptions { NodeId = "n", DataDirectory = "/", BindAddress = "127.0.0.1:0", RetentionHours = 1 };
        var old = (WalSegmentInfo _) => TimeSpan.FromHours(2);
        var young = (WalSegmentInfo _) => TimeSpan.Zero;
        Assert.Equal(201, LogRetention.KeepFrom(segments, 1000, 1000, options, old));
        Assert.Equal(1, LogRetention.KeepFrom(segments, 1000, 1000, options, young));
        Assert.Equal(101, LogRetention.KeepFrom(segments, 1000, 150, options, old));
        Assert.Equal(101, LogRetention.KeepFrom(segments, 150, 1000, options, old));

        // Above the limit a member that is behind loses what it would need; this node itself never does.
        Assert.Equal(201, LogRetention.KeepFrom(segments, 1000, 1, options with { MaxLogBytes = 15 }, young));
        Assert.Equal(1, LogRetention.KeepFrom(segments, 50, 1, options with { MaxLogBytes = 15 }, young));
    }

    /// <summary>
    /// What a node needs of its own log when its MariaDB has applied up to 50 of 100 committed entries. The others: w60 holds the data whole up to LSN 60, l80 is a learner that does, x is NEEDS_MIGRATION,
    /// s silent, W60 a witness, m still being copied to.
    /// </summary>
    [Theory]
    [InlineData(NodeStatus.Active, "w60 w90", 51)]
    [InlineData(NodeStatus.Lagging, "w60 w90", 51)]
    [InlineData(NodeStatus.NeedsMigration, "w60 w90", 61)] // a copy stands at 60 at least
    [InlineData(NodeStatus.NeedsMigration, "w90 w200", 91)]
    [InlineData(NodeStatus.NeedsMigration, "w150 w200", 101)] // nothing that is not committed here
    [InlineData(NodeStatus.NeedsMigration, "w60", 61)]
    [InlineData(NodeStatus.NeedsMigration, "w60 W0", 61)]
    [InlineData(NodeStatus.NeedsMigration, "w60 x", 51, "x")]
    [InlineData(NodeStatus.NeedsMigration, "w60 s", 51, "s")]
    [InlineData(NodeStatus.NeedsMigration, "w60 m", 51, "m")]
    [InlineData(NodeStatus.NeedsMigration, "w60 x l80", 51, "x")]
    [InlineData(NodeStatus.NeedsMigration, "w60 w70 w80 x", 61)] // of five voters three
    [InlineData(NodeStatus.NeedsMigration, "w60 w70 x s", 51, "x s")]
    [InlineData(NodeStatus.NeedsMigration, "W0", 51)] // the only database there is
    public void A_server_that_waits_for_a_copy_needs_the_log_from_where_that_can_stand(NodeStatus status, string others, long needs, string keptFor = "")
    {
        var self = new NodeKey("self", 1);
        var said = new Dictionary<NodeKey, LocalState?>();
        var members = new List<Member> { new(self, "", MemberRole.Voter) };
        foreach (var other in others.Split(' '))
        {
            var key = new NodeKey(other[0] is 'w' or 'l' ? other : other[..1], 1);
            members.Add(new Member(key, "", other[0] == 'l' ? MemberRole.Learner : MemberRole.Voter, Witness: other[0] == 'W'));
            said[key] = other[0] switch
            {
                's' => null,
                'x' => new LocalState { Status = NodeStatus.NeedsMigration, AppliedLsn = 100 },
                'm' => new LocalState { Status = NodeStatus.Syncing },
                _ => new LocalState { Status = NodeStatus.Active, AppliedLsn = long.Parse(other[1..], System.Globalization.CultureInfo.InvariantCulture) },
            };
        }

        var need = OwnNeed.Of(self, new LocalState { Status = status, AppliedLsn = 50 }, witness: false, 100, [.. members], key => said[key]);
        Assert.Equal(needs, need.FirstLsn);
        Assert.Equal(keptFor, string.Join(' ', need.KeptFor));
        Assert.Equal(101, OwnNeed.Of(self, new LocalState(), witness: true, 100, [.. members], key => said[key]).FirstLsn);
    }

    [Fact]
    public void The_log_is_not_filled_by_one_subject_and_says_how_much_it_left_out()
    {
        var time = new FakeTimeProvider();
        var throttle = new LogThrottle(time, TimeSpan.FromSeconds(10));
        Assert.True(throttle.Allow("10.0.0.9", out _));
        for (var i = 0; i < 100; i++)
            Assert.False(throttle.Allow("10.0.0.9", out _));
        Assert.True(throttle.Allow("10.0.0.8", out _));
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.False(throttle.Allow("10.0.0.9", out _));
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.True(throttle.Allow("10.0.0.9", out var suppressed));
        Assert.Equal(101, suppressed);
    }

    [Fact]
    public void News_is_delivered_in_order_even_when_a_subscriber_makes_more_of_it_or_fails()
    {
        var seen = new List<long>();
        Notifier? notifier = null;
        notifier = new Notifier(NullLogger.Instance, n =>
        {
            seen.Add(n.CommitLsn);
            if (n.CommitLsn == 1)
            {
                notifier!.Post(new Notification(3, null, false));
                notifier.Drain();
                throw new InvalidOperationException("a subscriber's own fault");
            }
        });
        notifier.Post(new Notification(1, null, false));
        notifier.Post(new Notification(2, null, false));
        notifier.Drain();
        Assert.Equal([1, 2, 3], seen);
    }
}
