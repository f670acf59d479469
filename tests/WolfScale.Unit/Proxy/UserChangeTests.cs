using System.Text;
using WolfScale.Proxy.Sessions;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy;

/// <summary>What the beginning of a session tells of how its statements are to be read.</summary>
public sealed class UserChangeTests
{
    [Theory]
    [InlineData("\x11u\0\u0002ab" + "shop\0\x1c\0more", "shop", ClientCharset.AsciiUnsafe)]
    [InlineData("\x11u\0\0\0\x08\0", null, ClientCharset.SingleByte)]
    [InlineData("\x11u\0\0\0\x2d\x01", null, ClientCharset.AsciiUnsafe)] // 301 is not 45
    [InlineData("\x11u\0\0shop\0", null, ClientCharset.AsciiUnsafe)] // a server refuses it
    [InlineData("\x11", null, ClientCharset.AsciiUnsafe)]
    public void A_change_of_user_tells_schema_and_character_set(string packet, string? schema, ClientCharset charset) =>
        Assert.Equal(new UserChange(schema, charset), UserChange.Read(Encoding.Latin1.GetBytes(packet), ProxyKit.Classic));

    [Theory]
    [InlineData("5.5.5-10.11.19-MariaDB-log", 101119)]
    [InlineData("11.4.2-MariaDB", 110402)]
    [InlineData("10.6.7", 100607)]
    [InlineData("10.6", 0)]
    [InlineData("none", 0)]
    public void A_servers_version_is_that_of_its_greeting(string text, int version) => Assert.Equal(version, ClientSession.VersionOf(text));
}
