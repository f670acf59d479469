using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster.Handshake;

/// <summary>The accepting side of the handshake, without a socket. The picture stands on <see cref="DialerHandshake"/>.</summary>
internal sealed class AcceptorHandshake(PeerIdentity self, byte[] secret, byte[] channelBinding, byte[] nonce)
{
    private HandshakeTranscript? _transcript;

    /// <summary>The dialer as it calls itself; to be believed only after <see cref="OnProof"/> has returned null.</summary>
    public PeerIdentity? Remote { get; private set; }

    /// <summary>1 → 2: takes the Hello and writes the challenge, or a refusal that is sent before the connection is closed.</summary>
    public HandshakeRefusal? OnHello(FrameKind kind, ReadOnlySpan<byte> payload, WireWriter writer)
    {
        if (kind != FrameKind.Hello)
            return new(RefusalCode.Garbage, $"a frame of kind {(byte)kind} came where a Hello is expected");
        var hello = HandshakeMessages.ReadHello(payload);
        if (hello.MaxVersion < HandshakeMessages.MinVersion || hello.MinVersion > HandshakeMessages.MaxVersion)
        {
            return Refuse(writer, RefusalCode.Version,
                $"node {hello.Identity.Key.Id} speaks cluster protocol {hello.MinVersion} to {hello.MaxVersion}, node {self.Key.Id} speaks "
                + $"{HandshakeMessages.MinVersion} to {HandshakeMessages.MaxVersion}: install neighbouring versions of WolfScale on both");
        }
        Remote = hello.Identity;
        var version = Math.Min(hello.MaxVersion, HandshakeMessages.MaxVersion);
        writer.BeginFrame(FrameKind.Challenge);
        HandshakeMessages.WriteChallenge(writer, new(version, nonce, self));
        writer.EndFrame();
        _transcript = new HandshakeTranscript(payload.ToArray(), writer.Written[(FrameFormat.LengthBytes + 1)..].ToArray(), channelBinding);
        return null;
    }

    /// <summary>3: null when the dialer knows the secret. Nothing it said is acted upon before.</summary>
    public HandshakeRefusal? OnProof(FrameKind kind, ReadOnlySpan<byte> payload, WireWriter writer)
    {
        if (kind != FrameKind.Proof || _transcript is null)
            return new(RefusalCode.Garbage, $"a frame of kind {(byte)kind} came where a Proof is expected");
        if (HandshakeTranscript.Matches(_transcript.DialerProof(secret), HandshakeMessages.ReadProof(payload)))
            return null;
        return Refuse(writer, RefusalCode.Secret, "wrong cluster secret: compare cluster.secret on both nodes");
    }

    /// <summary>4: writes the verdict with this side's proof. A refusal is proven as well, so that the dialer can rely on it.</summary>
    public void WriteVerdict(HandshakeRefusal? refusal, WireWriter writer)
    {
        var code = refusal?.Code ?? RefusalCode.None;
        var text = Utf8Text.Limit(refusal?.Text ?? "", HandshakeMessages.MaxTextBytes);
        writer.BeginFrame(FrameKind.Verdict);
        HandshakeMessages.WriteVerdict(writer, new(code, text, _transcript!.AcceptorProof(secret, code, text)));
        writer.EndFrame();
    }

    private static HandshakeRefusal Refuse(WireWriter writer, RefusalCode code, string text)
    {
        writer.BeginFrame(FrameKind.Refusal);
        HandshakeMessages.WriteRefusal(writer, code, text);
        writer.EndFrame();
        return new(code, text);
    }
}
