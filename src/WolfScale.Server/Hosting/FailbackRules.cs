using WolfScale.Cluster;

namespace WolfScale.Server.Hosting;

/// <summary>
/// <c>cluster.failback = "auto"</c>: the lowest id takes the lead back once it is synced. The leader gives it, by a planned switchover; nobody takes it. It waits
/// until the other has been ready for some time, and does not try again at once, so that a node that comes and goes does not carry the lead to and fro.
/// </summary>
internal sealed class FailbackRules
{
    /// <summary>The other must have been ready for so long without a break.</summary>
    public static readonly TimeSpan Calm = TimeSpan.FromSeconds(5);

    /// <summary>From one attempt to the next, whatever became of it.</summary>
    public static readonly TimeSpan Again = TimeSpan.FromSeconds(60);

    private string? _candidate;
    private TimeSpan _since;
    private TimeSpan _notBefore;

    /// <summary>To be asked often.</summary>
    /// <param name="view">The cluster now.</param>
    /// <param name="serves">This node leads and takes writes.</param>
    /// <param name="now">Time since some fixed moment.</param>
    /// <returns>The node that is to get the lead now, or null.</returns>
    public string? Look(ClusterView view, bool serves, TimeSpan now)
    {
        var candidate = serves && view.LeaderId == view.SelfId ? Preferred(view) : null;
        if (candidate != _candidate)
            (_candidate, _since) = (candidate, now);
        if (candidate is null || now - _since < Calm || now < _notBefore)
            return null;
        _notBefore = now + Again;
        return candidate;
    }

    /// <summary>The lowest id that could lead, where that is lower than this node's.</summary>
    private static string? Preferred(ClusterView view) => view.Nodes
        .Where(n => string.CompareOrdinal(n.Id, view.SelfId) < 0 && n is { Voter: true, Fit: true, Witness: false, NeverLeader: false, Status: NodeStatus.Active })
        .Select(n => n.Id)
        .Min(StringComparer.Ordinal);
}
