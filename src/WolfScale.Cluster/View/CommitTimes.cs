using System.Collections.Immutable;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster;

/// <summary>
/// What the leader's newest commits took, from the proposal to the quorum's acknowledgement, told with every heartbeat while there are commits: a follower that sends a copy of its data
/// cannot see itself what that costs them. An optional frame.
/// </summary>
/// <param name="Took">Some of those since the last telling, in the order of their commits; to the microsecond.</param>
internal sealed record CommitTimes(ImmutableArray<TimeSpan> Took)
{
    public byte[] Frame() => ClusterMessages.Build(FrameKind.CommitTimes, writer =>
    {
        writer.UInt16((ushort)Took.Length);
        foreach (var took in Took)
            writer.UInt32((uint)Math.Min(uint.MaxValue, took.TotalMicroseconds));
    });

    public static CommitTimes Read(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var count = reader.UInt16();
        if (count > DurationSample.Most)
            throw new WireFormatException($"{count} commits are told of and at most {DurationSample.Most} are allowed");
        var took = ImmutableArray.CreateBuilder<TimeSpan>(count);
        for (var i = 0; i < count; i++)
            took.Add(TimeSpan.FromMicroseconds(reader.UInt32()));
        reader.End();
        return new CommitTimes(took.MoveToImmutable());
    }
}
