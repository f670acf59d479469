using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>What is cut between five machines; L leads.</summary>
public enum PartitionShape
{
    /// <summary>Two followers are cut off from the rest.</summary>
    FollowersInTheMinority,

    /// <summary>The leader and one follower are cut off from the rest.</summary>
    LeaderInTheMinority,

    /// <summary>What the leader sends is lost; it hears everybody.</summary>
    LeaderIsNotHeard,

    /// <summary>What is sent to the leader is lost; everybody hears it.</summary>
    LeaderDoesNotHear,

    /// <summary>Each machine sees its two neighbours alone.</summary>
    Ring,

    /// <summary>Two halves that see one another only through one machine, which sees all; the leader stands in one half.</summary>
    BridgeBesideTheLeader,

    /// <summary>The same, and the leader is the bridge.</summary>
    LeaderIsTheBridge,
}

internal static class Partitions
{
    /// <summary>Cuts a network of five; <see cref="NetworkBed.HealAsync"/> mends it.</summary>
    public static async Task CutAsync(NetworkCluster cluster, NodeProcess leader, PartitionShape shape)
    {
        var bed = cluster.Bed;
        var all = bed.Hosts;
        var l = cluster.HostOf(leader);
        var others = all.Where(h => h != l).ToArray();
        switch (shape)
        {
            case PartitionShape.FollowersInTheMinority:
                await bed.PartitionAsync([l, .. others[..2]], others[2..]);
                break;
            case PartitionShape.LeaderInTheMinority:
                await bed.PartitionAsync([l, others[0]], others[1..]);
                break;
            case PartitionShape.LeaderIsNotHeard:
                await Task.WhenAll(others.Select(o => bed.BlockAsync(l, o)));
                break;
            case PartitionShape.LeaderDoesNotHear:
                await Task.WhenAll(others.Select(o => bed.BlockAsync(o, l)));
                break;
            case PartitionShape.Ring:
                await Task.WhenAll(all.SelectMany((from, i) => new[] { bed.BlockAsync(from, all[(i + 2) % 5]), bed.BlockAsync(from, all[(i + 3) % 5]) }));
                break;
            case PartitionShape.BridgeBesideTheLeader:
                await bed.PartitionAsync([l, others[0]], others[2..]); // others[1] is the bridge
                break;
            case PartitionShape.LeaderIsTheBridge:
                await bed.PartitionAsync(others[..2], others[2..]);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(shape), shape, "no such partition");
        }
    }
}
