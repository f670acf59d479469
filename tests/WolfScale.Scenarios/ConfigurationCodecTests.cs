using System.Collections.Immutable;
using WolfScale.Consensus;

namespace WolfScale.Scenarios;

public class ConfigurationCodecTests
{
    private static readonly Configuration Sample = new(
        Guid.Parse("01234567-89ab-cdef-0123-456789abcdef"), "Kläffer", ClusterMode.Available, new LogBase("0-1-105,7-2-3", false),
        [
            new Member(new NodeKey("node-2", 7), "10.0.0.2:7654", MemberRole.Learner, NeverLeader: true),
            new Member(new NodeKey("node-1", ulong.MaxValue), "[::1]:7654", MemberRole.Voter, Witness: true),
        ]);

    [Fact]
    public void What_was_encoded_is_decoded() => Assert.Equal(Sample, ConfigurationCodec.Decode(ConfigurationCodec.Encode(Sample)));

    [Fact]
    public void Members_are_sorted_so_that_equal_configurations_have_equal_bytes()
    {
        var reversed = Sample.WithMembers([.. Sample.Members.Reverse()]);
        Assert.Equal(Sample, reversed);
        Assert.Equal(ConfigurationCodec.Encode(Sample), ConfigurationCodec.Encode(reversed));
    }

    [Fact]
    public void The_bytes_stay_what_they_are_on_disks_out_there() => Assert.Equal(
        "010123456789ABCDEF0123456789ABCDEF08004B6CC3A4666665720"
        + "10D00302D312D3130352C372D322D33000200"
        + "06006E6F64652D31FFFFFFFFFFFFFFFF0A005B3A3A315D3A373635340102"
        + "06006E6F64652D3207000000000000000D0031302E302E302E323A373635340001",
        Convert.ToHexString(ConfigurationCodec.Encode(Sample)));

    [Fact]
    public void Every_cut_and_every_wrong_enum_is_damage_and_never_anything_else()
    {
        byte[] bytes = ConfigurationCodec.Encode(Sample);
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<InvalidDataException>(() => ConfigurationCodec.Decode(bytes.AsSpan(0, length)));
        Assert.Throws<InvalidDataException>(() => ConfigurationCodec.Decode([.. bytes, 0]));

        var random = new Random(1);
        for (int i = 0; i < 5_000; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                _ = ConfigurationCodec.Decode(damaged);
            }
            catch (InvalidDataException)
            {
                // Refused. A flipped letter in a name decodes; the log's checksums are there for that.
            }
        }
    }

    [Fact]
    public void A_newer_version_is_refused_by_name()
    {
        byte[] bytes = ConfigurationCodec.Encode(Sample);
        bytes[0] = 2;
        var refused = Assert.Throws<InvalidDataException>(() => ConfigurationCodec.Decode(bytes));
        Assert.Contains("version 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void C1_an_id_is_in_a_configuration_once()
    {
        Member member = Sample.Members[0];
        Member reborn = member with { Key = member.Key with { Incarnation = 1 } };
        Assert.Throws<ArgumentException>(() => Sample.WithMembers(ImmutableArray.Create(member, reborn)));
    }
}
