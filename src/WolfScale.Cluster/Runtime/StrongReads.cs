using System.Collections.Concurrent;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// Read indexes on any node: the leader asks its core, a follower asks the leader. Every answer stands for a round of messages to a majority that
/// began after the question, so no clock is trusted.
/// </summary>
internal sealed class StrongReads(CoreHost host, PeerDirectory peers, ClusterOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource<long>> _asked = [];
    private long _lastId;

    /// <exception cref="InvalidOperationException">No leader confirmed it within twice the longest election timeout.</exception>
    public async Task<long> ReadAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var limit = TimeSpan.FromMilliseconds(2 * options.ElectionTimeoutMaxMs);
        while (time.GetElapsedTime(started) < limit)
        {
            var id = Interlocked.Increment(ref _lastId);
            var answer = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked[id] = answer;
            try
            {
                if (Ask(id, answer))
                {
                    var lsn = await answer.Task.WaitAsync(TimeSpan.FromMilliseconds(options.ElectionTimeoutMinMs), time, cancellationToken);
                    if (lsn >= 0)
                        return lsn;
                }
            }
            catch (TimeoutException)
            {
                // The question or the answer is lost, or the leader is: ask whoever leads by now.
            }
            finally
            {
                _asked.TryRemove(id, out _);
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellationToken);
        }
        throw new InvalidOperationException("a strong read found no leader that a majority confirms: see the nodes' status, or read with another consistency");
    }

    /// <summary>A follower asks: answered when the round is done.</summary>
    public void Asked(NodeKey from, ReadIndexRequest request)
    {
        var started = host.BeginRead(lsn => peers.Send(from, ClusterMessages.Frame(new ReadIndexResponse(request.Id, lsn))));
        if (started != ReadIndexResult.Started)
            peers.Send(from, ClusterMessages.Frame(new ReadIndexResponse(request.Id, -1)));
    }

    public void Answered(ReadIndexResponse response)
    {
        if (_asked.TryGetValue(response.Id, out var answer))
            answer.TrySetResult(response.Lsn);
    }

    private bool Ask(long id, TaskCompletionSource<long> answer)
    {
        var role = host.Role;
        if (role.Role == RaftRole.Leader)
            return host.BeginRead(lsn => answer.TrySetResult(lsn)) == ReadIndexResult.Started;
        return role.Leader is { } leader && peers.Send(leader, ClusterMessages.Frame(new ReadIndexRequest(id)));
    }
}
