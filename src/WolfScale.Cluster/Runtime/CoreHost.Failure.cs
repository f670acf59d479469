using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// When the disk fails. What a sync that failed has left on the disk is unknown, so the node stops for good. A full disk is different: the lead
/// is given away first, the node stops answering, and goes on, as after a restart, when the log accepts writes again.
/// </summary>
internal sealed partial class CoreHost
{
    private bool _givingUp;
    private long _giveUpByMs;
    private bool _resumable;

    /// <summary>Ends this node's part at once: nothing is answered any more. Called by whoever meets damage outside the core, and when the node leaves.</summary>
    public void Stop(string reason)
    {
        lock (_gate)
            Halt(reason, resumable: false);
        _notifier.Drain();
    }

    /// <summary>After <see cref="Stop"/> for a reason that has gone: takes part again, as after a restart.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            if (_core is not null || _wal.Failure is not null || _wal.Durable.Lsn != _wal.Last.Lsn)
                return;
            Halted = null;
            Build();
            _armedMs = long.MaxValue; // the core has no time yet: no deadline of it was missed
        }
        Tick();
    }

    /// <summary>After a full disk: goes on if the log accepts writes again. To be called now and then.</summary>
    public void TryResume()
    {
        if (Halted is null || !_resumable || (_wal.Failure is not null && !_wal.TryResume()))
            return;
        // The core presumes all of the log durable: Restart waits until what was queued has been synced.
        Restart();
        if (Halted is null)
            RuntimeLog.Resumed(_logger, _wal.Last.Lsn);
    }

    private void OnWalFailed(WalFailure failure)
    {
        if (failure.Kind == WalFailureKind.Closed)
            return;
        lock (_gate)
        {
            if (_core is not { } core)
                return;
            if (failure.CanResume && core.Role == RaftRole.Leader && core.Configuration is { VoterCount: > 1 })
            {
                // Unfit, it ceases to serve and hands over by itself (rule C3). Followers can still make durable what it cannot.
                RuntimeLog.DiskFull(_logger, failure.Message);
                _givingUp = true;
                _giveUpByMs = NowMs + _options.ElectionTimeoutMaxMs;
                core.SetFitness(Fitness.Unfit, _effects);
                Execute();
            }
            else
            {
                Halt(failure.Message, failure.CanResume);
            }
        }
        _notifier.Drain();
    }

    /// <summary>Under the gate: has the hand-over of a full node come to an end? Then its part has.</summary>
    private bool EndHandover()
    {
        if (!_givingUp || _core is not { } core || (core.Role == RaftRole.Leader && NowMs < _giveUpByMs))
            return false;
        Halt(_wal.Failure?.Message ?? "the disk was full", _wal.Failure?.CanResume ?? true);
        return true;
    }

    /// <summary>Under the gate.</summary>
    private void Halt(string reason, bool resumable, bool log = true)
    {
        if (_core is null)
        {
            Halted ??= reason;
            return;
        }
        _core = null;
        _givingUp = false;
        _resumable = resumable;
        Halted = reason;
        if (log)
            RuntimeLog.Halted(_logger, reason);
        EndRequests(reason);
        ChangeRole(RaftRole.Follower, Role.Term, null, mayServe: false);
    }
}
