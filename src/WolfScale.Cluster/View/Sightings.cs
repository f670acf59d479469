using System.Collections.Immutable;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What the leader says of one member.</summary>
/// <param name="IsAway">It was not heard for three heartbeats, never, or has said goodbye: <paramref name="Status"/> comes from its silence, not from its words.</param>
internal sealed record Sighting(NodeKey Key, bool IsAway, NodeStatus Status, string Reason);

/// <summary>
/// How the leader sees the members, told with every heartbeat, so that all nodes come to one view of who is missing: each alone counts from when it last heard a node itself,
/// and a node that was restarted meanwhile has never heard it. An optional frame: a node that does not know it goes by its own view.
/// </summary>
internal sealed record Sightings(ImmutableArray<Sighting> Members)
{
    private const int MaxReason = 1000;
    private const int MaxId = 255;
    private const int MaxMembers = 64;

    public byte[] Frame() => ClusterMessages.Build(FrameKind.Sightings, writer =>
    {
        var count = Math.Min(MaxMembers, Members.Length);
        writer.UInt16((ushort)count);
        foreach (var member in Members.AsSpan()[..count])
        {
            writer.Text(member.Key.Id, MaxId);
            writer.UInt64(member.Key.Incarnation);
            writer.Flag(member.IsAway);
            writer.Byte((byte)member.Status);
            writer.Text(member.Reason, MaxReason);
        }
    });

    public static Sightings Read(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var count = reader.UInt16();
        if (count > MaxMembers)
            throw new WireFormatException($"{count} members are told of and at most {MaxMembers} are allowed");
        var members = ImmutableArray.CreateBuilder<Sighting>(count);
        for (var i = 0; i < count; i++)
        {
            var key = new NodeKey(reader.Text(MaxId), reader.UInt64());
            var away = reader.Flag();
            var status = reader.Byte();
            if (status > (byte)NodeStatus.NeedsMigration)
                throw new WireFormatException($"a status is {status}");
            members.Add(new Sighting(key, away, (NodeStatus)status, reader.Text(MaxReason)));
        }
        reader.End();
        return new Sightings(members.MoveToImmutable());
    }
}
