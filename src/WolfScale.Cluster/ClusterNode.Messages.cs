using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Recovery;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster;

/// <summary>What comes in from other nodes and from the core, and where it goes.</summary>
public sealed partial class ClusterNode : IInboundHandler, ICoreOutput
{
    PeerIdentity IInboundHandler.Identity => _peers.Identity;

    HandshakeRefusal? IInboundHandler.Admit(InboundConnection connection)
    {
        if (_inbound.Admit(connection, key => Configuration?.Find(key) is not null) is { } refusal)
            return refusal;
        // It is up: answers go over this node's own connection to it.
        _peers.Want(connection.Peer!.Address, _host.NowMs, nudge: true);
        _host.PeerConnected(connection.Peer.Key);
        return null;
    }

    void IInboundHandler.Receive(InboundConnection connection, FrameKind kind, ReadOnlySpan<byte> payload)
    {
        var from = connection.Peer!.Key;
        if (MessageCodec.Read(kind, payload, from, Self) is { } message)
        {
            if (IsOfLaterRecovery(message.Term))
            {
                MessageCodec.ReleaseBatches(message);
                Supersede(connection.Peer, message.Term);
                return;
            }
            if (message is TimeoutNow)
                _chronicle.Cause.HandedOver(from);
            _host.Receive(message, NamedBy(message, connection.Peer));
            return;
        }
        switch (kind)
        {
            case FrameKind.Status:
                Heard(connection.Peer, NodeReport.Read(payload));
                break;
            case FrameKind.Sightings:
                _board.Told(from, Sightings.Read(payload), _host.NowMs);
                break;
            case FrameKind.CommitTimes:
                var commits = CommitTimes.Read(payload);
                if (Role.Leader == from)
                    _background.LeaderTold(from.Id, commits);
                break;
            case FrameKind.JoinRequest:
                _peers.Send(from, ClusterMessages.Frame(_keeper.Answer(from, ClusterMessages.ReadJoinRequest(payload))));
                break;
            case FrameKind.JoinResponse:
                if (_join.Answered(ClusterMessages.ReadJoinResponse(payload), from, _host.NowMs))
                {
                    _host.Stop(HasLeft);
                    CallOut();
                }
                break;
            case FrameKind.LeaveRequest:
                AskedToLetGo(from, ClusterMessages.ReadLeaveRequest(payload).NodeId);
                break;
            case FrameKind.LogStart:
                _host.BeginAfter(from, LogStartOffer.Read(payload));
                break;
            case FrameKind.ReadIndexRequest:
                _reads.Asked(from, ClusterMessages.ReadReadIndexRequest(payload));
                break;
            case FrameKind.ReadIndexResponse:
                _reads.Answered(ClusterMessages.ReadReadIndexResponse(payload));
                break;
            case FrameKind.ClientQuestion:
                _clients.Asked(from, ClusterMessages.ReadClientQuestion(payload));
                break;
            case FrameKind.ClientAnswer:
                var answer = ClusterMessages.ReadClientAnswer(payload);
                _clients.Answered(from, answer.Id, answer.Client is { } client ? [client] : []);
                break;
            case FrameKind.ClientAnswers:
                var answers = ClusterMessages.ReadClientAnswers(payload);
                _clients.Answered(from, answers.Id, answers.Clients);
                break;
            default:
                if (kind.IsOptional())
                    break; // of a later version, which says by the number that nothing is missed
                throw new WireFormatException($"a frame of the unknown kind {(byte)kind} has come");
        }
    }

    void IInboundHandler.Drained(InboundConnection connection) => _host.FlushReceived();

    void IInboundHandler.Closed(InboundConnection connection)
    {
        var wasLast = _inbound.Remove(connection);
        _host.FlushReceived();
        // What it had sent before it hung up has been read to its end, so this is the latest news of it.
        if (!wasLast)
            return;
        if (Role.Leader == connection.Peer!.Key)
            _chronicle.Cause.HungUp(connection.Peer.Key);
        _host.PeerDisconnected(connection.Peer.Key);
    }

    void ICoreOutput.Send(Message message, WalBatch? recent) => _peers.Send(message, recent);

    void ICoreOutput.AdoptCluster(Guid clusterId)
    {
        if (_identity.ClusterId == Guid.Empty)
            _identity.Join(clusterId);
        Wal.AdoptCluster(_identity.ClusterId);
        _peers.Identity = _peers.Identity with { ClusterId = _identity.ClusterId };
        CallOut();
    }

    void ICoreOutput.Discarding(long firstLsn, long lastLsn, NodeKey? newLeader)
    {
        var leader = newLeader?.Id ?? "another node";
        RuntimeLog.Discarding(_logger, firstLsn, lastLsn, leader);
        try
        {
            Options.SaveDiscarded?.Invoke(new DiscardedEntries(Wal, _store, firstLsn, lastLsn, leader));
        }
        catch (Exception e)
        {
            throw new NotSavedException(
                $"the entries {firstLsn} to {lastLsn}, with which the cluster does not go on, cannot be saved, so they are not cut off: {e.Message} Make room, or mend the folder; "
                + "the node goes on by itself then", e);
        }
    }

    void ICoreOutput.Deliver(Notification notification)
    {
        if (notification.CommitLsn > 0)
        {
            _waiters.Committed(notification.CommitLsn);
            CommitAdvanced?.Invoke(notification.CommitLsn);
            if (!_removing.IsEmpty)
                TellThoseRemoved();
        }
        if (notification.Role is { } role)
        {
            if (!_disposed)
                _chronicle.OnRole(role); // the end of a node that stops is no news
            Announce();
            RoleChanged?.Invoke(role);
        }
        if (notification.ConfigurationChanged)
        {
            RememberPeers();
            _chronicle.OnConfiguration(Configuration);
            RefreshView();
        }
    }

    /// <summary>
    /// The cluster that the sender of a message names: in the handshake of the very connection it came over, else in the entries themselves (a log that
    /// is not pruned begins with a configuration). A node that was on its way into the cluster itself when it connected could not name it then.
    /// </summary>
    /// <exception cref="WireFormatException">
    /// Entries come to a node that is in no cluster yet, and nothing says of which they are. Refused at the door, because the core cannot give entries
    /// back. Whoever sends entries is in a cluster by now: its next connection names it, and it sends them again.
    /// </exception>
    private Guid NamedBy(Message message, PeerIdentity sender)
    {
        if (sender.ClusterId != Guid.Empty || message is not AppendRequest { Batches.IsEmpty: false } append || Wal.ClusterId != Guid.Empty)
            return sender.ClusterId;
        foreach (var batch in append.Batches)
        {
            if (batch.Configuration is { } configuration)
                return configuration.ClusterId;
        }
        MessageCodec.ReleaseBatches(message);
        throw new WireFormatException($"{sender.Key} sends entries and was in no cluster yet when it connected: it names its cluster when it connects anew");
    }

    /// <summary>What a node says of itself, without its progress.</summary>
    private static LocalState Standing(LocalState state) => state with { AppliedLsn = 0, AppliedGtid = "" };

    private void Heard(PeerIdentity peer, NodeReport report)
    {
        var from = peer.Key;
        if (IsOfLaterRecovery(report.Term))
        {
            Supersede(peer, report.Term);
            return;
        }
        var before = _board.Find(from, _host.NowMs)?.Report;
        _board.Record(from, peer.Address, report, _host.NowMs);
        if (Role.Leader == from)
            _background.LeaderStands(from.Id, report.CommitLsn, report.DurableLsn);
        if (report.Goodbye && Role.Leader == from)
            _chronicle.Cause.Stopped(from);
        // Progress is seen with the next heartbeat; a node that has opened, closed or become unfit, at once.
        if (before is null || Standing(before.Local) != Standing(report.Local))
            RefreshView();
        if (!IsOfEarlierRecovery(report.Term)) // one of a lost line gives its incarnation up before it may ask
            TellWhoIsOut(from);
    }
}
