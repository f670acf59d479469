using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster.Handshake;

/// <summary>
/// The dialling side of the handshake, without a socket: frames in, frames out.
/// <code>
///   dialer                               acceptor
///   1 Hello {versions, nonce, identity} ─▶
///                                       ◀─ 2 Challenge {version, nonce, identity}   or Refusal
///   3 Proof {hmac} ─────────────────────▶
///                                       ◀─ 4 Verdict {code, text, hmac}             or Refusal
/// </code>
/// The acceptor proves itself last: a stranger who connects learns nothing he could test guesses of the secret against.
/// </summary>
internal sealed class DialerHandshake(PeerIdentity self, byte[] secret, byte[] channelBinding, byte[] nonce)
{
    private byte[] _hello = [];
    private HandshakeTranscript? _transcript;

    /// <summary>The acceptor as it calls itself; to be believed only after <see cref="OnVerdict"/> has returned null.</summary>
    public PeerIdentity? Remote { get; private set; }

    /// <summary>1: the first frame.</summary>
    public void WriteHello(WireWriter writer)
    {
        writer.BeginFrame(FrameKind.Hello);
        HandshakeMessages.WriteHello(writer, new(HandshakeMessages.MinVersion, HandshakeMessages.MaxVersion, nonce, self));
        writer.EndFrame();
        _hello = Payload(writer);
    }

    /// <summary>2 → 3: takes the challenge and writes the proof, or says why not.</summary>
    public HandshakeRefusal? OnChallenge(FrameKind kind, ReadOnlySpan<byte> payload, WireWriter writer)
    {
        if (kind == FrameKind.Refusal)
            return HandshakeMessages.ReadRefusal(payload);
        if (kind != FrameKind.Challenge)
            return Unexpected(kind);
        var challenge = HandshakeMessages.ReadChallenge(payload);
        if (challenge.Version is < HandshakeMessages.MinVersion or > HandshakeMessages.MaxVersion)
            return new(RefusalCode.Version, $"the peer chose protocol {challenge.Version}, which was not offered");
        Remote = challenge.Identity;
        _transcript = new HandshakeTranscript(_hello, payload.ToArray(), channelBinding);
        writer.BeginFrame(FrameKind.Proof);
        writer.Bytes(_transcript.DialerProof(secret));
        writer.EndFrame();
        return null;
    }

    /// <summary>4: null when both sides are proven and the acceptor agrees.</summary>
    public HandshakeRefusal? OnVerdict(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        if (kind == FrameKind.Refusal)
            return HandshakeMessages.ReadRefusal(payload);
        if (kind != FrameKind.Verdict || _transcript is null || Remote is null)
            return Unexpected(kind);
        var verdict = HandshakeMessages.ReadVerdict(payload);
        if (!HandshakeTranscript.Matches(_transcript.AcceptorProof(secret, verdict.Code, verdict.Text), verdict.Proof))
            return new(RefusalCode.Secret, "the peer does not know this cluster's secret: compare cluster.secret on both nodes");
        var own = IdentityRules.Compare(self, Remote);
        if (own is null && verdict.Code != RefusalCode.None)
            return new(verdict.Code, HandshakeMessages.Printable(verdict.Text), Remote: true);
        return own;
    }

    private static HandshakeRefusal Unexpected(FrameKind kind) =>
        new(RefusalCode.Garbage, $"the peer answered with a frame of kind {(byte)kind} in the middle of the handshake");

    private static byte[] Payload(WireWriter writer) => writer.Written[(FrameFormat.LengthBytes + 1)..].ToArray();
}
