using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.State;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Membership;

/// <summary>
/// This node's own wish to be a member, with its present address and flags: asks until the configuration says so. Any member may be asked; one that does
/// not lead names the leader.
/// </summary>
internal sealed class JoinAgent(
    NodeIdentity identity, CurrentOptions options, string address, CoreHost host, PeerDirectory peers, Func<string> otherWays, TimeProvider time, ILogger logger)
{
    /// <summary>A node that starts beside its cluster is let in within some heartbeats: only after this is it worth a line.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly LogThrottle _throttle = new(time, TimeSpan.FromSeconds(30));
    private volatile bool _notAMember;
    private long _askingSince;

    /// <summary>Why this node is not a member, for people; empty when it is one.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>The configuration holds this node, and no leader has said otherwise.</summary>
    public bool IsMember => host.Configuration?.Find(identity.Key) is not null && !IsToldOut;

    /// <summary>A leader, or this node's own log, says that it is no member any more.</summary>
    public bool IsOut => IsToldOut || (host.Configuration is { } configuration && configuration.Find(identity.Key) is null);

    /// <summary>Asks again where that is needed. To be called with every heartbeat.</summary>
    public void Tick()
    {
        if (_notAMember && !IsToldOut)
            _notAMember = false;
        if (host.Halted is not null || identity.HasLeft || identity.IsLeaving || IsAsItShouldBe())
        {
            Reason = "";
            _askingSince = 0;
            return;
        }
        if (_askingSince == 0)
            _askingSince = time.GetTimestamp();
        if (host.Role.Role == RaftRole.Leader)
        {
            host.ProposeConfiguration(new ConfigurationChange.Update(identity.Key, address, options.Value.NeverLeader, options.Value.Witness));
            return;
        }
        var frame = ClusterMessages.Frame(new JoinRequest(identity.Former, address, options.Value.NeverLeader, options.Value.Witness));
        var asked = false;
        if (host.Role.Leader is { } leader && leader != identity.Key)
            asked = peers.Send(leader, frame);
        if (!asked)
        {
            foreach (var key in peers.Reached)
                asked |= peers.Send(key, frame);
        }
        if (!asked)
            Explain(Unreached());
    }

    /// <summary>The configuration in the log is known to be out of date: the node asks anew.</summary>
    public void ForgetMembership() => _notAMember = true;

    /// <summary>An answer has come, asked for or not.</summary>
    /// <returns>True when an operator has removed this node: it is to take no part any more.</returns>
    public bool Answered(JoinResponse response, NodeKey from, long nowMs)
    {
        switch (response.Result)
        {
            case JoinResult.Accepted:
                _notAMember = false;
                break;
            case JoinResult.Redirect:
                Explain($"waiting for an answer of the leader at {response.LeaderAddress}");
                peers.Want(response.LeaderAddress, nowMs, nudge: true);
                break;
            case JoinResult.NotAMember:
                // Its log may say otherwise: it does not have the entry that took it out.
                if (host.Role.Role != RaftRole.Leader)
                    _notAMember = true;
                break;
            case JoinResult.Removed:
                _notAMember = true;
                if (identity.HasLeft || identity.IsLeaving)
                    break; // its own wish, see LeaveAsync
                RuntimeLog.Removed(logger);
                identity.Leave();
                return true;
            default:
                Explain($"{from.Id} says: {response.Text}", urgent: response.Result == JoinResult.Refused);
                break;
        }
        return false;
    }

    /// <summary>Whoever leads is a member, whatever was said before.</summary>
    private bool IsToldOut => _notAMember && host.Role.Role != RaftRole.Leader;

    private bool IsAsItShouldBe()
    {
        var member = host.Configuration?.Find(identity.Key);
        return member is not null && !_notAMember && member.Address == address && member.NeverLeader == options.Value.NeverLeader
            && member.Witness == options.Value.Witness;
    }

    private string Unreached()
    {
        var failures = peers.Failures();
        return failures.Count == 0
            ? "no peer is known: " + otherWays()
            : "no peer is reached: " + string.Join("; ", failures.Take(3).Select(f => $"{f.Address}: {f.Failure}"));
    }

    private void Explain(string reason, bool urgent = false)
    {
        Reason = reason;
        if ((urgent || time.GetElapsedTime(_askingSince) > Patience) && _throttle.Allow(reason, out var suppressed))
            RuntimeLog.NotJoined(logger, reason, TransportLog.More(suppressed));
    }
}
