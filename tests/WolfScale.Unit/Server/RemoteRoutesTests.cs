using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Protocol;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Hosting.StandAlone;
using WolfScale.Server.Http;

namespace WolfScale.Unit.Server;

/// <summary>A proxy without a node follows a cluster of three, whose answers are the test's.</summary>
public sealed partial class RemoteRoutesTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(200); // of the cluster's time, far below the interval

    private readonly CountingTime _time = new();
    private readonly Cluster _cluster = new();
    private RemoteRoutes _routes = null!;

    [Fact]
    public async Task One_peer_is_enough_to_know_all_nodes()
    {
        Follow("http://n1:8080");

        await AdvanceUntilAsync("leader and readers", () => Readers() == "n2,n3");

        Assert.Equal(("n1", 1, false, Proxy(1)), (_routes.Current.LeaderId, _routes.Current.Epoch, _routes.Current.LeaderIsHere, _routes.Current.Leader));
        Assert.All(_routes.Current.Readers, r => Assert.True(r.IsHop));
        Assert.Equal([Proxy(2), Proxy(3)], _routes.Current.Readers.Select(r => r.Address));
        Assert.Equal(["http://n1:8080/", "http://n2:8080/", "http://n3:8080/"], _cluster.AskedUrls.Order());
    }

    /// <summary>Discovery hears beacons and tells; one node that answers is enough here too.</summary>
    [Fact]
    public async Task Nodes_that_are_found_are_asked_as_peers_are()
    {
        Follow();
        await AdvanceAsync(RemoteRoutes.Interval);
        Assert.Equal(0, _cluster.Count);

        _routes.Offer([new Uri("http://n2:8080")]);
        await AdvanceUntilAsync("leader and readers", () => Readers() == "n2,n3");

        Assert.Equal("n1", _routes.Current.LeaderId);
    }

    /// <summary>What was never heard to answer must not be asked for ever; a member that is silent for a while must.</summary>
    [Fact]
    public async Task A_node_that_is_not_heard_any_more_and_never_answered_is_asked_no_longer()
    {
        Follow();
        _cluster.Down("n3");
        _routes.Offer([new Uri("http://n1:8080"), new Uri("http://n3:8080")]);
        await AdvanceUntilAsync("a reader, and n3 to be asked", () => Readers() == "n2" && _cluster.AskedOf("n3") > 0);
        _cluster.Remove("n3");
        await AdvanceAsync(RemoteRoutes.Interval);

        _routes.Offer([]);
        await AdvanceAsync(RemoteRoutes.Interval);
        var (asked, n1) = (_cluster.AskedOf("n3"), _cluster.AskedOf("n1"));
        await AdvanceAsync(4 * RemoteRoutes.Interval);

        Assert.Equal(asked, _cluster.AskedOf("n3"));
        Assert.True(_cluster.AskedOf("n1") > n1);
    }

    /// <summary>It is asked twice a second and no more often, while nothing happens.</summary>
    [Fact]
    public async Task A_quiet_cluster_is_asked_twice_a_second()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        await AdvanceAsync(RemoteRoutes.Interval);
        var before = _cluster.Count;

        await AdvanceAsync(TimeSpan.FromSeconds(10));

        Assert.InRange(_cluster.Count - before, 3 * 16, 3 * 21);
    }

    [Fact]
    public async Task A_leader_whose_connection_was_lost_and_who_does_not_answer_is_none_and_its_successor_is_found_at_once()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        var version = _routes.Current.ReadersVersion;
        _cluster.Down("n1");

        _routes.Lost(Proxy(1));
        await AdvanceUntilAsync("no leader", () => _routes.Current.Leader is null, Soon);
        Assert.Equal("n2,n3", Readers()); // reads go on
        _cluster.Lead("n2", term: 2);
        await AdvanceUntilAsync("the next leader", () => Proxy(2).Equals(_routes.Current.Leader), Soon);

        Assert.Equal((2, "n3"), (_routes.Current.Epoch, Readers()));
        Assert.True(_routes.Current.ReadersVersion > version);
    }

    /// <summary>One connection that ends tells nothing as long as the node answers.</summary>
    [Fact]
    public async Task A_leader_who_answers_stays_the_leader_when_a_connection_was_lost()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        _routes.Lost(Proxy(1));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(Proxy(1), _routes.Current.Leader);
    }

    [Fact]
    public async Task While_the_leaders_server_is_not_open_there_is_nowhere_to_go()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        _cluster.Change("n1", d => d with { AcceptsWrites = false });
        await AdvanceUntilAsync("no leader", () => _routes.Current.Leader is null);
        _cluster.Change("n1", d => d with { AcceptsWrites = true });
        await AdvanceUntilAsync("a leader", () => _routes.Current.Leader is not null, Soon); // it is looked at in a hurry meanwhile
    }

    /// <summary>A frozen node keeps its question for longer than the interval.</summary>
    [Fact]
    public async Task A_node_that_answers_late_is_asked_again_all_the_same()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        var gone = new ConcurrentQueue<string>();
        _routes.ReaderGone += gone.Enqueue;
        var late = _cluster.Freeze("n2");
        await AdvanceUntilAsync("the question", () => late.IsAsked);
        await AdvanceAsync(3 * RemoteRoutes.Interval);
        late.Fail();
        await AdvanceUntilAsync("its return", () => !gone.IsEmpty && Readers() == "n2,n3");
        Assert.Equal(["n2"], gone);
    }

    /// <summary>The old leader does not know yet that it is none.</summary>
    [Fact]
    public async Task Of_two_leaders_the_one_of_the_later_term_counts()
    {
        Follow("http://n1:8080", "http://n3:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        _cluster.Lead("n2", term: 2, except: "n1");
        await AdvanceUntilAsync("the later one", () => _routes.Current.LeaderId == "n2");
        await AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(("n2", "n3"), (_routes.Current.LeaderId, Readers()));
    }

    [Theory]
    [InlineData("too far behind")]
    [InlineData("says that it does not follow")]
    [InlineData("cut off")]
    public async Task A_follower_that_is_not_fit_is_not_read_from(string why)
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        var gone = new ConcurrentQueue<string>();
        _routes.ReaderGone += gone.Enqueue;
        if (why == "cut off")
            _cluster.Down("n3");
        else
            _cluster.Change("n3", d => why == "too far behind" ? Lag(d, RemoteView.MostEntriesBehind + 1) : d with { ServesReads = false });

        await AdvanceUntilAsync("one reader", () => Readers() == "n2");

        Assert.Equal(why == "cut off" ? ["n3"] : [], gone); // only a silent one leaves reads unanswered
        _cluster.Up("n3");
        _cluster.Change("n3", d => Lag(d, (RemoteView.MostEntriesBehind / 2) + 1) with { ServesReads = true });
        await AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal("n2", Readers()); // who comes back has caught up first
        _cluster.Change("n3", d => Lag(d, 0));
        await AdvanceUntilAsync("two readers", () => Readers() == "n2,n3");
    }

    [Fact]
    public async Task A_reader_that_was_lost_is_chosen_again_when_it_has_answered()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        var load = _routes.Load("n2");
        load.IsSuspect = true;
        _routes.Lost(Proxy(2));
        await AdvanceUntilAsync("trust", () => !load.IsSuspect, Soon);
    }

    /// <summary>A position counts for the leadership it was reported under: in the next one the same numbers are other transactions.</summary>
    [Fact]
    public async Task What_is_known_of_a_readers_position_ends_with_the_leadership()
    {
        _cluster.Change("n3", d => d with { GtidPosition = "0-1-50" });
        Follow("http://n1:8080");
        await AdvanceUntilAsync("its position", () => Readers() == "n2,n3" && _routes.Current.Readers[1].Reached == 50);
        _routes.Current.Readers[1].See(60);

        _cluster.Lead("n2", term: 2);
        await AdvanceUntilAsync("the next leader", () => Readers() == "n1,n3");

        Assert.Equal(0ul, _routes.Current.Readers[1].Reached);
    }

    [Fact]
    public async Task A_node_of_another_cluster_is_refused_and_its_nodes_are_not_asked()
    {
        _cluster.Change("n1", d => d with { ClusterName = "staging" });
        Follow("http://n1:8080");
        await AdvanceAsync(TimeSpan.FromSeconds(2));

        Assert.Null(_routes.Current.Leader);
        var (_, _, problem) = Assert.Single(_routes.Asked());
        Assert.Contains("belongs to the cluster \"staging\", and this proxy follows \"prod\"", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_of_the_same_name_is_another_one_all_the_same()
    {
        _cluster.Change("n3", d => d with { ClusterId = "another" });
        Follow("http://n1:8080");
        await AdvanceUntilAsync("a refusal", () => _routes.Asked().Any(a => a.Problem?.Contains("belongs to another cluster", StringComparison.Ordinal) == true));
        Assert.Equal("n2", Readers());
    }

    [Fact]
    public async Task A_member_that_was_removed_is_asked_no_more()
    {
        Follow("http://n1:8080");
        await AdvanceUntilAsync("all nodes", () => Readers() == "n2,n3");
        _cluster.Remove("n3");
        await AdvanceUntilAsync("two nodes", () => _routes.Asked().Length == 2);
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        var before = _cluster.AskedOf("n3");
        await AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(before, _cluster.AskedOf("n3"));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_routes is not null)
            await _routes.DisposeAsync();
    }

    private static IPEndPoint Proxy(int node) => new(IPAddress.Parse($"10.0.0.{node}"), 3307);

    private static ClusterDocument Lag(ClusterDocument document, long entries) =>
        document with { Nodes = [.. document.Nodes.Select(n => n.Id == document.Node ? n with { LagEntries = entries } : n)] };

    private void Follow(params string[] peers)
    {
        _routes = new RemoteRoutes(peers.Select(p => new Uri(p)), "prod", _cluster, NullLogger.Instance, _time);
        _routes.Start();
    }

    private string Readers() => string.Join(',', _routes.Current.Readers.Select(r => r.Id));

    /// <summary>Lets the cluster's time go on until something holds, and fails when that takes longer than it may.</summary>
    private async Task AdvanceUntilAsync(string what, Func<bool> holds, TimeSpan? within = null)
    {
        var step = TimeSpan.FromMilliseconds(10);
        for (var passed = TimeSpan.Zero; passed <= (within ?? TimeSpan.FromSeconds(5)); passed += step)
        {
            if (holds())
                return;
            await StepAsync(step);
        }

        Assert.True(holds(), $"waited in vain for {what}");
    }

    private async Task AdvanceAsync(TimeSpan time)
    {
        var step = TimeSpan.FromMilliseconds(10);
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
            await StepAsync(step);
    }

    /// <summary>What is due runs on the pool; it has run when everybody who asks waits again.</summary>
    private async Task StepAsync(TimeSpan step)
    {
        await RealAsync("everybody to wait", EverybodyWaits);
        _time.Advance(step);
        await RealAsync("everybody to wait", EverybodyWaits);

        bool EverybodyWaits() => _time.Timers + _cluster.Waiting == _routes.Asked().Length;
    }

    private static async Task RealAsync(string what, Func<bool> holds)
    {
        for (var until = Environment.TickCount64 + 20_000; !holds();)
        {
            Assert.True(Environment.TickCount64 < until, $"waited in vain for {what}");
            await Task.Yield();
        }
    }

    /// <summary>Knows how many wait for it.</summary>
    private sealed class CountingTime : FakeTimeProvider
    {
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _ = Interlocked.Increment(ref _timers);
            return new Timer(base.CreateTimer(callback, state, dueTime, period), this);
        }

        private sealed class Timer(ITimer inner, CountingTime owner) : ITimer
        {
            private int _disposed;

            public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

            public void Dispose()
            {
                inner.Dispose();
                if (Interlocked.Exchange(ref _disposed, 1) == 0)
                    _ = Interlocked.Decrement(ref owner._timers);
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }

    /// <summary>A question that gets no answer before the test says so.</summary>
    private sealed class Late
    {
        private readonly TaskCompletionSource<ClusterDocument> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsAsked { get; private set; }

        public bool IsPending { get; private set; }

        public Task<ClusterDocument> Ask()
        {
            (IsAsked, IsPending) = (true, true);
            return _answer.Task;
        }

        public void Fail()
        {
            IsPending = false; // whoever waits for the cluster to be quiet waits for what this brings about
            _answer.SetException(new NodeSilentException("no answer in time"));
        }
    }

    /// <summary>Three nodes: n1 leads in term 1.</summary>
    private sealed class Cluster : INodeApi
    {
        private readonly ConcurrentDictionary<string, ClusterDocument> _documents = new();
        private readonly ConcurrentDictionary<string, bool> _down = new();
        private readonly ConcurrentDictionary<string, Late> _frozen = new();
        private readonly ConcurrentQueue<Late> _late = new();
        private readonly ConcurrentQueue<Uri> _asked = new();

        public Cluster()
        {
            foreach (var node in (string[])["n1", "n2", "n3"])
                _documents[node] = Document(node, "n1", 1, ["n1", "n2", "n3"]);
        }

        public int Count => _asked.Count;

        /// <summary>Questions that get no answer for the time being.</summary>
        public int Waiting => _late.Count(l => l.IsPending);

        public IEnumerable<string> AskedUrls => _asked.Select(u => u.ToString()).Distinct();

        public int AskedOf(string node) => _asked.Count(u => u.Host == node);

        public void Change(string node, Func<ClusterDocument, ClusterDocument> change) => _documents[node] = change(_documents[node]);

        public void Lead(string leader, long term, string? except = null)
        {
            foreach (var node in _documents.Keys.Where(n => n != except))
                _documents[node] = Document(node, leader, term, ["n1", "n2", "n3"]);
        }

        public void Remove(string node)
        {
            foreach (var other in _documents.Keys)
                Change(other, d => d with { Nodes = [.. d.Nodes.Where(n => n.Id != node)] });
        }

        /// <summary>The next question to it waits.</summary>
        public Late Freeze(string node)
        {
            var late = _frozen[node] = new Late();
            _late.Enqueue(late);
            return late;
        }

        public void Down(string node) => _down[node] = true;

        public void Up(string node) => _down[node] = false;

        public Task<ClusterDocument> ClusterAsync(Uri api, CancellationToken cancellationToken)
        {
            _asked.Enqueue(api);
            if (_frozen.TryRemove(api.Host, out var late))
                return late.Ask();
            return _down.GetValueOrDefault(api.Host) ? Task.FromException<ClusterDocument>(new NodeSilentException("down")) : Task.FromResult(_documents[api.Host]);
        }

        public ConcurrentDictionary<string, ReadIndexDocument> ReadIndexes { get; } = new();

        public Task<ReadIndexDocument> ReadIndexAsync(Uri api, CancellationToken cancellationToken) =>
            ReadIndexes.TryGetValue(api.Host, out var index)
                ? Task.FromResult(index)
                : Task.FromException<ReadIndexDocument>(new NodeSilentException($"{api.Host} has no majority"));

        public HiddenViews Names { get; set; } = HiddenViews.None;

        public int NamesAsked => _namesAsked;

        private int _namesAsked;

        public Task<HiddenNamesDocument> HiddenNamesAsync(Uri api, CancellationToken cancellationToken)
        {
            _ = Interlocked.Increment(ref _namesAsked);
            return Task.FromResult(HiddenNames.Document(Names));
        }

        public Task<IReadOnlyList<byte[]>> AccountHashesAsync(Uri api, string user, CancellationToken cancellationToken) => throw new NotSupportedException();

        private static ClusterDocument Document(string node, string leader, long term, string[] members) => new(
            "prod", "the id", "consistent", term, leader, 100, node, [],
            [.. members.Select(m => new MemberReport
            {
                Id = m, Api = $"{m}:8080", Proxy = $"10.0.0.{m[1]}:3307", Role = m == leader ? "LEADER" : "FOLLOWER", Status = "ACTIVE", AppliedLsn = 100, LagEntries = 0,
            })])
        {
            AcceptsWrites = node == leader,
            ServesReads = node != leader,
        };
    }
}
