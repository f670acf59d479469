using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using WolfScale.Protocol;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>
/// The cluster as a proxy without a node of its own follows it: every node's API is asked twice a second, all of them at once when a connection was lost,
/// and quickly while the leader is looked for. The peers are the first to be asked; members that they name are asked from then on too.
/// <code>
///   each node: 1 ask ─▶ 2 refuse another cluster's ─▶ 3 learn its members ─▶ 4 view of all answers ─▶ routes ─▶ wait, or be woken
/// </code>
/// </summary>
internal sealed class RemoteRoutes : IClusterRoutes, IAsyncDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    public static readonly TimeSpan Hurry = TimeSpan.FromMilliseconds(50);

    /// <summary>Between two questions to one node, however much there is to know.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a leader is looked for in a hurry after its connection was lost.</summary>
    public static readonly TimeSpan HurryLimit = TimeSpan.FromSeconds(30);

    /// <summary>An answer in which a server begins to follow may tell of its position from before (it may have been rewound on the way).</summary>
    public static readonly TimeSpan PositionCounts = TimeSpan.FromSeconds(2);

    /// <summary>No cluster has so many; what is asked stays bounded whatever is answered.</summary>
    private const int MostNodes = 64;

    private readonly INodeApi _api;
    private readonly string _clusterName;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Addresses _addresses = new();
    private readonly Lock _lock = new();
    private readonly List<RemoteNode> _nodes = [];
    private readonly List<Task> _asking = [];
    private readonly Dictionary<string, ReaderLoad> _loads = [];
    private readonly Dictionary<string, (Reader Reader, long Term, long Since)> _readers = [];
    private readonly Dictionary<string, long> _suspected = []; // by node, since when
    private readonly ReadIndexBatch _readIndex;
    private readonly CancellationTokenSource _stopping = new();
    private volatile RemoteView _view = RemoteView.Unknown;
    private volatile Routes _current = Routes.Nowhere;
    private volatile HiddenViews _views = HiddenViews.None;
    private string? _viewsVersion;
    private Uri? _viewsFrom;
    private bool _isAskingNames;
    private string? _clusterId;
    private long _hurryUntil;

    /// <param name="peers">To begin with.</param>
    /// <param name="clusterName">Nodes of any other are refused; empty: the first that answers says which.</param>
    /// <param name="api">Asks.</param>
    /// <param name="logger">Hears of what changes.</param>
    /// <param name="time">The clock.</param>
    public RemoteRoutes(IEnumerable<Uri> peers, string clusterName, INodeApi api, ILogger logger, TimeProvider time)
    {
        (_api, _clusterName, _logger, _time) = (api, clusterName, logger, time);
        _readIndex = new ReadIndexBatch(AskReadIndexAsync);
        _nodes.AddRange(peers.Distinct().Select(p => new RemoteNode(p, isPeer: true)));
    }

    /// <summary>A node that served reads does not answer: whoever waits for one there may ask elsewhere.</summary>
    public event Action<string>? ReaderGone;

    /// <summary>After every answer that was accepted, and every one that did not come.</summary>
    public event Action? Looked;

    public Routes Current => _current;

    public HiddenViews Views => _views;

    public RemoteView View => _view;

    /// <summary>Begins to ask.</summary>
    public void Start()
    {
        lock (_lock)
        {
            BeginHurry();
            foreach (var node in _nodes)
                _asking.Add(AskAsync(node));
        }
    }

    /// <summary>Asks these from now on too: nodes that discovery hears. One that it does not hear any more, and that never answered, is asked no longer.</summary>
    public void Offer(IReadOnlyCollection<Uri> found)
    {
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
                return;
            foreach (var node in _nodes.Where(n => n.IsFound && n.Answer is null && !found.Contains(n.Api)).ToList())
                Forget(node);
            foreach (var api in found.Where(api => _nodes.Count < MostNodes && !_nodes.Exists(n => n.Api == api)))
                Ask(new RemoteNode(api, isPeer: false) { IsFound = true });
        }
    }

    /// <summary>Other peers from now on. One that is none any more is asked as any other node: as long as it is a member.</summary>
    public void Follow(IReadOnlyCollection<Uri> peers)
    {
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
                return;
            foreach (var node in _nodes.ToList())
            {
                var was = node.IsPeer;
                node.IsPeer = peers.Contains(node.Api);
                if (was && !node.IsPeer && node.Answer is null)
                    Forget(node);
            }

            foreach (var api in peers.Distinct().Where(api => !_nodes.Exists(n => n.Api == api)))
                Ask(new RemoteNode(api, isPeer: true));
        }
    }

    /// <summary>What is known of the nodes that are asked, for <c>/stats</c>.</summary>
    public ImmutableArray<(Uri Api, string? Node, string? Problem)> Asked()
    {
        lock (_lock)
            return [.. _nodes.Select(n => (n.Api, n.Answer?.Node, n.Problem))];
    }

    /// <summary>This proxy's own doings at a node.</summary>
    public ReaderLoad Load(string node)
    {
        lock (_lock)
            return LoadOf(node);
    }

    /// <summary>Where questions are answered now, the leader first.</summary>
    public ImmutableArray<Uri> Heard()
    {
        lock (_lock)
            return [.. _nodes.Where(n => n.IsHeard).OrderByDescending(n => n.Answer!.Node == _view.LeaderId).DistinctBy(n => n.Answer!.Node).Select(n => n.Api)];
    }

    private Uri? HeardLeader()
    {
        lock (_lock)
            return _nodes.Find(n => n.IsHeard && n.Answer!.Node == _view.LeaderId)?.Api;
    }

    public Task<Gtid?> ReadIndexAsync() => _readIndex.AskAsync();

    public void Lost(EndPoint address)
    {
        lock (_lock)
        {
            var node = address.Equals(_current.Leader) ? _current.LeaderId : _current.Readers.FirstOrDefault(r => r.Address.Equals(address))?.Id;
            if (node is null)
                return; // an older view's
            _suspected[node] = _time.GetTimestamp();
            _addresses.Doubt(address);
            if (node == _view.LeaderId)
                BeginHurry();
            WakeAll();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] asking;
        lock (_lock)
            asking = [.. _asking];
        await Task.WhenAll(asking);
        foreach (var node in _nodes)
            node.Ended.Dispose();
        _stopping.Dispose();
    }

    private async Task AskAsync(RemoteNode node)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // whoever begins it goes through the list of nodes
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, node.Ended.Token);
        while (!ending.IsCancellationRequested)
        {
            var asked = _time.GetTimestamp();
            lock (_lock)
                node.Wake = RemoteNode.New(); // before the question: what happens from here on wants another
            try
            {
                var answer = await _api.ClusterAsync(node.Api, ending.Token);                 // 1
                if (answer.Nodes.IsDefault || answer.Node is null)
                    throw new NodeSilentException($"{node.Api.Authority} answers, but not as a WolfScale node does");
                await _addresses.ResolveAsync(answer);
                Accept(node, answer, asked);
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return;
            }
            catch (NodeSilentException e)
            {
                Fail(node, e.Message);
            }
            catch (Exception e)
            {
                StandAloneLog.Fault(_logger, e); // and goes on: a proxy that follows nobody any more would be worse
                Fail(node, e.Message);
            }

            Looked?.Invoke();
            await WaitAsync(node, asked, ending.Token);
        }
    }

    /// <summary>Until it is time to ask again. Ends early with the program.</summary>
    private async Task WaitAsync(RemoteNode node, long asked, CancellationToken ending)
    {
        var shortest = Shortest - _time.GetElapsedTime(asked);
        if (shortest > TimeSpan.Zero)
            await Task.Delay(shortest, _time, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task woken;
        TimeSpan rest;
        lock (_lock)
        {
            woken = node.Wake.Task;
            rest = (_time.GetTimestamp() < _hurryUntil ? Hurry : Interval) - _time.GetElapsedTime(asked);
        }

        if (rest > TimeSpan.Zero)
            await woken.WaitAsync(rest, _time, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Accept(RemoteNode node, ClusterDocument answer, long asked)
    {
        lock (_lock)
        {
            if (Refusal(node, answer) is { } refusal)                                           // 2
            {
                if (node.Problem != refusal)
                    StandAloneLog.NodeRefused(_logger, refusal);
                node.Problem = refusal;
                Look();
                return;
            }

            if (!node.IsHeard)
                StandAloneLog.NodeHeard(_logger, answer.Node, node.Api.Authority);
            (node.Answer, node.AskedAt, node.Problem, node.OwnConnections) = (answer, asked, null, LoadOf(answer.Node).Connections);
            if (_suspected.TryGetValue(answer.Node, out var since) && asked > since)
                _ = _suspected.Remove(answer.Node);
            LoadOf(answer.Node).IsSuspect = _suspected.ContainsKey(answer.Node);
            Look();                                                                             // 4
            Learn();                                                                            // 3
            if (!_isAskingNames && answer.HiddenNames is { } names && names != _viewsVersion && TellsNames(node) && !_stopping.IsCancellationRequested)
            {
                (_isAskingNames, _viewsFrom) = (true, node.Api);
                _asking.Add(AskNamesAsync(node.Api));
            }
        }
    }

    private void Fail(RemoteNode node, string problem)
    {
        string? gone;
        lock (_lock)
        {
            if (node.Problem is null)
                StandAloneLog.NodeSilent(_logger, problem);
            gone = node.IsHeard && _readers.ContainsKey(node.Answer!.Node) ? node.Answer.Node : null;
            node.Problem = problem;
            Look();
            if (gone is not null && _readers.ContainsKey(gone))
                gone = null; // it is reached another way
        }

        if (gone is not null)
            ReaderGone?.Invoke(gone);
    }

    /// <summary>Why this answer is not one of the cluster's, or null. The first that is fixes which cluster that is.</summary>
    private string? Refusal(RemoteNode node, ClusterDocument answer)
    {
        if (_clusterName.Length > 0 && answer.ClusterName != _clusterName)
            return $"{answer.Node} at {node.Api.Authority} belongs to the cluster \"{answer.ClusterName}\", and this proxy follows \"{_clusterName}\" (--cluster-name): take it out of the peers, or correct the name";
        if (answer.ClusterId is null)
            return $"{answer.Node} at {node.Api.Authority} is not a member of a cluster yet";
        if (_clusterId is null)
        {
            _clusterId = answer.ClusterId;
            StandAloneLog.Following(_logger, answer.ClusterName ?? "without a name", answer.ClusterId);
        }

        return answer.ClusterId == _clusterId
            ? null
            : $"{answer.Node} at {node.Api.Authority} belongs to another cluster ({answer.ClusterName}, {answer.ClusterId}) than the one that is followed ({_clusterId}): "
                + "take it out of the peers; if the cluster was founded anew, restart this proxy";
    }

    /// <summary>Members that nobody speaks for yet are asked; those that are none any more are not.</summary>
    private void Learn()
    {
        foreach (var member in _view.Members)
        {
            if (member.Api is null || _nodes.Count >= MostNodes || _nodes.Exists(n => n.IsHeard && n.Answer!.Node == member.Id))
                continue;
            if (Uri.TryCreate($"{_nodes.First(n => n.IsHeard).Api.Scheme}://{member.Api}", UriKind.Absolute, out var api) && !_nodes.Exists(n => n.Api == api))
                Ask(new RemoteNode(api, isPeer: false));
        }

        foreach (var node in _nodes.Where(n => !n.IsPeer && n.Answer is { } last && _view.Find(last.Node) is null).ToList())
            Forget(node);
        _ = _asking.RemoveAll(a => a.IsCompleted);
    }

    private void Ask(RemoteNode node)
    {
        _nodes.Add(node);
        _asking.Add(AskAsync(node));
    }

    private void Forget(RemoteNode node)
    {
        _ = _nodes.Remove(node);
        node.Ended.Cancel();
    }

    /// <summary>4: from all answers to routes.</summary>
    private void Look()
    {
        var before = _view;
        var view = _view = RemoteView.Of([.. _nodes.Where(n => n.IsHeard).Select(n => n.Answer!)], before);
        if (view.Term != before.Term)
            WakeAll(); // who has not heard of it yet?
        var leader = view.Leader is { AcceptsWrites: not false } member && !IsGone(member) ? _addresses.Find(member.Proxy) : null;
        if (leader is not null && (_current.Leader is null || view.LeaderId != _current.LeaderId || view.Term != _current.Epoch))
            StandAloneLog.Leader(_logger, view.LeaderId!, view.Term);
        if (leader is null && _current.Leader is not null)
            BeginHurry();
        else if (leader is not null && !_suspected.ContainsKey(view.LeaderId!))
            _hurryUntil = 0;
        var readers = Readers(view);
        var changed = !readers.Select(r => r.Id).SequenceEqual(_current.Readers.Select(r => r.Id));
        if (changed)
            StandAloneLog.Readers(_logger, readers.IsEmpty ? "the leader: no follower is fit" : string.Join(", ", readers.Select(r => r.Id)));
        _current = new Routes(view.Term, leader, LeaderIsHere: false, view.LeaderId ?? "", readers)
        {
            ReadersVersion = _current.ReadersVersion + (changed || view.Term != before.Term ? 1 : 0),
        };
    }

    /// <summary>Its connection was lost, and it does not answer either.</summary>
    private bool IsGone(RemoteMember member) => _suspected.ContainsKey(member.Id) && !member.Heard && member.Api is not null;

    private ImmutableArray<Reader> Readers(RemoteView view)
    {
        var readers = ImmutableArray.CreateBuilder<Reader>();
        foreach (var member in view.Members)
        {
            if (!member.ServesReads || _addresses.Find(member.Proxy) is not { } address)
            {
                _ = _readers.Remove(member.Id);
                continue;
            }

            var others = Math.Max(0, (member.ProxySessions ?? 0) - (_nodes.Find(n => n.IsHeard && n.Answer!.Node == member.Id)?.OwnConnections ?? 0));
            if (!_readers.TryGetValue(member.Id, out var known) || known.Term != view.Term || !known.Reader.Address.Equals(address))
                known = (Make(), view.Term, _time.GetTimestamp());
            else if (known.Reader.OtherSessions != others)
                known = known with { Reader = Make(known.Reader) };
            _readers[member.Id] = known;
            if (member.KnowsTerm && _time.GetElapsedTime(known.Since) >= PositionCounts
                && GtidPosition.TryParse(member.GtidPosition ?? "", out var position) && position.Gtids is [var only])
                known.Reader.Tell(only.Sequence);
            readers.Add(known.Reader);

            Reader Make(Reader? follows = null) => new(member.Id, address, LoadOf(member.Id), follows) { IsHop = true, OtherSessions = others };
        }

        foreach (var gone in _readers.Keys.Where(id => view.Find(id) is null).ToList())
            _ = _readers.Remove(gone);
        return readers.ToImmutable();
    }

    /// <summary>The leader's node, which has them before all others; where that is not heard, one and the same as long as it is.</summary>
    private bool TellsNames(RemoteNode node) => HeardLeader() is { } leader ? leader == node.Api : _viewsFrom == node.Api || !_nodes.Exists(n => n.IsHeard && n.Api == _viewsFrom);

    /// <summary>Without an answer they are asked for again when the node has told again which it has.</summary>
    private async Task AskNamesAsync(Uri node)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // not under the lock
        try
        {
            var told = await _api.HiddenNamesAsync(node, _stopping.Token);
            _views = HiddenNames.Read(told);
            _viewsVersion = told.Version;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (NodeSilentException)
        {
            // What was known holds.
        }
        catch (Exception e)
        {
            StandAloneLog.Fault(_logger, e); // the same, of an answer that makes no sense
        }
        finally
        {
            lock (_lock)
                _isAskingNames = false;
        }
    }

    private async Task<Gtid?> AskReadIndexAsync()
    {
        NodeSilentException? last = null;
        // The statement goes to whom the view takes for the leader: another one's word would confirm another's data. Who has lost its majority does not confirm.
        foreach (var node in HeardLeader() is { } leader ? [leader] : Heard())
        {
            try
            {
                var answer = await _api.ReadIndexAsync(node, _stopping.Token);
                var view = _view;
                if (answer.Leader is not null && (answer.Leader, answer.Term) != (view.LeaderId, view.Term))
                {
                    lock (_lock)
                        WakeAll();
                    throw new NodeSilentException($"{node.Authority} says that {answer.Leader} leads in term {answer.Term}, which this proxy has yet to hear of");
                }

                return answer.Gtid is not { } text ? null : Gtid.TryParse(text, out var gtid) ? gtid : throw new NodeSilentException($"{node.Authority} answered \"{text}\", which is no GTID");
            }
            catch (NodeSilentException e)
            {
                last = e;
            }
        }

        throw last ?? new NodeSilentException("No node answers.");
    }

    private ReaderLoad LoadOf(string node)
    {
        if (!_loads.TryGetValue(node, out var load))
            _loads[node] = load = new ReaderLoad();
        return load;
    }

    private void WakeAll()
    {
        foreach (var node in _nodes)
            _ = node.Wake.TrySetResult();
    }

    private void BeginHurry() => _hurryUntil = _time.GetTimestamp() + (long)(HurryLimit.TotalSeconds * _time.TimestampFrequency);
}
