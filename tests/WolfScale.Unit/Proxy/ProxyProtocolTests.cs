using System.Net;
using System.Text;
using WolfScale.Proxy.Net;

namespace WolfScale.Unit.Proxy;

/// <summary>What a balancer says before the client's first word.</summary>
public sealed class ProxyProtocolTests
{
    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.1 50000 3307\r\n", "192.0.2.1:50000")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 50000 3307\r\n", "[2001:db8::1]:50000")]
    [InlineData("PROXY UNKNOWN\r\n", null)]
    [InlineData("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", null)]
    public void A_line_is_read_and_waited_for(string line, string? client)
    {
        var bytes = Encoding.ASCII.GetBytes(line);
        for (var length = 1; length < bytes.Length; length++)
            Assert.Equal(ProxyHeaderKind.Incomplete, ProxyProtocol.Read(bytes.AsSpan(0, length), out _, out _));

        Assert.Equal(ProxyHeaderKind.Whole, ProxyProtocol.Read([.. bytes, 1, 2, 3], out var taken, out var read));
        Assert.Equal((bytes.Length, client), (taken, read?.ToString()));
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.1 50000\r\n")]
    [InlineData("PROXY TCP4 192.0.2.x 198.51.100.1 50000 3307\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.1 70000 3307\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.1 50000x 3307\r\n")]
    [InlineData("PROXY UDP4 192.0.2.1 198.51.100.1 50000 3307\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.1 50000 3307 and nothing ends this line, however long one waits for it to end, or longer")]
    public void A_line_that_makes_no_sense_is_said_to(string line) =>
        Assert.Equal(ProxyHeaderKind.Damaged, ProxyProtocol.Read(Encoding.ASCII.GetBytes(line), out _, out _));

    [Theory]
    [InlineData("192.0.2.1:50000", "198.51.100.1:3307", "192.0.2.1:50000")]
    [InlineData("[2001:db8::1]:50000", "[2001:db8::2]:3307", "[2001:db8::1]:50000")]
    [InlineData("[::ffff:192.0.2.1]:50000", "198.51.100.1:3307", "192.0.2.1:50000")]
    [InlineData("192.0.2.1:50000", "[2001:db8::2]:3307", "[::ffff:192.0.2.1]:50000")]
    public void What_is_written_is_read(string client, string server, string expected)
    {
        var header = ProxyProtocol.Write(IPEndPoint.Parse(client), IPEndPoint.Parse(server));
        for (var length = 1; length < header.Length; length++)
            Assert.Equal(ProxyHeaderKind.Incomplete, ProxyProtocol.Read(header.AsSpan(0, length), out _, out _));

        Assert.Equal(ProxyHeaderKind.Whole, ProxyProtocol.Read([.. header, 1, 2, 3], out var taken, out var read));
        Assert.Equal((header.Length, IPEndPoint.Parse(expected)), (taken, read));
    }

    /// <summary>proxy-protocol.txt, 2.2: a health check (LOCAL) and a unix socket have no address; TLVs may follow one.</summary>
    [Theory]
    [InlineData("20000000", null)]
    [InlineData("21310002ffff", null)]
    [InlineData("21110010c0000201c6336401c3500ceb04000100", "192.0.2.1:50000")]
    public void Others_headers_of_version_2(string rest, string? client)
    {
        byte[] header = [.. "\r\n\r\n\0\r\nQUIT\n"u8, .. Convert.FromHexString(rest)];
        Assert.Equal(ProxyHeaderKind.Whole, ProxyProtocol.Read(header, out var taken, out var read));
        Assert.Equal((header.Length, client), (taken, read?.ToString()));
    }

    [Theory]
    [InlineData("31110000")] // version 3
    [InlineData("22110000")] // no such command
    [InlineData("21110004c0000201")] // half an address
    [InlineData("2111ffff")] // longer than anything that is sent
    public void Damaged_headers_of_version_2(string rest) =>
        Assert.Equal(ProxyHeaderKind.Damaged, ProxyProtocol.Read([.. "\r\n\r\n\0\r\nQUIT\n"u8, .. Convert.FromHexString(rest)], out _, out _));

    [Theory, InlineData(""), InlineData("50000001"), InlineData("0d0a0d01"), InlineData("20000001")]
    public void A_login_is_none(string start) => Assert.Equal(ProxyHeaderKind.None, ProxyProtocol.Read(Convert.FromHexString(start), out _, out _));
}
