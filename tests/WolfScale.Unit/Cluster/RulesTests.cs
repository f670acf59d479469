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
