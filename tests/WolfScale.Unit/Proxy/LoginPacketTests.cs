using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using MySqlConnector;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sessions;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy;

/// <summary>Logins as clients send them, and as they are sent on.</summary>
public class LoginPacketTests
{
    /// <summary>mariadb 10.11 (Connector/C 3.3.20) -uapp -psecret shop, to the greeting of <see cref="Greeting"/>.</summary>
    private static readonly byte[] MariaDbClient = Convert.FromHexString(
        "8ca2bf000000100021000000000000000000000000000000000000001d00000061707000148817c50fa779daef010ee7577825b0847df9842e73686f70006d7973716c5f6e61746976655f70617373776f7264007e035f6f73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f70696404353530300f5f636c69656e745f76657273696f6e06332e332e3230095f706c6174666f726d067838365f36340c70726f6772616d5f6e616d65056d7973716c0c5f7365727665725f686f7374093132372e302e302e31");

    /// <summary>The same client with --default-character-set=latin1 -uhélène, without a password or a database.</summary>
    private static readonly byte[] MariaDbClientInLatin1 = Convert.FromHexString(
        "84a2bf000000100008000000000000000000000000000000000000001d00000068e96ce86e6500006d7973716c5f6e61746976655f70617373776f7264007e035f6f73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f70696404353530310f5f636c69656e745f76657273696f6e06332e332e3230095f706c6174666f726d067838365f36340c70726f6772616d5f6e616d65056d7973716c0c5f7365727665725f686f7374093132372e302e302e31");

    /// <summary>A client of before authentication plugins: capabilities of 4.1, the password's length in a byte.</summary>
    private static readonly byte[] OldClient =
        [0x8D, 0xA6, 0x03, 0, 0, 0, 0, 1, 8, .. new byte[23], .. "old\0"u8, 20, .. Enumerable.Range(1, 20).Select(i => (byte)i), .. "db\0"u8];

    private const Capabilities Server = (Capabilities)0x81FFF7FE;

    private static readonly ServerGreeting Greeting = new()
    {
        ServerVersion = "5.5.5-10.11.19-MariaDB-log",
        ConnectionId = 9,
        Salt = "abcdefghijklmnopqrst"u8.ToArray(),
        Capabilities = Server & ~Capabilities.Ssl,
    };

    [Fact]
    public void The_mariadb_client_logs_in()
    {
        var login = LoginPacket.Read(MariaDbClient);

        Assert.Equal(("app", "shop", NativePassword.PluginName), (login.User, login.Database, login.Plugin));
        Assert.Equal(NativePassword.Scramble("secret", Greeting.Salt.Span), login.Answer);
        Assert.Equal(ClientCharset.Utf8, login.Charset);
        Assert.Equal(MariaDbCapabilities.Progress | MariaDbCapabilities.BulkExecute | MariaDbCapabilities.ExtendedMetadata | MariaDbCapabilities.CacheMetadata, login.MariaDb);
        Assert.Equal(Capabilities.SessionTrack, login.Capabilities & LoginPacket.Always);
        Assert.False(login.IsHop);
    }

    [Fact]
    public async Task MySqlConnector_logs_in()
    {
        var login = LoginPacket.Read(await LoginOf(port => new MySqlConnection($"Server=127.0.0.1;Port={port};User=app;Password=secret;Database=shop;SslMode=None;Pooling=false")));

        Assert.Equal(("app", "shop", NativePassword.PluginName), (login.User, login.Database, login.Plugin));
        Assert.Equal(NativePassword.Scramble("secret", Greeting.Salt.Span), login.Answer);
        Assert.Equal(ClientCharset.Utf8, login.Charset);
        Assert.False(login.IsHop);
        AssertPassesOn(login);
    }

    [Fact]
    public void An_old_client_logs_in()
    {
        var login = LoginPacket.Read(OldClient);

        Assert.Equal(("old", "db", ""), (login.User, login.Database, login.Plugin));
        Assert.Equal(20, login.Answer.Length);
        Assert.Equal(ClientCharset.SingleByte, login.Charset);
        Assert.Equal(default, login.MariaDb);
    }

    public static TheoryData<byte[]> Recorded => [MariaDbClient, MariaDbClientInLatin1, OldClient];

    /// <summary>Not even a name in another character set than UTF-8 is touched.</summary>
    [Theory, MemberData(nameof(Recorded))]
    public void It_is_sent_on_as_it_came_with_other_capabilities(byte[] payload)
    {
        var sent = Send(LoginPacket.Read(payload), Server, HopKind.None);

        var capabilities = (Capabilities)BinaryPrimitives.ReadUInt32LittleEndian(payload);
        Assert.Equal((capabilities | LoginPacket.Always) & ~LoginPacket.Never, (Capabilities)BinaryPrimitives.ReadUInt32LittleEndian(sent));
        Assert.Equal(Convert.ToHexStringLower(payload.AsSpan(4)), Convert.ToHexStringLower(sent.AsSpan(4)));
    }

    [Fact]
    public void Another_proof_and_what_the_server_lacks()
    {
        var login = LoginPacket.Read(MariaDbClient);
        var writer = new PacketWriter { Sequence = 1 };
        login.WriteFor(writer, Server & ~Capabilities.ConnectAttributes, "another proof"u8, "some_plugin", HopKind.None, first: true);

        var read = LoginPacket.Read(writer.Written.Span[PacketHeader.Size..]);
        Assert.Equal(("app", "shop", "some_plugin", "another proof"), (read.User, read.Database, read.Plugin, Encoding.ASCII.GetString(read.Answer)));
        Assert.Equal((Capabilities)0, read.Capabilities & Capabilities.ConnectAttributes);
        Assert.EndsWith("some_plugin\0", Encoding.Latin1.GetString(writer.Written.Span), StringComparison.Ordinal);
    }

    /// <summary>A server that prepares again what the client has prepared elsewhere may see other columns.</summary>
    [Fact]
    public void Only_the_first_server_may_presume_that_the_client_knows_its_columns()
    {
        var login = LoginPacket.Read(MariaDbClient);
        var writer = new PacketWriter { Sequence = 1 };
        login.WriteFor(writer, Server, login.Answer, login.Plugin, HopKind.None, first: false);

        Assert.Equal(login.MariaDb & ~MariaDbCapabilities.CacheMetadata, LoginPacket.Read(writer.Written.Span[PacketHeader.Size..]).MariaDb);
    }

    [Theory, MemberData(nameof(Recorded))]
    public void A_hop_says_so_among_its_attributes(byte[] payload)
    {
        var login = LoginPacket.Read(payload);
        foreach (var kind in new[] { HopKind.ToLeader, HopKind.ToReader })
        {
            var sent = LoginPacket.Read(Send(login, Server, kind));

            Assert.Equal((kind, true), (sent.Hop, sent.IsHop));
            Assert.Equal((login.User, login.Database, login.Plugin), (sent.User, sent.Database, sent.Plugin));
        }

        Assert.False(LoginPacket.Read(Send(login, Server, HopKind.None)).IsHop);
    }

    /// <summary>What a client claims to be stands before what its proxy says of it.</summary>
    [Theory, MemberData(nameof(Recorded))]
    public void A_hop_of_a_proxy_without_a_node_says_whose_client_it_serves(byte[] payload)
    {
        var login = LoginPacket.Read(payload);
        login.Origin = new ClientOrigin(1, 2);
        var claimed = LoginPacket.Read(Send(login, Server, HopKind.ToLeader));
        claimed.Origin = new ClientOrigin(0xFEDC_BA98_7654_3210, 4_000_000_017);

        Assert.Equal(claimed.Origin, LoginPacket.Read(Send(claimed, Server, HopKind.ToReader)).Origin);
        Assert.Null(LoginPacket.Read(Send(login, Server, HopKind.None)).Origin);
        var throughANode = LoginPacket.Read(Send(login, Server, HopKind.ToLeader)); // and that adds its own hop
        throughANode.Origin = null;
        Assert.Null(LoginPacket.Read(Send(throughANode, Server, HopKind.ToLeader)).Origin);
    }

    /// <summary>As another's would be, or a newer version's.</summary>
    [Theory]
    [InlineData("000000000000000100000011", true)]
    [InlineData("000000000000000000000011", false)] // no proxy has that
    [InlineData("00000000000000010000001x", false)]
    [InlineData("0000000000000001", false)]
    [InlineData("", false)]
    public void What_is_no_client_of_a_proxy_is_none(string value, bool isOne)
    {
        var writer = new PacketWriter { Sequence = 1 };
        var login = LoginPacket.Read(MariaDbClient);
        login.Origin = new ClientOrigin(1, 17);
        login.WriteFor(writer, Server, login.Answer, login.Plugin, HopKind.ToLeader, first: true);
        var sent = writer.Written.Span[PacketHeader.Size..].ToArray();
        var at = sent.AsSpan().IndexOf("000000000000000100000011"u8);
        sent[at - 1] = (byte)value.Length;
        Encoding.ASCII.GetBytes(value).CopyTo(sent, at);

        Assert.Equal(isOne ? new ClientOrigin(1, 17) : null, LoginPacket.Read(sent).Origin);
    }

    [Fact]
    public void The_short_packet_that_asks_for_tls_is_known()
    {
        byte[] request = [0, 0x0A, 0, 0, .. new byte[28]];
        Assert.True(LoginPacket.IsTlsRequest(request));
        Assert.False(LoginPacket.IsTlsRequest(request.AsSpan(0, 31)));
        Assert.False(LoginPacket.IsTlsRequest(MariaDbClient));
    }

    [Fact]
    public void A_client_of_before_4_1_is_refused() => Assert.Throws<ProtocolException>(() => LoginPacket.Read([5, 0, 0, 0, 0, .. new byte[60]]));

    [Fact]
    public void Damaged_logins_are_read_or_refused() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 260], Gen.Select(Gen.Int[0, 260], Gen.Byte).Array[0, 4]).Sample((which, length, changes) =>
        {
            byte[][] all = [MariaDbClient, MariaDbClientInLatin1, OldClient];
            var damaged = all[which].AsSpan(0, Math.Min(length, all[which].Length)).ToArray();
            foreach (var (at, value) in changes)
            {
                if (at < damaged.Length)
                    damaged[at] = value;
            }

            LoginPacket login;
            try
            {
                login = LoginPacket.Read(damaged);
            }
            catch (ProtocolException)
            {
                return;
            }

            _ = (login.Charset, login.MariaDb, login.IsHop);
            AssertPassesOn(login);
        });

    private static void AssertPassesOn(LoginPacket login)
    {
        var sent = LoginPacket.Read(Send(login, Server, HopKind.None));
        Assert.Equal((login.User, login.Database ?? "", login.Plugin), (sent.User, sent.Database ?? "", sent.Plugin));
        Assert.Equal(login.Answer, sent.Answer);
    }

    private static byte[] Send(LoginPacket login, Capabilities server, HopKind hop)
    {
        var writer = new PacketWriter { Sequence = 1 };
        login.WriteFor(writer, server, login.Answer, login.Plugin, hop, first: true);
        return writer.Written.Span[PacketHeader.Size..].ToArray();
    }

    /// <summary>Greets a client and reads what it says.</summary>
    private static async Task<byte[]> LoginOf(Func<int, MySqlConnection> open)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var connection = open(((IPEndPoint)listener.LocalEndpoint).Port);
        var opening = connection.OpenAsync();
        using var socket = await listener.AcceptSocketAsync();
        var writer = new PacketWriter();
        Greeting.Write(writer);
        _ = await socket.SendAsync(writer.Written);
        var bytes = new byte[4096];
        await using var stream = new NetworkStream(socket);
        await stream.ReadExactlyAsync(bytes.AsMemory(0, PacketHeader.Size));
        var length = PacketHeader.Read(bytes).PayloadLength;
        await stream.ReadExactlyAsync(bytes.AsMemory(0, length));
        socket.Close();
        _ = await Assert.ThrowsAsync<MySqlException>(() => opening);
        return bytes[..length];
    }
}
