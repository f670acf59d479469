using Microsoft.Extensions.Logging;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>What each effect means here. All of it runs under the gate.</summary>
internal sealed partial class CoreHost
{
    private TermLease? _lease;
    private bool _unflushed;
    private long _sampleLsn;
    private long _sampledAt;
    private (RaftRole, long, NodeKey?, bool) _toldRole;

    private void Execute(Effect effect)
    {
        switch (effect)
        {
            case Effect.Send send:
                _output.Send(send.Message, _recent);
                break;
            case Effect.CommitAdvanced commit:
                Volatile.Write(ref _commitLsn, commit.Lsn);
                EndSample(commit.Lsn);
                _notifier.Post(new Notification(commit.Lsn, null, false));
                break;
            case Effect.Discarding discarding:
                Discard(discarding);
                break;
            case Effect.AppendReceived received:
                AppendReceived(received);
                break;
            case Effect.PersistHardState persist:
                // Raft §5.1. Nothing of a later term may be seen while a lease of an earlier one looks valid.
                if (_lease is { } lease && persist.State.Term > lease.Term)
                    EndLease();
                _store.SaveHardState(persist.State);
                break;
            case Effect.AppendOwn own:
                _log.Appended(own.Batch);
                Append(OwnBatches.Build(own.Batch), wakeWriter: true);
                break;
            case Effect.Truncate truncate:
                Truncate(truncate);
                break;
            case Effect.RoleChanged changed:
                ChangeRole(changed.Role, changed.Term, changed.Leader, changed.MayServe);
                break;
            case Effect.ConfigurationChanged changed:
                Configuration = changed.Active;
                RuntimeLog.ConfigurationChanged(_logger, changed.Lsn, Describe(changed.Active));
                if (changed.Active.Mode != _mode)
                    Halt(ClusterStart.DifferentMode(_mode, changed.Active.Mode), resumable: false);
                _notifier.Post(new Notification(0, null, true));
                break;
            case Effect.ReadIndexReady ready:
                EndRead(ready.Context, ready.Lsn);
                break;
            case Effect.ReadIndexAborted aborted:
                EndRead(aborted.Context, -1);
                break;
            case Effect.LeadershipTransferEnded ended:
                EndTransfer(new TransferOutcome(ended.Succeeded, ended.Succeeded ? ended.Target.Id : null, ended.Reason));
                break;
            case Effect.SafetyAlarm alarm:
                RuntimeLog.SafetyAlarm(_logger, alarm.What);
                Halt(alarm.What, resumable: false);
                break;
            default:
                throw new InvalidOperationException($"the effect {effect.GetType().Name} has no meaning here");
        }
    }

    private bool AppendProposed(WalBatch batch)
    {
        try
        {
            Append(batch, wakeWriter: true);
            return true;
        }
        catch (WalStoppedException e)
        {
            Halt(e.Message, e.Failure.CanResume);
            return false;
        }
    }

    /// <summary>Appends and keeps the reference: the sends that follow take the bytes from it.</summary>
    private void Append(WalBatch batch, bool wakeWriter)
    {
        _recent?.Release();
        _recent = batch;
        _wal.Append(batch, wakeWriter);
    }

    /// <summary>
    /// The batches go into the log byte for byte. The writer is not woken: the receiving thread syncs them itself as soon as nothing more has
    /// arrived, see <see cref="FlushReceived"/>.
    /// </summary>
    private void AppendReceived(Effect.AppendReceived received)
    {
        if (received.Request.Attachment is not WalBatch[] batches)
            throw new InvalidOperationException("an append without its bytes");
        if (_wal.ClusterId == Guid.Empty)
            _output.AdoptCluster(_namedCluster);
        for (var i = received.FirstBatch; i < batches.Length; i++)
        {
            _log.Appended(received.Request.Batches[i]);
            _wal.Append(batches[i], wakeWriter: false);
        }
        _unflushed = true;
    }

    /// <summary>
    /// Rule C5, in this order: saved, then counted, then the commit LSN falls, and only the next effect cuts the log. Whoever reads committed entries and
    /// sees the old count after it has read them has read them before the cut.
    /// </summary>
    private void Discard(Effect.Discarding discarding)
    {
        _output.Discarding(discarding.LastKeptLsn + 1, discarding.LastLsn, Role.Leader);
        Interlocked.Increment(ref _discards);
        Volatile.Write(ref _commitLsn, discarding.CommitLsn);
    }

    private void Truncate(Effect.Truncate truncate)
    {
        _wal.TruncateAfter(truncate.LastKeptLsn, wakeWriter: false);
        _unflushed = true; // a truncation comes with a message, whose thread syncs
        _log.Truncated(truncate.LastKeptLsn);
        if (_wal.Generation != truncate.Generation)
        {
            var what = $"the log has been cut off {_wal.Generation} times and the core counts {truncate.Generation}";
            RuntimeLog.SafetyAlarm(_logger, what);
            Halt(what, resumable: false);
        }
    }

    /// <summary>
    /// The lease ends here and now, before any later effect is executed: nothing of a later term can be seen while it looks valid. Subscribers
    /// hear of the change in order, outside the gate.
    /// </summary>
    private void ChangeRole(RaftRole role, long term, NodeKey? leader, bool mayServe)
    {
        var serves = role == RaftRole.Leader && mayServe;
        _sampleLsn = 0;
        if (_lease is not null && (!serves || _lease.Term != term))
            EndLease();
        if (serves)
            _lease ??= new TermLease(term);
        Role = new RoleChange(role, term, leader, _lease);
        LogRole(role, term, leader, serves);
        _notifier.Post(new Notification(0, Role, false));
    }

    /// <summary>A node that is cut off asks again and again whether it could win: that is told once, and then only at debug level.</summary>
    private void LogRole(RaftRole role, long term, NodeKey? leader, bool serves)
    {
        var news = role != RaftRole.PreCandidate && (role, term, leader, serves) != _toldRole;
        if (news)
            _toldRole = (role, term, leader, serves);
        var level = news ? LogLevel.Information : LogLevel.Debug;
        if (_logger.IsEnabled(level))
            RuntimeLog.RoleChanged(_logger, level, role, term, leader?.Id ?? "unknown", serves ? ", serving" : "");
    }

    /// <summary>One proposal at a time is followed to its commit.</summary>
    private void BeginSample(ProposeOutcome outcome)
    {
        if (outcome.Accepted && _sampleLsn == 0 && OwnCommitted is not null)
            (_sampleLsn, _sampledAt) = (outcome.FirstLsn, _time.GetTimestamp());
    }

    private void EndSample(long commitLsn)
    {
        if (_sampleLsn == 0 || commitLsn < _sampleLsn)
            return;
        _sampleLsn = 0;
        OwnCommitted?.Invoke(_time.GetElapsedTime(_sampledAt));
    }

    private void EndLease()
    {
        _lease?.End();
        _lease = null;
    }

    private static string Describe(Configuration configuration) => string.Join(", ", configuration.Members.Select(
        m => $"{m.Key} at {m.Address} ({m.Role}{(m.Witness ? ", witness" : "")}{(m.NeverLeader ? ", never leader" : "")})"));
}
