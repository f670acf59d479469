using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Transport;

namespace WolfScale.Cluster.Discovery;

/// <summary>
/// Finds the nodes of one cluster on the networks of this machine, and lets them find this one.
/// <code>
///   every 2 s, or when somebody new is heard: 1 open what is missing ─▶ 2 look up the networks ─▶ 3 send the beacon to each
///   every packet: 1 size, form, signature ─▶ 2 own? ─▶ 3 fresh and newer than all before? ─▶ 4 remembered, News
/// </code>
/// It gives addresses only. What a packet costs is bounded: some microseconds, no memory, at most one line of log a minute for all strangers together.
/// </summary>
public sealed class DiscoveryService : IAsyncDisposable
{
    /// <summary>Between two beacons.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>Between a beacon and one that answers somebody new.</summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan LogPeriod = TimeSpan.FromMinutes(1);

    /// <summary>After so many packets there is a pause, and what comes too quickly is dropped by the kernel: a flood takes about one percent of a processor.</summary>
    private const int PacketsInARow = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly DiscoveryOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly BeaconSeal _seal;
    private readonly LogThrottle _throttle;
    private readonly BeaconTable _table = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<AddressFamily, DiscoverySocket> _sockets = [];

    /// <summary>Founders that have heard this process: they cannot be recordings of an earlier time.</summary>
    private readonly HashSet<Guid> _answering = [];

    private readonly List<Task> _receiving = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly long[] _refused = new long[Enum.GetValues<BeaconRefusal>().Length];
    private Task _sending = Task.CompletedTask;
    private TaskCompletionSource _hurry = NewSignal();
    private TaskCompletionSource _news = NewSignal();
    private volatile Beacon? _self;
    private string _targets = "";
    private long _sentMs;
    private bool _disposed;

    /// <summary>It begins with <see cref="Start"/>.</summary>
    public DiscoveryService(DiscoveryOptions options, ILogger logger, TimeProvider time)
    {
        (_options, _logger, _time) = (options, logger, time);
        _seal = new BeaconSeal(options.Secret, options.ClusterName);
        _throttle = new LogThrottle(time, LogPeriod);
    }

    /// <summary>Somebody new was heard, or somebody says something new. Raised on the receiving thread; must be short.</summary>
    public event Action? News;

    /// <summary>Who is heard now, without this node.</summary>
    public ImmutableArray<Beacon> Heard
    {
        get
        {
            lock (_lock)
                return _table.Live(NowMs);
        }
    }

    private long NowMs => _time.GetTimestamp() / (_time.TimestampFrequency / 1000);

    /// <summary>Whether it has answered this process, which founds: then it lives.</summary>
    public bool HasAnswered(Beacon founder)
    {
        lock (_lock)
            return _answering.Contains(founder.Instance);
    }

    /// <summary>Begins to listen, and to send where there is something to say.</summary>
    public void Start()
    {
        DiscoveryLog.Started(_logger, _options.Bind.Port, _options.ClusterName);
        OpenMissing();
        _sending = Task.Run(SendAsync);
    }

    /// <summary>What this node calls out from now on, at once for the first time; null: it only listens.</summary>
    public void Announce(Beacon? self)
    {
        if (_self == self)
            return;
        _self = self;
        _hurry.TrySetResult();
    }

    /// <summary>The nodes through which a cluster is reached: the own one's members; before there is an own one, those of the only cluster that is heard.</summary>
    /// <param name="own">The own cluster's id, or all zeros.</param>
    public ImmutableArray<Beacon> Members(Guid own)
    {
        var members = Heard.RemoveAll(b => !b.IsMember);
        var clusters = members.Select(b => b.ClusterId).Append(own).Where(id => id != Guid.Empty).Distinct().ToList();
        if (clusters.Count > 1 && _throttle.Allow("clusters", out var suppressed))
        {
            DiscoveryLog.SeveralClusters(
                _logger, string.Join("; ", members.GroupBy(b => b.ClusterId).Select(g => $"{g.Key} ({string.Join(", ", g.Select(b => $"{b.NodeId} at {b.ClusterAddress}"))})")),
                TransportLog.More(suppressed));
        }
        if (own == Guid.Empty && clusters.Count > 1)
            return []; // which one is meant is for a person to say
        return own == Guid.Empty ? members : members.RemoveAll(b => b.ClusterId != own);
    }

    /// <summary>Waits until somebody is heard who is sought.</summary>
    /// <returns>Null where nobody was within <paramref name="patience"/>.</returns>
    public async Task<Beacon?> FindAsync(Func<Beacon, bool> sought, TimeSpan patience, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            var news = Volatile.Read(ref _news).Task; // before the look: what comes after it wakes
            if (Heard.FirstOrDefault(sought) is { } found)
                return found;
            var rest = patience - _time.GetElapsedTime(began);
            if (rest <= TimeSpan.Zero)
                return null;
            await news.WaitAsync(rest, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        await _stopping.CancelAsync();
        await _sending;
        DiscoverySocket[] sockets;
        lock (_lock)
        {
            sockets = [.. _sockets.Values];
            _sockets.Clear();
        }
        foreach (var socket in sockets)
            socket.Dispose();
        await Task.WhenAll(_receiving);
        _stopping.Dispose();
    }

    /// <summary>How many packets were refused for this reason.</summary>
    internal long Refused(BeaconRefusal reason) => Volatile.Read(ref _refused[(int)reason]);

    private async Task SendAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var hurry = _hurry = NewSignal();
            try
            {
                SendToAll();
            }
            catch (Exception e)
            {
                // The list of interfaces changes while it is read: no reason to be found by nobody from then on.
                if (_throttle.Allow("send", out var suppressed))
                    DiscoveryLog.Failed(_logger, e.Message, TransportLog.More(suppressed));
            }
            await Task.Delay(ShortestInterval, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await hurry.Task.WaitAsync(Interval - ShortestInterval, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void SendToAll()
    {
        OpenMissing();                                                                          // 1
        var targets = LocalNetworks.Targets(_options.Bind.Address);                             // 2
        var names = string.Join(", ", targets);
        if (names != _targets)
            DiscoveryLog.Targets(_logger, _targets = names);
        DiscoverySocket[] sockets;
        lock (_lock)
            sockets = [.. _sockets.Values];
        foreach (var socket in sockets)
            socket.Join(targets);
        if (_self is not { } self)
            return;
        _sentMs = NextTime(ClockMs(), _sentMs);
        var packet = _seal.Seal(self, _sentMs, self.Founding ? [.. Heard.Where(b => b.Founding).Select(b => b.Instance)] : []);
        foreach (var socket in sockets)                                                         // 3
        {
            foreach (var target in targets.Where(t => t.AddressFamily == socket.Family))
                socket.Send(packet, target, _options.Bind.Port);
        }
    }

    /// <summary>
    /// What the next beacon says of its time. Never the same twice, also when the clock is set back a little: receivers take only what is newer. A clock that was set back by more than they believe had made
    /// all beacons until now invalid, and to go on from there would keep this node from being found until the time comes round again: it begins anew at the right time. Who had the same wrong clock forgets the
    /// old time after two minutes.
    /// </summary>
    internal static long NextTime(long clockMs, long lastMs) =>
        lastMs - clockMs > (long)BeaconTable.Window.TotalMilliseconds ? clockMs : Math.Max(clockMs, lastMs + 1);

    private void OpenMissing()
    {
        if (!_sockets.ContainsKey(AddressFamily.InterNetwork))
            Open(AddressFamily.InterNetwork);
        if (!_sockets.ContainsKey(AddressFamily.InterNetworkV6) && Socket.OSSupportsIPv6)
            Open(AddressFamily.InterNetworkV6);
    }

    private void Open(AddressFamily family)
    {
        try
        {
            var socket = new DiscoverySocket(family, _options.Bind.Port);
            lock (_lock)
                _sockets.Add(family, socket);
            _receiving.Add(Task.Run(() => ReceiveAsync(socket)));
        }
        catch (SocketException e) when (family == AddressFamily.InterNetwork || e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            if (_throttle.Allow($"port {family}", out _))
                DiscoveryLog.PortFailed(_logger, _options.Bind.Port, family == AddressFamily.InterNetwork ? "IPv4" : "IPv6", e.Message);
        }
        catch (SocketException)
        {
            // IPv6 is switched off on this machine: IPv4 does.
        }
    }

    private async Task ReceiveAsync(DiscoverySocket socket)
    {
        var buffer = new byte[BeaconSeal.MaxBytes + 1];
        for (var taken = 1; !_stopping.IsCancellationRequested; taken++)
        {
            try
            {
                var (length, from) = await socket.ReceiveAsync(buffer, _stopping.Token);
                if (length >= 0)
                    Take(buffer.AsSpan(0, length), from);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (Exception e)
            {
                if (_throttle.Allow("receive", out var suppressed))
                    DiscoveryLog.Failed(_logger, e.Message, TransportLog.More(suppressed));
            }
            if (taken % PacketsInARow == 0)
                await Task.Delay(Pause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Take(ReadOnlySpan<byte> packet, EndPoint from)
    {
        var (isNews, isAnswer) = (false, false);
        var self = _self;
        var refusal = _seal.Open(packet, self?.Instance ?? Guid.Empty, out var beacon, out var sentMs, out var answers); // 1
        if (refusal == BeaconRefusal.None)
        {
            if (beacon.Instance == self?.Instance)
                return;                                                                         // 2
            lock (_lock)
            {
                refusal = _table.Take(beacon, sentMs, ClockMs(), NowMs, out isNews);            // 3
                isAnswer = refusal == BeaconRefusal.None && answers && self!.Founding && _answering.Add(beacon.Instance);
            }
        }
        if (refusal != BeaconRefusal.None)
        {
            Interlocked.Increment(ref _refused[(int)refusal]);
            Explain(refusal, beacon, sentMs, from);
            return;
        }
        if (!isNews && !isAnswer)
            return;
        if (isNews)
        {
            DiscoveryLog.Discovered(                                                            // 4
                _logger, beacon.NodeId, beacon.ClusterAddress,
                beacon.IsMember ? $"of cluster {beacon.ClusterId}" : beacon.Founding ? "which wants to found a cluster" : "which is in no cluster yet");
        }

        _hurry.TrySetResult(); // so that it hears of this node as well
        Interlocked.Exchange(ref _news, NewSignal()).TrySetResult();
        News?.Invoke();
    }

    /// <summary>One subject for all strangers together: senders' addresses can be made up, and must not multiply the lines.</summary>
    private void Explain(BeaconRefusal refusal, Beacon? beacon, long sentMs, EndPoint from)
    {
        if (refusal == BeaconRefusal.OutOfTime)
        {
            if (_throttle.Allow("clocks", out var alike))
                DiscoveryLog.ClocksDiffer(_logger, beacon!.NodeId, beacon.ClusterAddress, Math.Abs(sentMs - ClockMs()) / 1000, TransportLog.More(alike));
        }
        else if (refusal != BeaconRefusal.Repeated && _throttle.Allow("strangers", out var suppressed))
        {
            DiscoveryLog.Strangers(_logger, _options.Bind.Port, from.ToString() ?? "", Name(refusal), TransportLog.More(suppressed));
        }
    }

    private static string Name(BeaconRefusal refusal) => refusal switch
    {
        BeaconRefusal.Size => "its length is that of no beacon",
        BeaconRefusal.Format => "it is no beacon of this version",
        _ => "the signature is another's",
    };

    private long ClockMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
