using System.Collections.Concurrent;
using WolfScale.Cluster.Membership;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// Asks all other nodes for a client by the id that it was greeted with, and answers them. The frames are optional: a node of an earlier version does not answer, and is not waited for longer than <see cref="Limit"/>.
/// </summary>
internal sealed class ClientQuestions(PeerDirectory peers, TimeProvider time)
{
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<long, Round> _rounds = [];
    private volatile IClientRegister? _register;
    private long _lastId;

    /// <summary>This node's clients; null: it has none.</summary>
    public IClientRegister? Register { get => _register; set => _register = value; }

    /// <returns>What each other node has of such clients, if it answered in time.</returns>
    public async Task<IReadOnlyList<ClientElsewhere>> AskAsync(uint clientId, string user)
    {
        var asked = peers.Reached.ToList();
        if (asked.Count == 0)
            return [];
        var id = Interlocked.Increment(ref _lastId);
        var round = _rounds[id] = new Round(asked);
        try
        {
            var question = ClusterMessages.Frame(new ClientQuestion(id, ClientOrder.Find, clientId, user));
            foreach (var node in asked)
            {
                if (!peers.Send(node, question))
                    round.Heard(node, []);
            }

            await round.All.WaitAsync(Limit, time);
        }
        catch (TimeoutException)
        {
            // Who is cut off cannot be heard; neither can its clients.
        }
        finally
        {
            _ = _rounds.TryRemove(id, out _);
        }

        return round.Found;
    }

    /// <summary>What runs for a client that was found is to end, or the client's session; best effort.</summary>
    public void Order(ClientElsewhere client, ClientOrder order, uint clientId, string user) => peers.Send(client.Node, ClusterMessages.Frame(new ClientQuestion(0, order, clientId, user)));

    /// <summary>Another node asks, or orders.</summary>
    public void Asked(NodeKey from, ClientQuestion question)
    {
        var register = _register;
        if (question.Order == ClientOrder.Find)
            Answer(from, question.Id, register?.Find(question.ClientId, question.User) ?? []);
        else
            register?.End(question.ClientId, question.User, session: question.Order == ClientOrder.EndSession);
    }

    public void Answered(NodeKey from, long id, IReadOnlyList<ClientState> clients)
    {
        if (_rounds.TryGetValue(id, out var round))
            round.Heard(from, clients);
    }

    /// <summary>The second is what a node that skips the first can be told, and does not count where that was understood.</summary>
    private void Answer(NodeKey to, long id, IReadOnlyList<ClientState> clients)
    {
        if (clients.Any(c => c.Through != 0))
            peers.Send(to, ClusterMessages.Frame(new ClientAnswers(id, clients)));
        peers.Send(to, ClusterMessages.Frame(new ClientAnswer(id, clients.Where(c => c.Through == 0).Select(c => (ClientState?)c).FirstOrDefault())));
    }

    /// <summary>One question to several nodes.</summary>
    private sealed class Round(IEnumerable<NodeKey> asked)
    {
        private readonly Lock _lock = new();
        private readonly HashSet<NodeKey> _open = [.. asked];
        private readonly List<ClientElsewhere> _found = [];
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Each has answered, or could not be asked.</summary>
        public Task All => _all.Task;

        public IReadOnlyList<ClientElsewhere> Found
        {
            get
            {
                lock (_lock)
                    return [.. _found];
            }
        }

        public void Heard(NodeKey node, IReadOnlyList<ClientState> clients)
        {
            lock (_lock)
            {
                if (!_open.Remove(node))
                    return;
                _found.AddRange(clients.Select(client => new ClientElsewhere(node, client)));
                if (_open.Count == 0)
                    _all.SetResult();
            }
        }
    }
}
