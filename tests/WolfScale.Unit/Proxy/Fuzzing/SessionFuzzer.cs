using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Unit.Proxy.Fuzzing;

/// <summary>
/// Real sessions on a real loop, and both of their sides are played on the loop's own thread: between two steps the loop looks once at its sockets. So there is
/// no waiting, the clock is the fuzzer's, and it is known in which phase a session is when a damaged packet is sent to it.
/// <code>
///   client ── pair ── session ── unix sockets ── leader's server, local server
///      commands, some of them damaged              answers, some of them damaged
/// </code>
/// After each round a session that is idle must still be in step: a ping is answered by its own pong and nothing else. In the end both sides hang up, and it must be over.
/// </summary>
internal sealed partial class SessionFuzzer : IDisposable, IClusterRoutes, IQuorumGate, IAccountSecrets, ILogger, IEventHandler
{
    private const int FailoverWaitMs = 500;
    private const int MostAllocated = 16 << 20; // by one step, for a packet of some KB
    private static readonly SessionPhase[] Phases = [.. Enum.GetValues<SessionPhase>().Where(p => p != SessionPhase.Closed)];

    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<string> _defects = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TempFolder _folder = new("fuzz");
    private readonly Socket _leaderListener;
    private readonly Socket _localListener;
    private readonly EventLoop _loop;
    private readonly ProxyContext _context;
    private readonly (int Mine, int Loops) _ticks = Libc.CreatePair();
    private readonly Random _random;
    private readonly int _seed;
    private readonly long _wanted;
    private readonly long[] _counts = new long[(int)SessionPhase.Closed + 1];
    private readonly List<(FuzzPeer Peer, bool IsLeader)> _servers = [];
    private readonly IEnumerator<int> _story;
    private readonly byte[] _hash = SHA1.HashData(SHA1.HashData("secret"u8));
    private Routes _current;
    private FuzzPeer _client = null!;
    private ClientSession _session = null!;
    private long _sessions;
    private long _ended;
    private bool _isPlain; // the servers refuse nothing
    private bool _mayCompress; // a damaged login may ask for anything
    private int _pongs;
    private long _heard; // by the servers
    private int _damageServer; // one in so many of its answers; 0: none
    private bool _silent; // the servers do not answer, whatever they hear
    private long _allocated;
    private (SessionPhase Phase, string Who, byte[] Said) _lastDamage = (SessionPhase.Connecting, "nobody", []);

    public SessionFuzzer(int seed, long packets)
    {
        (_seed, _wanted, _random) = (seed, packets, new Random(seed));
        _leaderListener = Listen("leader");
        _localListener = Listen("local");
        _current = new Routes(1, _leaderListener.LocalEndPoint, true, "n1", []);
        var options = new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), FailoverWaitMs = FailoverWaitMs };
        _loop = new EventLoop("fuzz", _time, fault => _defects.Enqueue(fault.ToString()));
        _context = new ProxyContext(options, this, this, this, new ProxyCounters([_loop.Meter]), this, _ => _ended++);
        _story = Story().GetEnumerator();
    }

    public long Total { get; private set; }

    public long Sessions => _sessions;

    /// <summary>Damaged packets that were sent to a session, by the phase it was in.</summary>
    public IReadOnlyDictionary<SessionPhase, long> Counts => Phases.ToDictionary(p => p, p => _counts[(int)p]);

    /// <summary>The most that one step has allocated, in bytes.</summary>
    public long MostBytes { get; private set; }

    public long Checked { get; private set; }

    Routes IClusterRoutes.Current => _current;

    private string LastDamage => $"{_lastDamage.Phase}: the {_lastDamage.Who} says {Convert.ToHexStringLower(_lastDamage.Said.AsSpan(0, Math.Min(_lastDamage.Said.Length, 400)))}";

    private Reader Own => new("n1", _localListener.LocalEndPoint!, new ReaderLoad());

    private QuorumAnswer Quorum { get; set; }

    /// <summary>Runs to the end, or to the first defect.</summary>
    public async Task RunAsync()
    {
        _loop.Post(() =>
        {
            _ = _loop.Watch(_ticks.Loops, this);
            _ = Libc.Send(_ticks.Mine, "."u8);
        });
        for (var before = -1L; !_done.Task.IsCompleted; before = Total + _sessions)
        {
            _ = await Task.WhenAny(_done.Task, Task.Delay(TimeSpan.FromSeconds(30)));
            Assert.True(_done.Task.IsCompleted || before != Total + _sessions, $"seed {_seed}: it hangs: {LastDamage}");
        }

        await _done.Task;
        Assert.True(_defects.IsEmpty, $"seed {_seed}, after {Total} packets, {LastDamage}: {string.Join('\n', _defects.Take(3))}");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"seed {_seed}: {Total} damaged packets to {_sessions} sessions, {Checked} times in step; the most that one step allocated: {MostBytes >> 10} KB; {string.Join(", ", Counts.Select(c => $"{c.Key} {c.Value}"))}");

    public void Dispose()
    {
        _loop.Dispose();
        _leaderListener.Dispose();
        _localListener.Dispose();
        Libc.Close(_ticks.Mine);
        Libc.Close(_ticks.Loops);
        _folder.Dispose();
    }

    /// <summary>The loop has looked at everything that was there before: one step of the story.</summary>
    void IEventHandler.OnReady(bool readable, bool ended, bool writable)
    {
        _ = Libc.Receive(_ticks.Loops, new byte[8]); // less than it holds: the next one raises an edge of its own
        try
        {
            var now = GC.GetAllocatedBytesForCurrentThread();
            MostBytes = Math.Max(MostBytes, _allocated == 0 ? 0 : now - _allocated);
            if (MostBytes > MostAllocated)
                Fail($"one step has allocated {MostBytes} bytes");
            var goesOn = _defects.IsEmpty && _story.MoveNext();
            _allocated = GC.GetAllocatedBytesForCurrentThread();
            if (goesOn)
                _ = Libc.Send(_ticks.Mine, "."u8);
            else
                _done.TrySetResult();
        }
        catch (Exception e)
        {
            _defects.Enqueue(e.ToString());
            _done.TrySetResult();
        }
    }

    void IEventHandler.OnFault(Exception fault) => Fail(fault.ToString());

    Task<Gtid?> IClusterRoutes.ReadIndexAsync() => Task.FromResult<Gtid?>(new Gtid(0, 1, 5));

    QuorumAnswer IQuorumGate.Ask(Gtid gtid, long epoch, int closings) => Quorum;

    Task<bool> IQuorumGate.LogsAsync() => Task.FromResult(true);

    void IAccountSecrets.Remember()
    {
    }

    Task<IReadOnlyList<byte[]>> IAccountSecrets.NativeHashesAsync(string user) => Task.FromResult<IReadOnlyList<byte[]>>(user == "app" ? [_hash] : []);

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
            Fail($"{formatter(state, exception)}: {exception}");
    }

    private Socket Listen(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder.Path, name)));
        socket.Listen(64);
        return socket;
    }

    private void Fail(string what) => _defects.Enqueue(what);

    private IEnumerable<int> Story()
    {
        while (Total < _wanted)
        {
            foreach (var step in Begin())
                yield return step;
            for (var round = 0; round < 30 && _session.Phase == SessionPhase.Idle; round++)
            {
                var least = Phases.MinBy(p => _counts[(int)p]);
                foreach (var step in Round(_random.Next(3) == 0 ? Phases[_random.Next(Phases.Length)] : least))
                    yield return step;
                if (_session.Phase != SessionPhase.Idle || !_client.IsAtBoundary || _mayCompress)
                    break;
                foreach (var step in Check())
                    yield return step;
            }

            foreach (var step in End())
                yield return step;
        }
    }

    /// <summary>A client connects and logs in; one in some does so among damaged packets.</summary>
    private IEnumerable<int> Begin()
    {
        var (mine, its) = Libc.CreatePair();
        _sessions++;
        _client = new FuzzPeer(mine);
        _current = _current with { Epoch = 1, LeaderIsHere = _random.Next(2) == 0, Readers = _random.Next(2) == 0 ? [Own] : [] };
        (Quorum, _silent, _damageServer) = (QuorumAnswer.Held, false, _random.Next(4) == 0 ? 1 + _random.Next(4) : 0);
        _session = new ClientSession(_context, _loop, pool: null, its);
        _session.Start();
        _mayCompress = false;
        if (_random.Next(6) == 0)
        {
            _silent = true;
            foreach (var step in Settle(2))
                yield return step;
            if (_random.Next(2) == 0)
            {
                Damage(_client, FuzzAnswers.Login(ProxyKit.Classic)); // before it was greeted
                _mayCompress = true; // the damage may ask for it
            }

            foreach (var (peer, _) in _servers)
                Damage(peer, FuzzAnswers.Greeting());
            _silent = false;
        }

        foreach (var step in Settle(3))
            yield return step;
        var login = FuzzAnswers.Login(_random.Next(2) == 0 ? ProxyKit.Classic : ProxyKit.Everything & ~Capabilities.Compress);
        var how = _random.Next(8);
        for (var n = how == 0 ? _random.Next(4) : -1; n >= 0; n--)
            DamageServers(RawPeer.Packet(2, RawPeer.Ok())); // out of turn
        _mayCompress |= how == 1;
        if (how == 1)
            Damage(_client, login);
        else
            _client.Send(login);
        foreach (var step in Settle(how == 2 ? 1 : 6))
            yield return step;
    }

    /// <summary>Something that takes an idle session into this phase, and damaged packets there.</summary>
    private IEnumerable<int> Round(SessionPhase phase)
    {
        _client.Pull();
        _client.Discard();
        (_damageServer, _silent) = (0, false);
        switch (phase)
        {
            case SessionPhase.Idle:
                for (var n = _random.Next(6); n >= 0; n--)
                    Damage(_client, FuzzAnswers.Command(_random));
                if (_random.Next(10) == 0)
                    DamageServers(RawPeer.Packet(0, [0xFF, 0x87, 7, .. "#70100Connection was killed"u8]));
                break;
            case SessionPhase.SendingFile or SessionPhase.Answering:
                _silent = true;
                var command = phase == SessionPhase.SendingFile ? FuzzAnswers.Query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t") : FuzzAnswers.Command(_random);
                _client.Send(command);
                foreach (var step in Settle(2))
                    yield return step;
                if (phase == SessionPhase.SendingFile)
                {
                    Leader()?.Send(RawPeer.Packet(1, 0xFB, (byte)'f'));
                    foreach (var step in Settle(2))
                        yield return step;
                    for (var n = _random.Next(4); n >= 0; n--)
                        Damage(_client, RawPeer.Packet((byte)(2 + n), Mutator.Bytes(_random, _random.Next(20))));
                    _client.Send(RawPeer.Packet(9));
                    foreach (var step in Settle(2))
                        yield return step;
                }

                if (FuzzAnswers.Answer(command.AsSpan(4), _random) is { } answer)
                    DamageServers(answer);
                if (_random.Next(4) == 0)
                    Damage(_client, FuzzAnswers.Command(_random));
                break;
            case SessionPhase.AwaitingQuorum:
                (_silent, Quorum) = (true, QuorumAnswer.NotYet);
                _client.Send(FuzzAnswers.Query("INSERT INTO t VALUES (1); SELECT a FROM t FOR UPDATE"));
                foreach (var step in Settle(2))
                    yield return step;
                Leader()?.Send(RawPeer.Packet(1, RawPeer.Ok(TwoSidedAnswer.Variable("last_gtid", "0-1-42"), TwoSidedAnswer.More)));
                foreach (var step in Settle(2))
                    yield return step;
                for (var n = _random.Next(3); n >= 0; n--)
                    DamageServers(new TwoSidedAnswer(ProxyKit.Classic).Columns(1).EndOfRows().FromBackend);
                if (_random.Next(3) == 0)
                    Damage(_client, FuzzAnswers.Command(_random));
                foreach (var step in Settle(1))
                    yield return step;
                Quorum = (QuorumAnswer)new[] { 0, 2, 3 }[_random.Next(3)];
                break;
            default:
                foreach (var step in Prepare(phase))
                    yield return step;
                break;
        }

        foreach (var step in Settle(3))
            yield return step;
        (_silent, Quorum) = (false, QuorumAnswer.Held);
        foreach (var step in Resolve())
            yield return step;
    }

    /// <summary>What makes the proxy speak to servers on its own; their answers are damaged.</summary>
    private IEnumerable<int> Prepare(SessionPhase phase)
    {
        _damageServer = 1 + _random.Next(4);
        switch (phase == SessionPhase.Authenticating ? 0 : _random.Next(1, 5))
        {
            case 0:
                _silent = true;
                _client.Send(RawPeer.Packet(0, [0x11, .. "app\0"u8, 20, .. NativePassword.Scramble("secret", RawPeer.Salt), 0, 45, 0, .. "mysql_native_password\0"u8]));
                foreach (var step in Settle(2))
                    yield return step;
                for (var n = _random.Next(3); n >= 0; n--)
                    DamageServers(_random.Next(2) == 0 ? RawPeer.Packet(1, [0xFE, .. "mysql_native_password\0abcdefghijklmnopqrst\0"u8]) : RawPeer.Packet(1, RawPeer.Ok()));
                foreach (var step in Settle(1))
                    yield return step;
                Damage(_client, RawPeer.Packet(3, Mutator.Bytes(_random, 20)));
                _silent = false;
                break;
            case 1:
                _client.Send(RawPeer.Command(0x1F));
                break;
            case 2:
                _client.Send([.. FuzzAnswers.Query("SET @a=1"), .. FuzzAnswers.Query("SELECT @a"), .. FuzzAnswers.Query("INSERT INTO t VALUES (@a)")]);
                break;
            case 3:
                Leader()?.Dispose(); // the session moves
                _current = _current with { Epoch = _current.Epoch + 1 };
                foreach (var step in Settle(1))
                    yield return step;
                _client.Send(FuzzAnswers.Query("UPDATE t SET a=1"));
                break;
            default:
                _current = _current with { Readers = [Own] };
                _client.Send([.. FuzzAnswers.Query("SELECT a FROM t"), .. FuzzAnswers.Query("SELECT b FROM t")]);
                break;
        }
    }

    /// <summary>Time passes until the session has said what it has to say; a server that left its answer unfinished goes.</summary>
    private IEnumerable<int> Resolve()
    {
        for (var i = 0; i < 40 && _session.Phase is not (SessionPhase.Idle or SessionPhase.Closed); i++)
        {
            if (i == 10)
                _damageServer = 0;
            if (i == 12)
                HangUp();
            foreach (var step in Settle(2))
                yield return step;
            _time.Advance(TimeSpan.FromMilliseconds(i < 4 ? 1 : 50));
            AwaitPool(i);
        }
    }

    /// <summary>A ping is answered by its own pong, in one packet with the right number.</summary>
    private IEnumerable<int> Check()
    {
        _damageServer = 0;
        for (var (heard, quiet) = (0L, 0); quiet < 4; quiet = heard == _heard + _client.Received ? quiet + 1 : 0)
        {
            heard = _heard + _client.Received; // several commands may wait for one another
            foreach (var step in Settle(1))
                yield return step;
            _client.Pull();
        }

        if (_session.Phase != SessionPhase.Idle)
            yield break;
        _client.Discard();
        _isPlain = true; // a session that has to move must not fail at what it prepares there
        var before = _pongs;
        _client.Send(RawPeer.Command(0x0E));
        string? said = null;
        for (var i = 0; i < 200 && said is null && !_client.HasEnded; i++)
        {
            foreach (var step in Settle(1))
                yield return step;
            if (i > 20)
            {
                _time.Advance(TimeSpan.FromMilliseconds(20)); // it may have to move first
                AwaitPool(i);
            }

            _client.Pull();
            if (_client.TryTake(out var payload))
                said = System.Text.Encoding.Latin1.GetString(payload);
        }

        _isPlain = false;
        if (_client.HasEnded)
            yield break;
        Checked++;
        var text = said ?? "nothing";
        // A session that has found no leader says so, or that it cannot move.
        var isPong = _pongs == before + 1 && text.EndsWith($"pong {_pongs}", StringComparison.Ordinal);
        if (_client.LastSequence != 1 || !(isPong || (_pongs == before && text.Contains("WolfScale: ", StringComparison.Ordinal))) || _client.TryTake(out _))
            Fail($"out of step: a ping is answered with {text}, number {_client.LastSequence}, after {LastDamage}");
    }

    /// <summary>A damaged login may ask for compression: then the end of the client's connection comes through threads that this clock does not drive (seen on a busy machine).</summary>
    private static readonly TimeSpan PumpLimit = TimeSpan.FromSeconds(20);

    /// <summary>Whatever state it is in: when both sides have hung up it is over.</summary>
    private IEnumerable<int> End()
    {
        var clientFirst = _random.Next(2) == 0;
        if (clientFirst)
            _client.Dispose();
        HangUp();
        _silent = true;
        foreach (var step in Settle(1))
            yield return step;
        _client.Dispose();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; (i < 100 || clock.Elapsed < PumpLimit) && _session.Phase != SessionPhase.Closed; i++)
        {
            HangUp();
            foreach (var step in Settle(2))
                yield return step;
            if (i < 100)
                _time.Advance(TimeSpan.FromMilliseconds(i < 5 ? 1 : 200));
            AwaitPool(i);
        }

        HangUp();
        if (_session.Phase != SessionPhase.Closed || _ended != _sessions)
            Fail($"the session stays, {_session.Phase}, though both sides have hung up, after {LastDamage}");
        _time.Advance(TimeSpan.FromMilliseconds(20));
    }

    /// <summary>What the session has looked up comes over the pool's threads, in the order in which it was asked for.</summary>
    private static void AwaitPool(int round)
    {
        if (round % 4 != 3)
            return;
        using var reached = new ManualResetEventSlim();
        _ = ThreadPool.UnsafeQueueUserWorkItem(static e => e.Set(), reached, preferLocal: false);
        Assert.True(reached.Wait(TimeSpan.FromSeconds(20)));
    }

    private void HangUp()
    {
        Accept();
        foreach (var (peer, _) in _servers)
            peer.Dispose();
        _servers.Clear();
    }

    private IEnumerable<int> Settle(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            Serve();
            yield return 0;
        }
    }
}
