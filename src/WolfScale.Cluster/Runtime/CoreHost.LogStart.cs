using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// A log that cannot be continued begins anew where the leader's begins (Raft thesis §5.2, without the snapshot: the data come by a migration).
/// <para>
/// Why nothing committed is lost by it: the offered start is committed, so a majority has it, and this log has neither it nor anything after it that
/// could be committed. Every member of that majority has all the entries before it as well, in its log or applied (nothing is pruned that the member's own MariaDB has not
/// applied, or, where that waits for a copy, enough others, see <see cref="OwnNeed"/>). None of them votes for a log that ends before the start, so a crash that leaves this one empty elects nobody who lacks a committed entry. That the
/// <em>data</em> stay with a majority is the leader's care, see <see cref="Membership.LogStartKeeper"/>.
/// </para>
/// <para>
/// In mode "available" this log may hold what the losing side of a partition acknowledged, and where the two sides parted cannot be seen any more: all of it is saved first (rule C5).
/// </para>
/// </summary>
internal sealed partial class CoreHost
{
    /// <summary>
    /// Takes the leader's offer if this log cannot do without: empties the log, which then begins after the offered place, and goes on, as after a restart, as soon as that is
    /// durable (<see cref="TryResume"/>).
    /// </summary>
    /// <param name="from">Who sent it.</param>
    /// <param name="offer">What it sent.</param>
    public void BeginAfter(NodeKey from, LogStartOffer offer)
    {
        lock (_gate)
        {
            if (_core is null || Role.Role == RaftRole.Leader || Role.Leader != from || Role.Term != offer.Term || !Lacks(offer))
                return;
            if (!TrySaveAll(from))
                return;
            if (_wal.ClusterId == Guid.Empty)
                _output.AdoptCluster(offer.ClusterId);
            var start = offer.Start.Before.Lsn;
            RuntimeLog.LogBegins(_logger, _wal.Last.Lsn, start);
            Halt($"the log begins anew after LSN {start}", resumable: true, log: false);
            _wal.ResetTo(offer.Start);
            _log = new WalLogView(_wal);
            Configuration = _log.Configurations.LastOrDefault().Configuration;
            Volatile.Write(ref _commitLsn, start);
            _notifier.Post(new Notification(start, null, true));
        }
        _notifier.Drain();
    }

    private bool TrySaveAll(NodeKey leader)
    {
        if (_mode != ClusterMode.Available || _wal.Last.Lsn < _wal.FirstLsn)
            return true;
        try
        {
            _output.Discarding(_wal.FirstLsn, _wal.Last.Lsn, leader);
            Interlocked.Increment(ref _discards);
            return true;
        }
        catch (NotSavedException e)
        {
            Halt(e.Message, resumable: true); // and the leader offers it again
            return false;
        }
    }

    /// <summary>Under the gate: an offer that was overtaken by the entries themselves, or comes twice, changes nothing.</summary>
    private bool Lacks(LogStartOffer offer)
    {
        var before = offer.Start.Before;
        // What "available" calls committed may be another side's: it is enough there that this log does not begin later, as one that is whole and was pruned does.
        return (_mode == ClusterMode.Available ? before.Lsn >= _wal.FirstLsn : before.Lsn > CommitLsn) && _wal.TermAt(before.Lsn) != before.Term && (_wal.ClusterId == Guid.Empty || _wal.ClusterId == offer.ClusterId);
    }
}
