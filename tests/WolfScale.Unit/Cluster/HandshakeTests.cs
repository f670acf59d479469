using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Unit.Cluster;

public class HandshakeTests
{
    private static readonly Guid ClusterId = Guid.NewGuid();
    private static readonly byte[] Secret = "the right secret"u8.ToArray();
    private readonly PeerIdentity _one = Identity("node-1", "10.0.0.1:7654");
    private readonly PeerIdentity _two = Identity("node-2", "10.0.0.2:7654");

    [Fact]
    public void Two_nodes_with_one_secret_prove_themselves_to_each_other()
    {
        var (dialer, acceptor, refusal) = Converse(_one, _two);
        Assert.Null(refusal);
        Assert.Equal(_two, dialer.Remote);
        Assert.Equal(_one, acceptor.Remote);
    }

    [Fact]
    public void A_dialer_with_another_secret_is_refused_and_told_what_to_compare()
    {
        var (_, _, refusal) = Converse(_one, _two, dialerSecret: "a wrong secret"u8.ToArray());
        Assert.Equal(RefusalCode.Secret, refusal!.Code);
        Assert.Contains("cluster.secret", refusal.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_acceptor_without_the_secret_cannot_play_a_member()
    {
        // It lets everybody in, and cannot prove itself.
        var dialer = new DialerHandshake(_one, Secret, [], Nonce(1));
        var imposter = new AcceptorHandshake(_two, "guessed"u8.ToArray(), [], Nonce(2));
        var writer = new WireWriter();
        dialer.WriteHello(writer);
        Assert.Null(imposter.OnHello(Kind(writer), Payload(writer), writer));
        Assert.Null(dialer.OnChallenge(Kind(writer), Payload(writer), writer));
        imposter.WriteVerdict(null, writer);
        Assert.Equal(RefusalCode.Secret, dialer.OnVerdict(Kind(writer), Payload(writer))!.Code);
    }

    [Fact]
    public void A_proof_sent_back_to_its_maker_proves_nothing()
    {
        var dialer = new DialerHandshake(_one, Secret, [], Nonce(1));
        var mirror = new AcceptorHandshake(_two, Secret, [], Nonce(2));
        var writer = new WireWriter();
        dialer.WriteHello(writer);
        Assert.Null(mirror.OnHello(Kind(writer), Payload(writer), writer));
        Assert.Null(dialer.OnChallenge(Kind(writer), Payload(writer), writer));
        var proof = HandshakeMessages.ReadProof(Payload(writer));
        writer.BeginFrame(FrameKind.Verdict);
        HandshakeMessages.WriteVerdict(writer, new(RefusalCode.None, "", proof));
        writer.EndFrame();
        Assert.Equal(RefusalCode.Secret, dialer.OnVerdict(Kind(writer), Payload(writer))!.Code);
    }

    [Fact]
    public void A_recorded_conversation_opens_no_second_connection()
    {
        var writer = new WireWriter();
        var dialer = new DialerHandshake(_one, Secret, [], Nonce(1));
        var first = new AcceptorHandshake(_two, Secret, [], Nonce(2));
        dialer.WriteHello(writer);
        var recordedHello = Payload(writer);
        Assert.Null(first.OnHello(FrameKind.Hello, recordedHello, writer));
        Assert.Null(dialer.OnChallenge(Kind(writer), Payload(writer), writer));
        var recordedProof = Payload(writer);
        Assert.Null(first.OnProof(FrameKind.Proof, recordedProof, writer));

        var second = new AcceptorHandshake(_two, Secret, [], Nonce(3));
        Assert.Null(second.OnHello(FrameKind.Hello, recordedHello, writer));
        Assert.Equal(RefusalCode.Secret, second.OnProof(FrameKind.Proof, recordedProof, writer)!.Code);
    }

    [Fact]
    public void A_man_in_the_middle_with_certificates_of_his_own_is_found_out()
    {
        var (_, _, refusal) = Converse(_one, _two, dialerBinding: [1, 2, 3], acceptorBinding: [4, 5, 6]);
        Assert.Equal(RefusalCode.Secret, refusal!.Code);
    }

    [Fact]
    public void A_name_changed_on_the_way_makes_the_proof_wrong()
    {
        var writer = new WireWriter();
        var dialer = new DialerHandshake(_one, Secret, [], Nonce(1));
        var acceptor = new AcceptorHandshake(_two, Secret, [], Nonce(2));
        dialer.WriteHello(writer);
        var hello = Payload(writer);
        hello[^1] ^= 1; // in the address
        Assert.Null(acceptor.OnHello(FrameKind.Hello, hello, writer));
        Assert.Null(dialer.OnChallenge(Kind(writer), Payload(writer), writer));
        Assert.Equal(RefusalCode.Secret, acceptor.OnProof(FrameKind.Proof, Payload(writer), writer)!.Code);
    }

    [Fact]
    public void A_protocol_from_the_future_is_refused_by_number_before_anything_else()
    {
        var writer = new WireWriter();
        writer.BeginFrame(FrameKind.Hello);
        HandshakeMessages.WriteHello(writer, new(7, 9, Nonce(1), _one));
        writer.Bytes("fields nobody knows yet"u8);
        writer.EndFrame();
        var acceptor = new AcceptorHandshake(_two, Secret, [], Nonce(2));
        var refusal = acceptor.OnHello(FrameKind.Hello, Payload(writer), writer);
        Assert.Equal(RefusalCode.Version, refusal!.Code);
        Assert.Contains("7 to 9", refusal.Text, StringComparison.Ordinal);
        Assert.Equal(refusal.Text, HandshakeMessages.ReadRefusal(Payload(writer)).Text);
    }

    /// <summary>A later version announces itself with the range that both have a part of, and may say more in its Hello and its Challenge.</summary>
    [Fact]
    public void A_later_version_is_spoken_to_in_this_one_and_what_it_says_besides_is_proven_and_not_read()
    {
        var writer = new WireWriter();
        writer.BeginFrame(FrameKind.Hello);
        HandshakeMessages.WriteHello(writer, new(1, 2, Nonce(1), _one));
        writer.Bytes("what version 2 can do"u8);
        writer.EndFrame();
        var hello = Payload(writer);
        var acceptor = new AcceptorHandshake(_two, Secret, [], Nonce(2));
        Assert.Null(acceptor.OnHello(FrameKind.Hello, hello, writer));
        Assert.Equal(1, HandshakeMessages.ReadChallenge(Payload(writer)).Version);
        var proof = new HandshakeTranscript(hello, Payload(writer), []).DialerProof(Secret);
        Assert.Null(acceptor.OnProof(FrameKind.Proof, proof, writer));
        Assert.Equal(_one, acceptor.Remote);

        var dialer = new DialerHandshake(_one, Secret, [], Nonce(1));
        dialer.WriteHello(writer);
        hello = Payload(writer);
        writer.BeginFrame(FrameKind.Challenge);
        HandshakeMessages.WriteChallenge(writer, new(1, Nonce(2), _two));
        writer.Bytes("what version 2 can do"u8);
        writer.EndFrame();
        var challenge = Payload(writer);
        Assert.Null(dialer.OnChallenge(FrameKind.Challenge, challenge, writer));
        Assert.Equal(new HandshakeTranscript(hello, challenge, []).DialerProof(Secret), HandshakeMessages.ReadProof(Payload(writer)));
        Assert.Equal(_two, dialer.Remote);
    }

    [Theory]
    [InlineData("ClusterName")]
    [InlineData("ClusterId")]
    [InlineData("DuplicateNode")]
    [InlineData("Self")]
    public void Nodes_that_do_not_belong_together_say_so_to_each_other(string code)
    {
        var expected = Enum.Parse<RefusalCode>(code);
        var other = expected switch
        {
            RefusalCode.ClusterName => _two with { ClusterName = "another" },
            RefusalCode.ClusterId => _two with { ClusterId = Guid.NewGuid() },
            RefusalCode.DuplicateNode => _two with { Key = new NodeKey("node-1", 99) },
            _ => _one,
        };
        Assert.Equal(expected, IdentityRules.Compare(_one, other)!.Code);
        Assert.Equal(expected, IdentityRules.Compare(other, _one)!.Code);
        var (_, _, refusal) = Converse(_one, other);
        Assert.Equal(expected, refusal!.Code);
    }

    [Fact]
    public void Two_nodes_with_one_id_are_named_with_both_addresses()
    {
        var refusal = IdentityRules.Compare(_one, _two with { Key = new NodeKey("node-1", 99) })!;
        Assert.Contains("10.0.0.1:7654", refusal.Text, StringComparison.Ordinal);
        Assert.Contains("10.0.0.2:7654", refusal.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_without_a_cluster_may_talk_to_one_that_has_one() =>
        Assert.Null(IdentityRules.Compare(_one with { ClusterId = Guid.Empty }, _two));

    [Fact]
    public void A_proven_refusal_cannot_be_turned_into_a_yes()
    {
        var writer = new WireWriter();
        var (dialer, acceptor) = UntilVerdict(writer);
        acceptor.WriteVerdict(new HandshakeRefusal(RefusalCode.DuplicateNode, "no"), writer);
        var verdict = Payload(writer);
        verdict[0] = (byte)RefusalCode.None;
        Assert.Equal(RefusalCode.Secret, dialer.OnVerdict(FrameKind.Verdict, verdict)!.Code);
    }

    [Fact]
    public void A_refusal_of_a_stranger_cannot_garble_the_log()
    {
        var writer = new WireWriter();
        writer.BeginFrame(FrameKind.Refusal);
        HandshakeMessages.WriteRefusal(writer, RefusalCode.Secret, "no\r\n2030-01-01 all nodes lost \u001b[31m");
        writer.EndFrame();
        var text = HandshakeMessages.ReadRefusal(Payload(writer)).Text;
        Assert.DoesNotContain(text, char.IsControl);
    }

    private (DialerHandshake Dialer, AcceptorHandshake Acceptor) UntilVerdict(WireWriter writer)
    {
        var dialer = new DialerHandshake(_one, Secret, [], Nonce(1));
        var acceptor = new AcceptorHandshake(_two, Secret, [], Nonce(2));
        dialer.WriteHello(writer);
        Assert.Null(acceptor.OnHello(Kind(writer), Payload(writer), writer));
        Assert.Null(dialer.OnChallenge(Kind(writer), Payload(writer), writer));
        Assert.Null(acceptor.OnProof(Kind(writer), Payload(writer), writer));
        return (dialer, acceptor);
    }

    /// <summary>A whole handshake; returns the first refusal on either side.</summary>
    private static (DialerHandshake Dialer, AcceptorHandshake Acceptor, HandshakeRefusal? Refusal) Converse(
        PeerIdentity one, PeerIdentity two, byte[]? dialerSecret = null, byte[]? dialerBinding = null, byte[]? acceptorBinding = null)
    {
        var dialer = new DialerHandshake(one, dialerSecret ?? Secret, dialerBinding ?? [], Nonce(1));
        var acceptor = new AcceptorHandshake(two, Secret, acceptorBinding ?? [], Nonce(2));
        var writer = new WireWriter();
        dialer.WriteHello(writer);
        var refusal = acceptor.OnHello(Kind(writer), Payload(writer), writer)
            ?? dialer.OnChallenge(Kind(writer), Payload(writer), writer)
            ?? acceptor.OnProof(Kind(writer), Payload(writer), writer);
        if (refusal is null)
        {
            acceptor.WriteVerdict(IdentityRules.Compare(two, acceptor.Remote!), writer);
            refusal = dialer.OnVerdict(Kind(writer), Payload(writer));
        }
        return (dialer, acceptor, refusal);
    }

    private static PeerIdentity Identity(string id, string address) =>
        new(new NodeKey(id, 42), Guid.NewGuid(), "test", ClusterId, address);

    private static byte[] Nonce(byte value) => [.. Enumerable.Repeat(value, HandshakeMessages.NonceBytes)];

    private static FrameKind Kind(WireWriter writer) => (FrameKind)writer.Written[FrameFormat.LengthBytes];

    private static byte[] Payload(WireWriter writer) => writer.Written[(FrameFormat.LengthBytes + 1)..].ToArray();
}
