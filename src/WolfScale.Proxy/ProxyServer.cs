using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Protocol;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Proxy;

/// <summary>The MySQL proxy: listens, gives each client a session on one of the event loops, and keeps their number.</summary>
public sealed class ProxyServer : IDisposable
{
    private const int Backlog = 4096;

    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(5);

    private readonly Socket _listener;
    private readonly EventLoop[] _loops;
    private readonly BackendPool[]? _pools;
    private readonly ProxyContext _context;
    private readonly Acceptor _acceptor;
    private readonly TimeProvider _time;
    private int _sessions;

    /// <summary>Listens from here on.</summary>
    /// <exception cref="SocketException">The address cannot be used.</exception>
    public ProxyServer(ProxyOptions options, IClusterRoutes routes, IQuorumGate gate, IAccountSecrets accounts, ILoggerFactory loggers, TimeProvider time)
    {
        var logger = loggers.CreateLogger("WolfScale.Proxy");
        _time = time;
        _listener = new Socket(options.BindAddress.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            _listener.Bind(options.BindAddress);
            _listener.Listen(Backlog);
        }
        catch (SocketException)
        {
            _listener.Dispose();
            throw;
        }

        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _loops = [.. Enumerable.Range(1, options.Loops).Select(i => new EventLoop($"proxy-{i}", time, fault => ProxyLog.Fault(logger, fault)))];
        _context = new ProxyContext(options, routes, gate, accounts, new ProxyCounters([.. _loops.Select(l => l.Meter)]), logger, _ => Interlocked.Decrement(ref _sessions));
        if (options.PoolConnections > 0)
            _pools = [.. _loops.Select(l => new BackendPool(l, Math.Max(1, options.PoolConnections / _loops.Length)))];
        _acceptor = new Acceptor(this, (int)_listener.Handle, logger);
        _loops[0].Post(() => _loops[0].Watch((int)_listener.Handle, _acceptor));
        _loops[0].Post(new LeaderWatch(_context, _loops).Look);
        ProxyLog.Listening(logger, Address);
    }

    public IPEndPoint Address { get; }

    public ProxyCounters Counters => _context.Counters;

    /// <summary>The options in force.</summary>
    public ProxyOptions Options => _context.Options;

    /// <summary>
    /// Takes over other options, but for the address, the loops and the pool's size: limits and waits count from the next statement on, what a session begins with (TLS, consistency) from the next session on.
    /// </summary>
    public void Reconfigure(ProxyOptions options)
    {
        var now = _context.Options;
        _context.Options = options with { BindAddress = now.BindAddress, Loops = now.Loops, PoolConnections = now.PoolConnections, StandsAlone = now.StandsAlone, Traces = now.Traces };
    }

    /// <summary>Clients at this moment.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    /// <summary>What <c>SELECT @wolfscale_last_gtid</c> would answer to a client of this process, without the way there and back. To be asked by that client, between its commands.</summary>
    /// <param name="clientId">The connection's id, as the client was greeted.</param>
    /// <param name="gtid">The transaction that its last statement committed; null where that wrote nothing.</param>
    /// <returns>False: there is no such client.</returns>
    public bool TryFindLastGtid(uint clientId, out Gtid? gtid)
    {
        var session = _context.Find(clientId);
        gtid = session?.Told;
        return session is not null;
    }

    /// <summary>For a KILL that comes through another proxy: the clients that were greeted with this id, here or by a proxy without a node that leads them here, and have logged in as this user. From any thread.</summary>
    public IReadOnlyList<ClientPlace> FindClients(uint clientId, string user) => [.. Clients(clientId, user).Select(client => client.PlaceForKill())];

    /// <summary>What these clients have running on a reader ends; with <paramref name="session"/> this node's own client's session, too. From any thread.</summary>
    public void EndClients(uint clientId, string user, bool session)
    {
        foreach (var client in Clients(clientId, user))
            client.EndFromElsewhere(session);
    }

    /// <summary>The node of this reader does not answer, or not in time: whoever waits for a read there asks elsewhere.</summary>
    public void Abandon(string reader) => _context.Abandon(reader);

    /// <summary>
    /// For a planned switchover, once the server beside this proxy takes no more writes and none are sent to it: waits until clients have been told what became of those under way. What
    /// the server refused now is sent again when another leads; cut off unanswered, its outcome would not be known.
    /// </summary>
    /// <param name="limit">Not longer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when the time was up.</returns>
    public async Task<bool> SettleAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        while (await CountUndecidedAsync(cancellationToken) > 0)
        {
            if (_time.GetElapsedTime(began) > limit)
                return false;
            await Task.Delay(SettlePause, _time, cancellationToken);
        }

        return true;
    }

    /// <summary>Completes when each of the event loops has come to it: proof that none of them hangs.</summary>
    public Task PassAsync(CancellationToken cancellationToken) => Task.WhenAll(_loops.Select(loop =>
    {
        var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(passed.SetResult);
        return passed.Task;
    })).WaitAsync(cancellationToken);

    public void Dispose()
    {
        foreach (var loop in _loops)
            loop.Dispose(); // the first one, which accepts, first
        _listener.Dispose(); // not before: its loop may be about to watch it
    }

    /// <summary>How much the event loops have to do later: it grows with the number of sessions, not with what they do.</summary>
    internal Task<int> CountTimersAsync(CancellationToken cancellationToken) => SumAsync(loop => loop.TimersLeft, cancellationToken);

    private IEnumerable<ClientSession> Clients(uint clientId, string user)
    {
        var served = _context.FindServing(clientId, user);
        return _context.Find(clientId) is { } own && own.IsClientOf(user) ? served.Prepend(own) : served;
    }

    private Task<int> CountUndecidedAsync(CancellationToken cancellationToken) => SumAsync(_context.CountUndecided, cancellationToken);

    private async Task<int> SumAsync(Func<EventLoop, int> number, CancellationToken cancellationToken)
    {
        var numbers = await Task.WhenAll(_loops.Select(loop =>
        {
            var count = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(() => count.SetResult(number(loop)));
            return count.Task;
        })).WaitAsync(cancellationToken);
        return numbers.Sum();
    }

    /// <summary>Takes the clients in, one after the other, and shares them out.</summary>
    private sealed class Acceptor(ProxyServer server, int listener, ILogger logger) : IEventHandler
    {
        private int _next;

        public void OnReady(bool readable, bool ended, bool writable)
        {
            while (true)
            {
                var descriptor = Libc.Accept(listener);
                if (descriptor == -Libc.Eagain)
                    return;
                if (descriptor < 0)
                {
                    ProxyLog.AcceptFailed(logger, Libc.Describe(-descriptor));
                    // Edge-triggered: without another look, who waits in the queue would wait for the next one to come.
                    _ = server._loops[0].After(100, () => OnReady(true, false, false));
                    return;
                }

                Libc.SetNoDelay(descriptor);
                Begin(descriptor);
            }
        }

        public void OnFault(Exception fault) => ProxyLog.Fault(logger, fault);

        private void Begin(int descriptor)
        {
            if (Interlocked.Increment(ref server._sessions) > server._context.Options.MaxConnections)
            {
                _ = Interlocked.Decrement(ref server._sessions);
                server.Counters.Refused.Increment();
                Refuse(descriptor, ProxyErrors.TooManyConnections);
                return;
            }

            var index = _next++ % server._loops.Length;
            var loop = server._loops[index];
            var pool = server._pools?[index];
            loop.Post(() => new ClientSession(server._context, loop, pool, descriptor).Start());
        }

        private void Refuse(int descriptor, ErrPacket error)
        {
            var writer = server._loops[0].Writer;
            writer.Clear();
            writer.Sequence = 0;
            error.Write(writer);
            _ = Libc.Send(descriptor, writer.Written.Span);
            Libc.Close(descriptor);
        }
    }
}
