using System.Net.Sockets;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Unit.Proxy;

/// <summary>One end of a connection that speaks packets, or anything else.</summary>
internal sealed class RawPeer : IDisposable
{
    public static readonly byte[] Salt = [.. "abcdefghijklmnopqrst"u8];

    public RawPeer(Socket socket)
    {
        Socket = socket;
        socket.NoDelay = true;
        socket.ReceiveTimeout = 20_000;
    }

    public Socket Socket { get; }

    /// <summary>Of the next packet that is said.</summary>
    public byte Sequence { get; set; }

    /// <summary>Of the last packet that was read.</summary>
    public byte LastSequence { get; private set; }

    public static byte[] Ok(byte[]? changes = null, ServerStatus status = ServerStatus.AutoCommit)
    {
        var answer = new TwoSidedAnswer(Capabilities.None).Ok(status, hidden: changes);
        return answer.FromBackend[PacketHeader.Size..];
    }

    public static byte[] Packet(byte sequence, params ReadOnlySpan<byte> payload)
    {
        var writer = new PacketWriter { Sequence = sequence };
        writer.Begin().Bytes(payload).End();
        return writer.Written.ToArray();
    }

    public static byte[] Command(byte code, string text = "") => Packet(0, [code, .. Encoding.UTF8.GetBytes(text)]);

    public static byte[] Query(string sql) => Command(3, sql);

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[Socket.Send(bytes)..];
    }

    public void Say(params ReadOnlySpan<byte> payload) => Send(Packet(Sequence++, payload));

    public byte[] ReadExactly(int length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            var more = Socket.Receive(bytes, read, length - read, SocketFlags.None);
            if (more == 0)
                throw new EndOfStreamException();
            read += more;
        }

        return bytes;
    }

    /// <summary>The next packet's payload.</summary>
    public byte[] Read()
    {
        var header = PacketHeader.Read(ReadExactly(PacketHeader.Size));
        LastSequence = header.Sequence;
        return ReadExactly(header.PayloadLength);
    }

    public string ReadText() => Encoding.Latin1.GetString(Read());

    /// <summary>The other side closes, and says nothing before.</summary>
    public void ExpectEnd() => Assert.Equal(0, Socket.Receive(new byte[1]));

    /// <summary>The other side closes, whatever it says before.</summary>
    public void ReadToEnd()
    {
        var scratch = new byte[4096];
        while (Socket.Receive(scratch) > 0)
        {
        }
    }

    public void Greet(Capabilities capabilities = ProxyKit.Everything, byte[]? salt = null, uint id = 7)
    {
        var writer = new PacketWriter();
        new ServerGreeting { ServerVersion = "5.5.5-10.11.19-MariaDB", ConnectionId = id, Salt = salt ?? Salt, Capabilities = capabilities }.Write(writer);
        Send(writer.Written.Span);
    }

    public void Login(Capabilities capabilities, string user)
    {
        var writer = new PacketWriter { Sequence = 1 };
        new LoginRequest { User = user, AuthResponse = NativePassword.Scramble("secret", Salt), Capabilities = capabilities & ~Capabilities.ConnectWithDatabase }.Write(writer);
        Send(writer.Written.Span);
    }

    /// <summary>As another proxy logs a client in.</summary>
    public static byte[] HopLogin(HopKind hop = HopKind.ToReader, ClientOrigin? origin = null)
    {
        var plain = new PacketWriter { Sequence = 1 };
        new LoginRequest { User = "app", AuthResponse = NativePassword.Scramble("secret", Salt), Capabilities = ProxyKit.Classic & ~Capabilities.ConnectWithDatabase }.Write(plain);
        var packet = LoginPacket.Read(plain.Written.Span[PacketHeader.Size..]);
        packet.Origin = origin;
        var login = new PacketWriter { Sequence = 1 };
        packet.WriteFor(login, ProxyKit.Everything, NativePassword.Scramble("secret", Salt), NativePassword.PluginName, hop, first: true);
        return login.Written.ToArray();
    }

    /// <summary>The answer to a question of the proxy's own: one row of text.</summary>
    public void SayRow(params ReadOnlySpan<string> values) => SayRow([], values);

    /// <summary>With what has changed in the session, behind it.</summary>
    public void SayRow(byte[] changes, ReadOnlySpan<string> values)
    {
        byte[] number = [3, (byte)'d', (byte)'e', (byte)'f', 0, 0, 0, 0, 0, 12, 63, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        var writer = new PacketWriter { Sequence = 1 };
        writer.Begin().Byte((byte)values.Length).End();
        for (var i = 0; i < values.Length; i++)
            writer.Begin().Bytes(number).End();
        _ = writer.Begin();
        foreach (var value in values)
            _ = writer.LengthEncodedText(value);
        writer.End();
        _ = writer.Begin().Byte(0xFE).Byte(0).Byte(0).UInt16((ushort)(changes.Length == 0 ? 2 : 0x4002)).UInt16(0);
        if (changes.Length > 0)
            _ = writer.Byte(0).LengthEncodedInteger((ulong)changes.Length).Bytes(changes);
        writer.End();
        Send(writer.Written.Span);
    }

    /// <param name="reported">What the server says of the session.</param>
    public void AnswerPreparation(byte[]? reported = null)
    {
        Assert.StartsWith("\x03SET SESSION session_track_system_variables='*'", ReadText(), StringComparison.Ordinal);
        Sequence = 1;
        Say(Ok(reported));
    }

    /// <summary>A server lets the proxy in, and is told what to report.</summary>
    public void LetIn(uint id = 7, byte[]? reported = null)
    {
        LetInAlone(id);
        AnswerPreparation(reported);
    }

    /// <summary>A server lets the proxy in, which has one thing to say and no client to serve.</summary>
    public void LetInAlone(uint id = 7)
    {
        Greet(id: id);
        _ = Read();
        Sequence = 2;
        Say(Ok());
    }

    /// <summary>A server has prepared a statement with one parameter.</summary>
    public void SayPrepared(byte id)
    {
        Send(Packet(1, 0, id, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0));
        Send(Packet(2, 3, (byte)'d', (byte)'e', (byte)'f'));
    }

    public void Dispose() => Socket.Dispose();
}
