using System.Text;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Unit.Proxy;

/// <summary>What the beginning of a session tells of how its statements are to be read.</summary>
public sealed class UserChangeTests
{
    [Theory]
    [InlineData("\x11u\0\u0002ab" + "shop\0\x1c\0more", "u ab shop AsciiUnsafe")]
    [InlineData("\x11u\0\0\0\x08\0", "u  - SingleByte")]
    [InlineData("\x11u\0\0\0\x2d\x01", "u  - AsciiUnsafe")] // 301 is not 45
    [InlineData("\x11u\0\0shop\0", null)] // a server refuses it
    [InlineData("\x11", null)]
    public void A_change_of_user_tells_what_a_login_tells(string packet, string? told) =>
        Assert.Equal(told, UserChange.Read(Encoding.Latin1.GetBytes(packet), ProxyKit.Classic) is { } change
            ? $"{Text(change.User)} {Text(change.Answer)} {(change.Schema is null ? "-" : Text(change.Schema))} {change.Charset}"
            : null);

    private static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes);

    [Theory]
    [InlineData("5.5.5-10.11.19-MariaDB-log", 101119)]
    [InlineData("11.4.2-MariaDB", 110402)]
    [InlineData("10.6.7", 100607)]
    [InlineData("10.6", 0)]
    [InlineData("none", 0)]
    public void A_servers_version_is_that_of_its_greeting(string text, int version) => Assert.Equal(version, ClientSession.VersionOf(text));
}
