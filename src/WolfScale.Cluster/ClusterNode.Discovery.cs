using WolfScale.Cluster.Discovery;

namespace WolfScale.Cluster;

/// <summary>Finding the cluster without a list of peers, and being found.</summary>
public sealed partial class ClusterNode
{
    private readonly DiscoveryService? _discovery;

    /// <summary>Null where discovery is off.</summary>
    internal DiscoveryService? Discovery => _discovery;

    /// <summary>
    /// Calls out who this node is now. A node that has left its cluster is silent: nobody shall join through it. One that is founding says so until it is a member.
    /// </summary>
    private static Beacon Beacon(ClusterOptions options, Handshake.PeerIdentity self, bool founding) => new(
        self.Instance, self.Key.Id, self.ClusterId, self.Address, options.ApiAddress, options.ApiTls, founding && self.ClusterId == Guid.Empty);

    private void CallOut() => _discovery?.Announce(_identity.HasLeft ? null : Beacon(Options, _peers.Identity, founding: false));

    /// <summary>
    /// Links to those who were heard, members of this node's cluster alone. Before it is in one, whoever is in none either cannot help it: it is dialled by those when they are.
    /// </summary>
    private void WantDiscovered(bool nudge = false)
    {
        foreach (var member in _discovery?.Members(_peers.Identity.ClusterId) ?? [])
            _peers.Want(member.ClusterAddress, _host.NowMs, nudge);
    }

    private void OnDiscovered() => WantDiscovered(nudge: true);

    /// <summary>What to say of discovery to a person whose node knows no peer.</summary>
    private string DescribeDiscovery()
    {
        if (_discovery is not { } discovery)
            return "set cluster.peers, or start with --bootstrap to found a new cluster";
        var waiting = discovery.Heard.RemoveAll(b => b.IsMember).Select(b => b.NodeId).ToList();
        return $"no member of a cluster named '{Options.ClusterName}' with this secret is heard on UDP port {_listener.Endpoint.Port}"
            + (waiting.Count > 0 ? $" (only {string.Join(", ", waiting)}, in no cluster either)" : "")
            + ": start a node with --bootstrap to found one, or set cluster.peers where UDP does not pass";
    }
}
