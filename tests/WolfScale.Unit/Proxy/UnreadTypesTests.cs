using System.Security.Cryptography;
using System.Text;
using WolfScale.Protocol;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Clients send the types of a statement's parameters the first time only; a server that has not had them refuses an execution without (1210). Long executions pass unread.</summary>
public sealed class UnreadTypesTests : IDisposable
{
    private const string Insert = "INSERT INTO t VALUES (?)";
    private const string OfFirst = "\x01\0\0\0";
    private const string Flags = "\0\x01\0\0\0\0"; // none, one iteration, no NULLs
    private const string Types = "\xfc\0";

    private static readonly string Long = "\xfd\x70\x11\x01" + new string('x', 70_000);

    private readonly ProxyKit _kit = new();

    public UnreadTypesTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    public static TheoryData<bool, bool> Lengths => new() { { true, true }, { true, false }, { false, true } };

    /// <summary>The first execution tells the types, and the second, behind a change of leader, does not.</summary>
    [Theory]
    [MemberData(nameof(Lengths))]
    public void The_next_leader_is_sent_the_types_too(bool firstIsLong, bool secondIsLong)
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        Execute(client, server, 5, "\x01" + Types + (firstIsLong ? Long : "\x01x"), "\x01" + Types + (firstIsLong ? Long : "\x01x"));
        _kit.MovesAfter(server);
        _kit.AwaitLook();

        var value = secondIsLong ? Long : "\x01y";
        client.Send(Latin1(0x17, OfFirst + Flags + "\0" + value));
        var next = _kit.Moved();
        Assert.Equal("\x16" + Insert, next.ReadText());
        next.SayPrepared(6);
        Assert.Equal("\x17\x06\0\0\0" + Flags + "\x01" + Types + value, next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        Execute(client, next, 6, "\0" + value, "\0" + value); // it has them now
    }

    /// <summary>They may come in another piece than the command's beginning.</summary>
    [Fact]
    public void Where_the_command_is_cut_makes_no_difference()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        var command = Latin1(0x17, OfFirst + Flags + "\x01" + Types + Long);
        client.Send(command.AsSpan(0, PacketHeader.Size + 12));
        _kit.AwaitLook();
        client.Send(command.AsSpan(PacketHeader.Size + 12));
        Assert.Equal("\x17\x05\0\0\0" + Flags + "\x01" + Types + Long, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        _kit.AwaitLook();

        client.Send(Latin1(0x17, OfFirst + Flags + "\0\x01y"));
        var next = _kit.Moved();
        Assert.Equal("\x16" + Insert, next.ReadText());
        next.SayPrepared(6);
        Assert.Equal("\x17\x06\0\0\0" + Flags + "\x01" + Types + "\x01y", next.ReadText());
    }

    [Fact]
    public void A_long_bulk_has_them_too()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        client.Send(Latin1(0xFA, OfFirst + "\x80\0" + Types + "\0" + Long));
        Assert.Equal("\xfa\x05\0\0\0\x80\0" + Types + "\0" + Long, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        _kit.AwaitLook();

        client.Send(Latin1(0xFA, OfFirst + "\0\0\0" + Long));
        var next = _kit.Moved();
        Assert.Equal("\x16" + Insert, next.ReadText());
        next.SayPrepared(6);
        Assert.Equal("\xfa\x06\0\0\0\x80\0" + Types + "\0" + Long, next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>With the types it would need a second packet, of which every one behind it would have to be cut anew.</summary>
    [Fact]
    public void A_command_that_would_become_too_long_for_its_packet_ends_the_session()
    {
        var (client, server) = _kit.LogInPrepared(Insert);
        Execute(client, server, 5, "\x01" + Types + "\x01x", "\x01" + Types + "\x01x");
        _kit.MovesAfter(server);
        _kit.AwaitLook();
        byte[] beginning = [0xFF, 0xFF, 0xFF, 0, 0x17, .. Encoding.Latin1.GetBytes(OfFirst + Flags + "\0")];
        client.Send(beginning);
        var next = _kit.Moved();
        Assert.Equal("\x16" + Insert, next.ReadText());
        next.SayPrepared(6);
        client.Send(new byte[1000]);
        Assert.Contains("cannot move", client.ReadText(), StringComparison.Ordinal);
        client.ReadToEnd();
    }

    public void Dispose() => _kit.Dispose();

    private static void Execute(RawPeer client, RawPeer server, byte id, string said, string heard)
    {
        client.Send(Latin1(0x17, OfFirst + Flags + said));
        Assert.Equal("\x17" + (char)id + "\0\0\0" + Flags + heard, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    private static byte[] Latin1(byte code, string text) => Packet(0, [code, .. Encoding.Latin1.GetBytes(text)]);
}
