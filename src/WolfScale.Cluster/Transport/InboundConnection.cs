using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Wire;
using WolfScale.Wal;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// A connection that somebody made to this node: proves both sides, then hands every frame to the node on its own thread.
/// <para>
/// One blocking thread per peer, on purpose: measured on a loaded two-core machine, a blocking receive answers in 18 µs (median) where an
/// asynchronous one through the thread pool takes 220 µs and seven times the processor. Their number is bounded: one per member, plus
/// <see cref="TransportOptions.MaxUnauthenticated"/> strangers for at most the handshake's deadline.
/// </para>
/// </summary>
internal sealed class InboundConnection
{
    /// <summary>Bytes handed over before what they appended is synced, even if more is waiting: bounds memory, and lets the sender's window move on.</summary>
    private const int MaxUndrainedBytes = 1 << 20;

    /// <summary>What a frame counts besides its bytes.</summary>
    private const int FrameCost = 1024;

    private readonly Socket _socket;
    private readonly ClusterListener _listener;
    private volatile string? _closeReason;
    private long _heardAt;

    public InboundConnection(Socket socket, ClusterListener listener)
    {
        _socket = socket;
        _listener = listener;
        Remote = socket.RemoteEndPoint?.ToString() ?? "an unknown address";
        _heardAt = listener.Time.GetTimestamp();
    }

    /// <summary>Address and port the connection comes from.</summary>
    public string Remote { get; }

    /// <summary>The proven peer; null before.</summary>
    public PeerIdentity? Peer { get; private set; }

    /// <summary>How long nothing has been heard on it.</summary>
    public TimeSpan SilentFor => _listener.Time.GetElapsedTime(Volatile.Read(ref _heardAt));

    private TransportOptions Options => _listener.Options;

    /// <summary>Ends the connection from any thread; its own thread then returns.</summary>
    public void Close(string reason)
    {
        _closeReason ??= reason;
        _socket.Dispose();
    }

    /// <summary>The connection's whole life, on its own thread.</summary>
    public void Run()
    {
        var admitted = false;
        try
        {
            if (Authenticate() is not { } session)
                return;
            using (session.Frames)
            using (session.Stream)
            {
                admitted = true;
                ReceiveAll(session.Frames);
            }
        }
        catch (Exception e)
        {
            // Whatever it was, it is this connection's end and nobody else's: the thread is its own.
            Report(admitted, e);
        }
        finally
        {
            _socket.Dispose();
            _listener.Ended(this, admitted);
        }
    }

    /// <summary>Handshake under one deadline for all of it; null when refused (and logged).</summary>
    private (Stream Stream, FrameReader Frames)? Authenticate()
    {
        using var deadline = _listener.Time.CreateTimer(
            _ => Close($"it did not finish the handshake within {Options.HandshakeDeadlineMs} ms; only WolfScale nodes may connect here"),
            null, TimeSpan.FromMilliseconds(Options.HandshakeDeadlineMs), Timeout.InfiniteTimeSpan);
        Stream stream = new PatientStream(_socket);
        byte[] binding = [];
        if (RefuseWrongSecurity() is { } wrong)
            return Refused(wrong);
        if (Options.Tls is { } tls)
            (stream, binding) = tls.Accept(stream);
        var frames = new FrameReader(stream);
        try
        {
            if (Handshake(stream, frames, binding) is { } refusal)
            {
                frames.Dispose();
                return Refused(refusal);
            }
        }
        catch
        {
            frames.Dispose();
            throw;
        }
        frames.MaxBytes = FrameFormat.MaxControlBytes;
        frames.MaxAppendBytes = Options.MaxAppendBytes;
        return (stream, frames);
    }

    /// <summary>Looks at the first byte without taking it: TLS where none is expected, or the other way round, gets one clear answer.</summary>
    private HandshakeRefusal? RefuseWrongSecurity()
    {
        Span<byte> first = stackalloc byte[1];
        if (_socket.Receive(first, SocketFlags.Peek) == 0)
            return new(RefusalCode.Garbage, "it closed the connection without a word");
        var speaksTls = first[0] == FrameFormat.TlsHandshakeRecord;
        if (Options.Tls is null && speaksTls)
            return new(RefusalCode.Tls, "it speaks TLS and this node does not: set cluster.tls_cert, tls_key and tls_ca on all nodes or on none");
        if (Options.Tls is null || speaksTls)
            return null;
        var refusal = new HandshakeRefusal(RefusalCode.Tls,
            "plaintext where TLS is required: set cluster.tls_cert, tls_key and tls_ca on all nodes or on none");
        if (first[0] == FrameFormat.Preamble[0])
        {
            var writer = new WireWriter();
            writer.BeginFrame(FrameKind.Refusal);
            HandshakeMessages.WriteRefusal(writer, refusal.Code, refusal.Text);
            writer.EndFrame();
            _socket.Send(writer.Written);
        }
        return refusal;
    }

    /// <summary>The picture stands on <see cref="DialerHandshake"/>; the numbers are its numbers.</summary>
    private HandshakeRefusal? Handshake(Stream stream, FrameReader frames, byte[] binding)
    {
        var preamble = frames.ReadRaw(FrameFormat.Preamble.Length);
        if (!preamble.SequenceEqual(FrameFormat.Preamble))
        {
            return new(RefusalCode.Garbage, $"it does not speak the cluster protocol (first bytes {Convert.ToHexString(preamble)}): "
                + "only WolfScale nodes may connect here, see what runs at that address");
        }
        var handshake = new AcceptorHandshake(_listener.Handler.Identity, Options.Secret, binding,
            RandomNumberGenerator.GetBytes(HandshakeMessages.NonceBytes));
        var writer = new WireWriter();

        // 1 → 2
        Next(frames, out var kind, out var payload);
        var refusal = handshake.OnHello(kind, payload, writer);
        stream.Write(writer.Written);
        if (refusal is not null)
            return refusal;

        // 3
        Next(frames, out kind, out payload);
        writer.Clear();
        refusal = handshake.OnProof(kind, payload, writer);
        if (refusal is not null)
        {
            stream.Write(writer.Written);
            return refusal;
        }

        // 4: proven. Only now anything that the peer says counts.
        Peer = handshake.Remote;
        refusal = IdentityRules.Compare(_listener.Handler.Identity, Peer!) ?? _listener.Handler.Admit(this);
        handshake.WriteVerdict(refusal, writer);
        stream.Write(writer.Written);
        return refusal;
    }

    private static void Next(FrameReader frames, out FrameKind kind, out ReadOnlySpan<byte> payload)
    {
        if (!frames.Read(out kind, out payload))
            throw new WireFormatException("it closed the connection in the middle of the handshake");
    }

    private void ReceiveAll(FrameReader frames)
    {
        CommitPathThread.Prefer();
        TransportLog.InboundReady(_listener.Logger, Peer!.Key.Id, Remote);
        _listener.Authenticated(this);
        _socket.ReceiveTimeout = Options.SilenceMs;
        var undrained = 0;
        while (frames.Read(out var kind, out var payload))
        {
            Volatile.Write(ref _heardAt, _listener.Time.GetTimestamp());
            undrained += payload.Length + FrameCost;
            _listener.Handler.Receive(this, kind, payload);
            if (undrained < MaxUndrainedBytes && (frames.HasFrame || _socket.Available > 0))
                continue;
            undrained = 0;
            _listener.Handler.Drained(this);
        }
    }

    private (Stream, FrameReader)? Refused(HandshakeRefusal refusal)
    {
        if (refusal.Code != RefusalCode.Self && _listener.Throttle.Allow($"{Host()} {refusal.Code}", out var suppressed))
        {
            var who = Peer is null ? "" : $"(as node {Peer.Key.Id}) ";
            TransportLog.InboundRefused(_listener.Logger, Remote, who + refusal.Text, TransportLog.More(suppressed));
        }
        return null;
    }

    private void Report(bool admitted, Exception error)
    {
        if (_listener.Stopping)
            return;
        var reason = _closeReason ?? error switch
        {
            AuthenticationException tls => $"TLS failed: {TlsCredentials.Describe(tls)}",
            WireFormatException when !admitted => $"{error.Message}; only WolfScale nodes may connect here, see what runs at that address",
            IOException e when PatientStream.IsTimeOut(e)
                => $"nothing was heard for {Options.SilenceMs} ms",
            _ => error.Message,
        };
        if (!_listener.Throttle.Allow($"{Host()} {error.GetType().Name}", out var suppressed))
            return;
        if (admitted)
            TransportLog.InboundClosed(_listener.Logger, Peer!.Key.Id, Remote, reason, TransportLog.More(suppressed));
        else
            TransportLog.InboundRefused(_listener.Logger, Remote, reason, TransportLog.More(suppressed));
    }

    /// <summary>
    /// The address without its port. Together with the kind of refusal it is what the log is throttled by: a scanner's garbage must not hide
    /// that a real peer of the same machine has the wrong secret.
    /// </summary>
    private string Host() => (Peer?.Key.Id ?? "") + "@" + Remote[..Math.Max(0, Remote.LastIndexOf(':'))];
}
