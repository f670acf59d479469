using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster;

/// <summary>
/// How long the leader's newest commits took, from the proposal to the quorum's acknowledgement, told with every heartbeat while there are commits: a follower that sends a copy of its data
/// cannot see itself what that costs them. An optional frame.
/// </summary>
/// <param name="P95">What 95 in 100 did not exceed.</param>
internal sealed record CommitTail(TimeSpan P95)
{
    public byte[] Frame() => ClusterMessages.Build(FrameKind.CommitTail, writer => writer.UInt32((uint)Math.Min(uint.MaxValue, P95.TotalMicroseconds)));

    public static CommitTail Read(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var microseconds = reader.UInt32();
        reader.End();
        return new CommitTail(TimeSpan.FromMicroseconds(microseconds));
    }
}
