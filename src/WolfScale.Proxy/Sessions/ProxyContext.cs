using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using WolfScale.Protocol;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy.Sessions;

/// <summary>What all sessions of a proxy share.</summary>
internal sealed class ProxyContext(ProxyOptions options, IClusterRoutes routes, IQuorumGate gate, IAccountSecrets accounts, ProxyCounters counters, ILogger logger, Action<ClientSession> ended)
{
    private const uint FirstOwnId = 1 << 30;

    private readonly ConcurrentDictionary<uint, ClientSession> _sessions = new();
    private readonly ConcurrentDictionary<ClientSession, EventLoop> _all = new();
    private uint _ownIds = (uint)Random.Shared.Next(); // elsewhere in each proxy: KILL asks all of them who was greeted with an id
    private uint _turn;

    /// <summary>Swapped whole where they change; what a session has begun with them goes on.</summary>
    public ProxyOptions Options { get => Volatile.Read(ref options); set => Volatile.Write(ref options, value); }

    public IClusterRoutes Routes => routes;

    public IQuorumGate Gate => gate;

    public IAccountSecrets Accounts => accounts;

    public ProxyCounters Counters => counters;

    /// <summary>Tells proxies without a node apart.</summary>
    public ulong ProxyId { get; } = (ulong)Random.Shared.NextInt64(1, long.MaxValue);

    public HopHosts HopHosts { get; } = new();

    /// <summary>The packet with which the last server greeted, for greetings of the proxy's own; null until one has.</summary>
    public byte[]? LastGreeting { get; set; }

    /// <summary>The proxy has given it, and no server.</summary>
    public static bool IsOwnId(uint id) => id >= FirstOwnId;

    /// <summary>An id for a client that no server has greeted yet.</summary>
    public uint Register(ClientSession session) => Register(session, NextOwnId());

    /// <summary>
    /// A client is greeted: from here on it knows itself by this id. It is that of its connection on the server, unless a client that was greeted by another
    /// leader has the same: then one that no server has given yet.
    /// </summary>
    public uint Register(ClientSession session, uint id)
    {
        while (!_sessions.TryAdd(id, session))
            id = NextOwnId();
        return id;
    }

    private uint NextOwnId() => FirstOwnId + (Interlocked.Increment(ref _ownIds) % FirstOwnId);

    /// <summary>A client is there.</summary>
    public void Begun(ClientSession session, EventLoop loop) => _all[session] = loop;

    /// <summary>On this loop's thread: its sessions need not wait for the old leader any more.</summary>
    public void TellOfAnotherLeader(EventLoop loop)
    {
        foreach (var (session, its) in _all)
        {
            if (its == loop)
                session.OnAnotherLeads();
        }
    }

    /// <summary>On this loop's thread: how many of its sessions are <see cref="ClientSession.IsUndecided"/>.</summary>
    public int CountUndecided(EventLoop loop) => _all.Count(entry => entry.Value == loop && entry.Key.IsUndecided);

    /// <summary>The session of the client that was greeted with this id, or null.</summary>
    public ClientSession? Find(uint clientId) => _sessions.GetValueOrDefault(clientId);

    /// <summary>The connections with which proxies without a node serve clients of this user whom they have greeted with this id. KILL is rare: they are all looked through.</summary>
    public IEnumerable<ClientSession> FindServing(uint clientId, string user) => _all.Where(entry => entry.Key.Serves(clientId, user)).Select(entry => entry.Key);

    /// <summary>For a choice among equals.</summary>
    public uint NextTurn() => Interlocked.Increment(ref _turn);

    /// <summary>This reader's node says nothing any more: sessions that wait for it ask another.</summary>
    public void Abandon(string reader)
    {
        foreach (var session in _sessions.Values)
            session.Abandon(reader);
    }

    /// <summary>A session is over; it takes itself off the books.</summary>
    public void Ended(ClientSession session)
    {
        _ = _sessions.TryRemove(KeyValuePair.Create(session.ClientId, session));
        _ = _all.TryRemove(session, out _);
        ended(session);
    }

    public void TlsFailed(string reason) => ProxyLog.TlsFailed(logger, reason);

    public void CompressionFailed(string reason) => ProxyLog.CompressionFailed(logger, reason);

    /// <summary>A session ends because of this.</summary>
    public void Report(Exception fault)
    {
        if (fault is ProtocolException)
            ProxyLog.NotUnderstood(logger, fault.Message);
        else
            ProxyLog.Fault(logger, fault);
    }
}
