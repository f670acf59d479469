using WolfScale.Consensus;

namespace WolfScale.Cluster.Runtime;

/// <summary>Requests that are answered later: strong reads and hand-overs.</summary>
internal sealed partial class CoreHost
{
    private readonly Dictionary<long, Action<long>> _reads = [];
    private TaskCompletionSource<TransferOutcome>? _transfer;
    private long _lastRead;

    /// <summary>
    /// Begins a strong read on the leader. <paramref name="done"/> gets the LSN, or −1 when this node ceased to lead; it is called under the gate
    /// and must not block. The number of open reads is bounded by the core.
    /// </summary>
    public ReadIndexResult BeginRead(Action<long> done)
    {
        ReadIndexResult result;
        lock (_gate)
        {
            if (_core is not { } core)
                return ReadIndexResult.NotLeader;
            var context = ++_lastRead;
            _reads[context] = done;
            result = core.BeginReadIndex(context, _effects);
            if (result != ReadIndexResult.Started)
                _reads.Remove(context);
            Execute();
        }
        _notifier.Drain();
        return result;
    }

    /// <summary>Hands the lead over; the outcome comes when the other leads or the core has given up.</summary>
    public Task<TransferOutcome> TransferAsync(NodeKey? to)
    {
        Task<TransferOutcome> outcome;
        lock (_gate)
        {
            if (_core is not { } core)
                return Failed($"this node does not take part: {Halted}");
            var result = core.TransferLeadership(NowMs, to, _effects);
            if (result == TransferResult.Started)
            {
                _transfer = new(TaskCreationOptions.RunContinuationsAsynchronously);
                outcome = _transfer.Task;
            }
            else
            {
                outcome = result == TransferResult.AlreadyLeader
                    ? Task.FromResult(new TransferOutcome(true, _self.Id, ""))
                    : Failed(Explain(result, to, core));
            }
            Execute();
        }
        _notifier.Drain();
        return outcome;
    }

    private void EndRead(long context, long lsn)
    {
        if (_reads.Remove(context, out var done))
            done(lsn);
    }

    private void EndTransfer(TransferOutcome outcome)
    {
        _transfer?.TrySetResult(outcome);
        _transfer = null;
    }

    private void EndRequests(string reason)
    {
        foreach (var done in _reads.Values)
            done(-1);
        _reads.Clear();
        EndTransfer(new TransferOutcome(false, null, reason));
    }

    private static Task<TransferOutcome> Failed(string reason) => Task.FromResult(new TransferOutcome(false, null, reason));

    private static string Explain(TransferResult result, NodeKey? to, RaftCore core) => result switch
    {
        TransferResult.NotLeader => $"this node does not lead; ask {core.Leader?.Id ?? "again when there is a leader"}",
        TransferResult.InProgress => "another hand-over is under way; try again in some seconds",
        TransferResult.NotAVoter => $"{to?.Id} has no vote (yet): it is still catching up, or not a member",
        TransferResult.MayNotServe => $"{to?.Id} may not lead: it is a witness, never_leader, or its MariaDB is not fit (see its reason in status)",
        TransferResult.NotResponding => $"{to?.Id} has not answered within an election timeout",
        TransferResult.NoCandidate => "no other node can take the lead now: none is a live voter with a fit MariaDB",
        _ => result.ToString(),
    };
}
