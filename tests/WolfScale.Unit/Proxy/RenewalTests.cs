using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>COM_RESET_CONNECTION and COM_CHANGE_USER: what of the session stays, as measured with MariaDB 10.11.</summary>
public sealed class RenewalTests : IDisposable
{
    private const string Read = "SELECT a FROM t";
    private readonly ProxyKit _kit = new();

    public RenewalTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    /// <summary>Else the next leader's table of that name in the login's schema would be written to.</summary>
    [Fact]
    public void After_a_reset_a_session_moves_with_its_schema_and_role()
    {
        var (client, server) = _kit.LogIn();
        Said(client, server, "SET ROLE r", Ok());
        Said(client, server, "SET time_zone='+01:00'", Ok(TwoSidedAnswer.Variable("time_zone", "+01:00")));
        Said(client, server, "USE other", Ok(TwoSidedAnswer.Schema("other")));
        Reset(client, server);

        _kit.MovesAfter(server);
        client.Send(Query("UPDATE t SET a=1"));
        Expect(_kit.Moved(), "SET ROLE r", "USE `other`", "UPDATE t SET a=1");
    }

    [Fact]
    public void After_a_reset_reads_elsewhere_are_of_the_same_schema()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Said(client, server, Read, Ok()); // by then its account is known
        Said(client, server, "USE other", Ok(TwoSidedAnswer.Schema("other")));
        Reset(client, server);

        client.Send(Query(Read));
        var local = _kit.AcceptAtLocal();
        local.LetIn();
        Expect(local, "USE `other`", "SET SESSION tx_read_only=1", Read);
    }

    [Fact]
    public void A_role_that_nobody_knows_ties_beyond_a_reset()
    {
        var (client, server) = _kit.LogIn();
        Said(client, server, "DO 1; SET ROLE r", Ok());
        Reset(client, server);
        _kit.MovesAfter(server);
        client.Send(Query(Read));
        Assert.Contains("its role was set among other statements", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>In gbk a quote may be the second half of a character: what is read so cannot be told apart from what writes.</summary>
    [Theory]
    [InlineData(45, null)]
    [InlineData(28, "08007")] // whether it wrote is not known
    public void A_change_of_user_changes_the_character_set(byte collation, string? state)
    {
        _kit.Accounts["other"] = _kit.Accounts["app"];
        var (client, server) = _kit.LogIn();
        Change(client, server, [.. "other\0"u8, 20, .. NativePassword.Scramble("secret", Salt), 0, collation, 0, .. "mysql_native_password\0"u8]);
        client.Send(Query("SELECT '\u00e9'"));
        _ = server.Read();
        _kit.MovesAfter(server);
        if (state is null)
            _ = _kit.Moved();
        else
            Assert.Equal(state, client.ReadText()[4..9]);
    }

    /// <summary>The session is as one that has just logged in: nothing keeps it where it is.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the server asks again, with another salt
    public void A_session_moves_as_the_user_that_it_was_changed_to(bool asks)
    {
        _kit.Accounts["other"] = SHA1.HashData(SHA1.HashData("another"u8));
        byte[] second = [.. "ABCDEFGHIJKLMNOPQRST"u8];
        var (client, server) = _kit.LogIn();
        Said(client, server, "SELECT GET_LOCK('a', 1)", Ok());
        byte[] change = [.. "other\0"u8, 20, .. NativePassword.Scramble("another", Salt), .. "shop\0"u8, 33, 0, .. "mysql_native_password\0"u8];
        client.Send(Packet(0, [0x11, .. change]));
        Assert.Equal([0x11, .. change], server.Read());
        server.Sequence = 1;
        if (asks)
        {
            server.Say([0xFE, .. "mysql_native_password\0"u8, .. second, 0]);
            Assert.Equal(0xFE, client.Read()[0]);
            client.Sequence = 2;
            client.Say(NativePassword.Scramble("another", second));
            _ = server.Read();
            server.Sequence = 3;
        }

        server.Say(Ok());
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);

        _kit.MovesAfter(server);
        client.Send(Query(Read));
        var next = _kit.AcceptAtLeader();
        next.Greet();
        var login = WolfScale.Proxy.Sessions.LoginPacket.Read(next.Read());
        Assert.Equal(("other", "shop"), (login.User, login.Database));
        Assert.Equal(NativePassword.Scramble("another", Salt), login.Answer);
        next.Sequence = 2;
        next.Say(Ok());
        next.AnswerPreparation();
        Expect(next, "USE `shop`", Read);
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>A login has one byte for the collation, and this one has two.</summary>
    [Fact]
    public void A_change_of_user_that_no_login_can_repeat_ties()
    {
        var (client, server) = _kit.LogIn();
        Change(client, server, [.. "other\0"u8, 20, .. NativePassword.Scramble("secret", Salt), 0, 0, 9, .. "mysql_native_password\0"u8]);
        _kit.MovesAfter(server);
        client.Send(Query(Read));
        Assert.Contains("its user was changed in a way", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>The server has reset its session all the same, and with it what it reports: no OK would tell the gate a GTID any more.</summary>
    [Fact]
    public void A_change_of_user_that_failed_is_followed_by_the_preparation()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Packet(0, [0x11, .. "other\0"u8, 0, 0, 45, 0]));
        _ = server.Read();
        server.Send(Packet(1, [0xFF, 0x15, 0x04, .. "#28000Access denied"u8]));
        Assert.Contains("Access denied", client.ReadText(), StringComparison.Ordinal);
        server.AnswerPreparation();
        Said(client, server, Read, Ok());
        _kit.MovesAfter(server);
        client.Send(Query(Read));
        Assert.Contains("a change of its user was refused", client.ReadText(), StringComparison.Ordinal);
    }

    public void Dispose() => _kit.Dispose();

    private static void Said(RawPeer client, RawPeer server, string sql, byte[] answer)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, answer));
        Assert.Equal(0, client.Read()[0]);
    }

    private static void Change(RawPeer client, RawPeer server, byte[] packet)
    {
        client.Send(Packet(0, [0x11, .. packet]));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
    }

    private static void Reset(RawPeer client, RawPeer server)
    {
        client.Send(Command(0x1F));
        Assert.Equal("\x1F", server.ReadText());
        server.Send(Packet(1, Ok()));
        server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
    }

    private static void Expect(RawPeer server, params ReadOnlySpan<string> statements)
    {
        foreach (var statement in statements)
        {
            Assert.Equal("\x03" + statement, server.ReadText());
            server.Send(Packet(1, Ok()));
        }
    }
}
