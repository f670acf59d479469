using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster.Transport;

/// <summary>How an attempt to reach a peer ended: with a session, or with a refusal (of which <c>Remote</c> says whose it is).</summary>
internal readonly record struct DialResult(LinkSession? Session, HandshakeRefusal? Refusal, PeerIdentity? Remote);

/// <summary>
/// Connects to one address and proves both sides. Blocking, on the link's own thread (an asynchronous connect would leave the descriptor
/// non-blocking for ever); a timer closes the socket when it takes too long.
/// </summary>
internal static class LinkDialer
{
    private const int ConnectDeadlineMs = 1500;

    /// <param name="onSocket">Told of the socket before it connects, so that another thread can close it.</param>
    public static DialResult Dial(HostPort address, PeerIdentity self, TransportOptions options, TimeProvider time, Action<Socket>? onSocket = null)
    {
        Socket? socket = null;
        SocketWriter? writer = null;
        var stage = "connecting";
        var timedOut = false;
        try
        {
            var endpoint = address.Resolve();
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            onSocket?.Invoke(socket);
            var closing = socket;
            using var deadline = time.CreateTimer(
                _ =>
                {
                    timedOut = true;
                    closing.Dispose();
                },
                null, TimeSpan.FromMilliseconds(ConnectDeadlineMs), Timeout.InfiniteTimeSpan);
            socket.Connect(endpoint);
            deadline.Change(TimeSpan.FromMilliseconds(options.HandshakeDeadlineMs), Timeout.InfiniteTimeSpan);
            NativeSocket.SetUserTimeout(socket, options.SilenceMs);
            writer = new SocketWriter(socket);
            Stream stream = new LinkStream(socket, writer);
            byte[] binding = [];
            SslStream? tls = null;
            if (options.Tls is { } credentials)
            {
                stage = "the TLS handshake";
                (tls, binding) = credentials.Dial(stream);
                stream = tls;
            }
            stage = "the handshake";
            var (remote, refusal) = Handshake(stream, self, options, binding);
            if (refusal is not null || timedOut)
            {
                socket.Dispose();
                return new(null, refusal ?? new(RefusalCode.Timeout, "the handshake took too long"), remote);
            }
            return new(new LinkSession(socket, writer, tls, remote!), null, remote);
        }
        catch (Exception e)
        {
            socket?.Dispose();
            writer?.Dispose();
            return new(null, Explain(e, stage, timedOut, options), null);
        }
    }

    /// <summary>The picture stands on <see cref="DialerHandshake"/>.</summary>
    private static (PeerIdentity? Remote, HandshakeRefusal? Refusal) Handshake(
        Stream stream, PeerIdentity self, TransportOptions options, byte[] binding)
    {
        using var frames = new FrameReader(stream, 4 * 1024);
        var handshake = new DialerHandshake(self, options.Secret, binding, RandomNumberGenerator.GetBytes(HandshakeMessages.NonceBytes));
        var writer = new WireWriter();
        handshake.WriteHello(writer);
        stream.Write([.. FrameFormat.Preamble, .. writer.Written]);
        if (!frames.Read(out var kind, out var payload))
            return (null, Closed(options));
        if (handshake.OnChallenge(kind, payload, writer) is { } early)
            return (handshake.Remote, early);
        stream.Write(writer.Written);
        if (!frames.Read(out kind, out payload))
            return (handshake.Remote, Closed(options));
        return (handshake.Remote, handshake.OnVerdict(kind, payload));
    }

    private static HandshakeRefusal Closed(TransportOptions options) => new(RefusalCode.Garbage,
        options.Tls is null
            ? "it closed the connection in the middle of the handshake: see its log; is it a WolfScale node, without TLS like this one?"
            : "it closed the connection in the middle of the handshake: see its log; does it use TLS, and is this node's certificate of its tls_ca?");

    private static HandshakeRefusal Explain(Exception error, string stage, bool timedOut, TransportOptions options)
    {
        if (timedOut)
            return new(RefusalCode.Timeout, $"no answer in time while {stage}");
        return error switch
        {
            AuthenticationException tls => new(RefusalCode.Tls,
                $"TLS failed: {TlsCredentials.Describe(tls)} (TLS must be set up alike on all nodes: cluster.tls_cert, tls_key, tls_ca)"),
            _ when stage == "the TLS handshake" => new(RefusalCode.Tls,
                $"TLS failed: {error.Message} (is the peer without TLS? set cluster.tls_cert, tls_key and tls_ca on all nodes or on none)"),
            _ when stage == "the handshake" && options.Tls is not null => new(RefusalCode.Tls,
                $"{error.Message} (is this node's certificate of an authority in the peer's tls_ca? see its log)"),
            WireFormatException => new(RefusalCode.Garbage, $"it is not a WolfScale node, or not on its cluster port: {error.Message}"),
            _ => new(RefusalCode.Unavailable, error.Message),
        };
    }
}
