using System.Security.Cryptography;
using WolfScale.Cluster.Discovery;

namespace WolfScale.Unit.Cluster;

/// <summary>Beacons as bytes: what is genuine, and that nothing else is.</summary>
public class BeaconSealTests
{
    private const string Secret = "a secret that is long enough";

    private static readonly Beacon Node = new(
        Guid.Parse("11111111-2222-3333-4444-555555555555"), "node-1", Guid.Parse("66666666-7777-8888-9999-aaaaaaaaaaaa"), "10.0.10.10:7654", "10.0.10.10:8080", ApiTls: true, Founding: false);

    private readonly BeaconSeal _seal = new(Secret, "prod");

    [Fact]
    public void A_beacon_arrives_as_it_was_sent()
    {
        foreach (var beacon in (Beacon[])[Node, Node with { ClusterId = Guid.Empty, ApiAddress = "", ApiTls = false, Founding = true }, Node with { ClusterAddress = "[fd77::1]:7654" }])
        {
            Assert.Equal(BeaconRefusal.None, _seal.Open(_seal.Seal(beacon, 1_700_000_000_123), out var heard, out var sentMs));
            Assert.Equal((beacon, 1_700_000_000_123), (heard, sentMs));
        }
    }

    [Fact]
    public void The_longest_beacon_fits()
    {
        var longest = Node with { NodeId = new string('n', 128), ClusterAddress = new string('h', 250) + ":7654", ApiAddress = new string('h', 250) + ":8080" };

        Guid[] answered = [.. Enumerable.Range(0, 20).Select(_ => Guid.NewGuid())];

        Assert.Equal(BeaconRefusal.None, _seal.Open(_seal.Seal(longest, 1, answered), answered[7], out var heard, out _, out var answers));
        Assert.Equal((longest, true), (heard, answers));
    }

    [Fact]
    public void A_beacon_answers_those_whom_it_names_and_nobody_else()
    {
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());

        bool Answers(byte[] packet, Guid self)
        {
            Assert.Equal(BeaconRefusal.None, _seal.Open(packet, self, out _, out _, out var answers));
            return answers;
        }
        Assert.True(Answers(_seal.Seal(Node, 1, first, second), second));
        Assert.False(Answers(_seal.Seal(Node, 1, first), second));
        Assert.False(Answers(_seal.Seal(Node, 1), Guid.Empty));
        Assert.False(Answers(_seal.Seal(Node, 1, Guid.Empty), Guid.Empty));
    }

    [Fact]
    public void A_packet_with_any_bit_changed_is_refused()
    {
        var packet = _seal.Seal(Node, 1_700_000_000_123);
        for (var bit = 0; bit < packet.Length * 8; bit++)
        {
            packet[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(BeaconRefusal.None, _seal.Open(packet, out _, out _));
            packet[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.Equal(BeaconRefusal.None, _seal.Open(packet, out _, out _));
    }

    [Fact]
    public void A_packet_of_any_other_length_is_refused()
    {
        var packet = _seal.Seal(Node, 1);
        for (var length = 0; length < packet.Length; length++)
            Assert.NotEqual(BeaconRefusal.None, _seal.Open(packet.AsSpan(0, length), out _, out _));
        Assert.Equal(BeaconRefusal.Signature, _seal.Open([.. packet, 0], out _, out _));
        Assert.Equal(BeaconRefusal.Size, _seal.Open([.. packet, .. new byte[BeaconSeal.MaxBytes]], out _, out _));
    }

    [Theory]
    [InlineData(Secret, "test")]
    [InlineData(Secret, "")]
    [InlineData(Secret, "PROD")]
    [InlineData("another secret that is long", "prod")]
    public void Another_name_or_secret_is_another_cluster(string secret, string name) =>
        Assert.Equal(BeaconRefusal.Signature, _seal.Open(new BeaconSeal(secret, name).Seal(Node, 1), out _, out _));

    /// <summary>Only who knows the secret can send these; they must not lead anywhere all the same.</summary>
    [Fact]
    public void A_genuine_packet_with_an_address_that_cannot_be_dialled_is_refused()
    {
        foreach (var beacon in (Beacon[])[Node with { NodeId = "" }, Node with { ClusterAddress = "10.0.10.10" }, Node with { ClusterAddress = "10.0.10.10:0" }, Node with { ApiAddress = "\n:8080" }])
            Assert.Equal(BeaconRefusal.Format, _seal.Open(_seal.Seal(beacon, 1), out _, out _));
    }

    /// <summary>The format is the protocol: nodes of two versions must understand one another.</summary>
    [Fact]
    public void A_later_version_may_append_fields()
    {
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, "a secret that is long enough"u8.ToArray(), 32, "prod"u8.ToArray(), "wolfscale discovery beacon 1"u8.ToArray());
        byte[] text = [.. _seal.Seal(Node, 5)[..^32], 1, 2, 3];

        Assert.Equal(BeaconRefusal.None, _seal.Open([.. text, .. HMACSHA256.HashData(key, text)], out var heard, out _));
        Assert.Equal(Node, heard);
    }

    [Fact]
    public void An_earlier_version_answers_nobody()
    {
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, "a secret that is long enough"u8.ToArray(), 32, "prod"u8.ToArray(), "wolfscale discovery beacon 1"u8.ToArray());
        var text = _seal.Seal(Node, 5)[..^33];

        Assert.Equal(BeaconRefusal.None, _seal.Open([.. text, .. HMACSHA256.HashData(key, text)], Guid.NewGuid(), out var heard, out _, out var answers));
        Assert.Equal((Node, false), (heard, answers));
    }
}
