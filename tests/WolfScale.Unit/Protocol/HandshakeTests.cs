using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.Unit.Protocol;

public sealed class HandshakeTests
{
    private static readonly byte[] Salt = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Fact]
    public void A_greeting_reads_back_as_it_was_written()
    {
        var greeting = new ServerGreeting
        {
            ServerVersion = "5.5.5-10.11.19-MariaDB",
            ConnectionId = 77,
            Salt = Salt,
            Capabilities = Capabilities.Protocol41 | Capabilities.SecureConnection | Capabilities.PluginAuth,
        };
        var writer = new PacketWriter();
        greeting.Write(writer);
        var read = ServerGreeting.Read(Payload(writer));
        Assert.Equal(Salt, read.Salt);
        Assert.Equal(greeting, read with { Salt = greeting.Salt });
    }

    [Theory]
    [InlineData(null)]
    [InlineData("shop")]
    public void A_login_reads_back_as_it_was_written(string? database)
    {
        var capabilities = Capabilities.Protocol41 | Capabilities.SecureConnection | Capabilities.PluginAuth;
        if (database is not null)
            capabilities |= Capabilities.ConnectWithDatabase;
        var login = new LoginRequest
        {
            User = "repl",
            AuthResponse = NativePassword.Scramble("secret", Salt),
            Capabilities = capabilities,
            Database = database,
        };
        var writer = new PacketWriter();
        login.Write(writer);
        var read = LoginRequest.Read(Payload(writer));
        Assert.Equal(login.AuthResponse.ToArray(), read.AuthResponse.ToArray());
        Assert.Equal(login, read with { AuthResponse = login.AuthResponse });
    }

    [Fact]
    public void The_right_password_is_accepted_and_no_other()
    {
        var answer = NativePassword.Scramble("secret", Salt);
        Assert.Equal(NativePassword.Length, answer.Length);
        Assert.True(NativePassword.Verify("secret", Salt, answer));
        Assert.False(NativePassword.Verify("secreT", Salt, answer));
        Assert.False(NativePassword.Verify("secret", [.. Salt.Reverse()], answer));
        Assert.False(NativePassword.Verify("secret", Salt, []));
        Assert.False(NativePassword.Verify("", Salt, answer));
    }

    /// <summary>SHA1("secret") XOR SHA1(salt + SHA1(SHA1("secret"))), computed with Python's hashlib.</summary>
    [Fact]
    public void A_scrambled_password_is_what_the_protocol_says() =>
        Assert.Equal("b32bb3a583e1340c0a1108d58b1be49781ad8c2f", Convert.ToHexStringLower(NativePassword.Scramble("secret", Salt)));

    [Fact]
    public void An_auth_switch_gives_plugin_and_salt()
    {
        var writer = new PacketWriter();
        AuthSwitchRequest.Write(writer, "mysql_native_password", Salt);
        var read = AuthSwitchRequest.Read(Payload(writer));
        Assert.Equal("mysql_native_password", read.Plugin);
        Assert.Equal(Salt, read.Salt);
    }

    [Fact]
    public void A_request_for_the_old_hash_is_refused() =>
        Assert.Throws<ProtocolException>(() => AuthSwitchRequest.Read([AuthSwitchRequest.Marker]).Plugin);

    [Fact]
    public void Commands_read_back_as_they_were_written()
    {
        var writer = new PacketWriter { Sequence = 9 };
        var dump = new BinlogDumpCommand(4, BinlogDumpFlags.SendAnnotateRows, 4_000_000_001, "binlog.000007");
        dump.Write(writer);
        Assert.Equal(0, PacketHeader.Read(writer.Written.Span).Sequence);
        Assert.Equal(dump, BinlogDumpCommand.Read(Payload(writer)));

        writer.Clear();
        var register = new RegisterSlaveCommand(4_000_000_001, "node-1", 3306);
        register.Write(writer);
        Assert.Equal(register, RegisterSlaveCommand.Read(Payload(writer)));
    }

    [Fact]
    public void Answers_read_back_as_they_were_written()
    {
        var writer = new PacketWriter();
        var ok = new OkPacket(3, 1_000_000, ServerStatus.AutoCommit | ServerStatus.InTransaction, 2);
        ok.Write(writer);
        Assert.Equal(ok, OkPacket.Read(Payload(writer)));

        writer.Clear();
        var err = new ErrPacket(1236, "HY000", "Could not find GTID state");
        err.Write(writer);
        Assert.Equal(err, ErrPacket.Read(Payload(writer)));
        Assert.Equal(new ErrPacket(1040, "HY000", "Too many connections"), ErrPacket.Read([0xFF, 0x10, 0x04, .. "Too many connections"u8]));

        writer.Clear();
        var eof = new EofPacket(1, ServerStatus.MoreResults);
        eof.Write(writer);
        Assert.Equal(eof, EofPacket.Read(Payload(writer)));
    }

    [Fact]
    public void A_result_set_reads_back_with_its_nulls()
    {
        var writer = new PacketWriter { Sequence = 1 };
        TextResultSet.Write(writer, ["Variable_name", "Value"], ["server_id", null], ["", new string('x', 70_000)]);
        var packets = Packets(writer.Written);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], packets.Select(p => (int)p.Sequence));
        Assert.Equal("Value", ColumnDefinition.Read(packets[2].Payload.Span).Name);
        Assert.Equal(["server_id", null], TextResultSet.ReadRow(packets[4].Payload.Span, 2));
        Assert.Equal(["", new string('x', 70_000)], TextResultSet.ReadRow(packets[5].Payload.Span, 2));
        Assert.True(EofPacket.IsEof(packets[6].Payload.Span));
    }

    [Fact]
    public void An_ack_holds_64_bits_of_position_and_the_file_name()
    {
        var buffer = new byte[SemiSyncAck.MaxLength];
        var length = SemiSyncAck.Write(buffer, 5L << 32, "binlog.000002"u8);
        Assert.Equal(new PacketHeader(22, 0), PacketHeader.Read(buffer));
        Assert.Equal((5L << 32, "binlog.000002"), SemiSyncAck.Read(buffer.AsSpan(PacketHeader.Size, length - PacketHeader.Size)));
    }

    [Fact]
    public void A_semi_sync_header_without_its_magic_is_refused()
    {
        Assert.True(SemiSyncHeader.Read([0xEF, 1]).NeedsAck);
        Assert.False(SemiSyncHeader.Read([0xEF, 0]).NeedsAck);
        Assert.Throws<ProtocolException>(() => SemiSyncHeader.Read([0, 1]));
        Assert.Throws<ProtocolException>(() => SemiSyncHeader.Read([0xEF]));
    }

    private static byte[] Payload(PacketWriter writer) => Packets(writer.Written)[0].Payload.ToArray();

    private static List<(byte Sequence, ReadOnlyMemory<byte> Payload)> Packets(ReadOnlyMemory<byte> bytes)
    {
        var packets = new List<(byte, ReadOnlyMemory<byte>)>();
        while (!bytes.IsEmpty)
        {
            var header = PacketHeader.Read(bytes.Span);
            packets.Add((header.Sequence, bytes.Slice(PacketHeader.Size, header.PayloadLength)));
            bytes = bytes[(PacketHeader.Size + header.PayloadLength)..];
        }

        return packets;
    }
}
