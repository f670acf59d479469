using WolfScale.Settings;

namespace WolfScale.Unit.Server;

public class NamesAndAddressesTests
{
    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("fsnyc", "fsync", 1)] // neighbours swapped: one slip
    [InlineData("same", "same", 0)]
    public void Distance_counts_slips_of_the_fingers(string a, string b, int distance) => Assert.Equal(distance, NearestName.Distance(a, b));

    [Theory]
    [InlineData("heartbeat_interval", "heartbeat_interval_ms")]
    [InlineData("peer", "peers")]
    [InlineData("zebra", null)]
    public void The_nearest_name_is_named_only_when_it_is_near(string given, string? nearest) =>
        Assert.Equal(nearest, NearestName.Find(given, ["heartbeat_interval_ms", "peers", "secret"]));

    [Theory]
    [InlineData("10.0.0.1:7654", "10.0.0.1", 7654)]
    [InlineData("[::1]:7654", "::1", 7654)]
    [InlineData("db-1.example:0", "db-1.example", 0)]
    [InlineData("*:80", "*", 80)]
    public void An_address_is_host_and_port(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out var address, out _));
        Assert.Equal((host, port), (address.Host, address.Port));
    }

    [Theory]
    [InlineData("10.0.0.1", "has no port")]
    [InlineData("", "has no port")]
    [InlineData("10.0.0.1:port", "is not a port")]
    [InlineData("10.0.0.1:70000", "is not a port")]
    [InlineData("::1:7654", "in brackets")]
    [InlineData("[::1]", "has no port")]
    [InlineData("http://a:80", "without a scheme")]
    public void Anything_else_says_what_is_wrong(string text, string problem)
    {
        Assert.False(HostPort.TryParse(text, out _, out var said));
        Assert.Contains(problem, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:80", "localhost:80", true)]
    [InlineData("0.0.0.0:80", "127.0.0.1:80", true)]
    [InlineData("127.0.0.1:80", "127.0.0.2:80", false)]
    [InlineData("127.0.0.1:0", "127.0.0.1:0", false)] // two free ports are two ports
    public void Listeners_take_each_others_ports(string a, string b, bool overlap)
    {
        _ = HostPort.TryParse(a, out var first, out _);
        _ = HostPort.TryParse(b, out var second, out _);

        Assert.Equal(overlap, first.Overlaps(second));
    }
}
