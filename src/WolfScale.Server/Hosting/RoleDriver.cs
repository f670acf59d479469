using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.MariaDb;

namespace WolfScale.Server.Hosting;

/// <summary>
/// Turns the node's roles into what the local server is to do: lead with a lease, follow otherwise. It always acts on the newest role,
/// so a call that comes late asks for nothing old.
/// </summary>
internal sealed class RoleDriver(ClusterNode node, ReplicatedLog log, DatabaseController controller, ILogger logger)
{
    private readonly Lock _lock = new();
    private TermLease? _leading;
    private RoleChange? _applied;
    private bool _closed;

    /// <summary>Brings the server's role in line with the node's. Short; callable from the node's own thread.</summary>
    public void Apply()
    {
        lock (_lock)
        {
            var role = node.Role;
            if (_closed || role == _applied)
                return;
            _applied = role;
            HostLog.Role(logger, role.Role.ToString(), role.Term, role.Leader?.Id ?? "unknown", role.Lease is not null);
            if (role.Lease is not { } lease)
            {
                _leading = null;
                controller.Follow();
            }
            else if (lease != _leading)
            {
                _leading = lease;
                controller.Lead(new LeaderLog(node, log, lease));
            }
        }
    }

    /// <summary>The node stops: the server follows from here on, whatever roles still come.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            controller.Close();
        }
    }
}
