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
    public ReadIndexResult BeginRead(Action<long> done) => Enter(ReadIndexResult.NotLeader, done, static (host, core, done) =>
    {
        var context = ++host._lastRead;
        host._reads[context] = done;
        var result = core.BeginReadIndex(context, host._effects);
        if (result != ReadIndexResult.Started)
            host._reads.Remove(context);
        return result;
    });

    /// <summary>Hands the lead over; the outcome comes when the other leads or the core has given up.</summary>
    public Task<TransferOutcome> TransferAsync(NodeKey? to) =>
        Enter(Failed($"this node does not take part: {Halted}"), to, static (host, core, to) =>
        {
            var result = core.TransferLeadership(host.NowMs, to, host._effects);
            if (result == TransferResult.Started)
            {
                host._transfer = new(TaskCreationOptions.RunContinuationsAsynchronously);
                return host._transfer.Task;
            }
            return result == TransferResult.AlreadyLeader
                ? Task.FromResult(new TransferOutcome(true, host._self.Id, ""))
                : Failed(Explain(result, to, core));
        });

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
