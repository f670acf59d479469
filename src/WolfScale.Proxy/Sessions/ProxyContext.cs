using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using WolfScale.Protocol;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy.Sessions;

/// <summary>What all sessions of a proxy share.</summary>
internal sealed class ProxyContext(ProxyOptions options, IClusterRoutes routes, IQuorumGate gate, IAccountSecrets accounts, ILogger logger, Action<ClientSession> ended)
{
    private readonly ConcurrentDictionary<uint, ClientSession> _sessions = new();

    public ProxyOptions Options => options;

    public IClusterRoutes Routes => routes;

    public IQuorumGate Gate => gate;

    public IAccountSecrets Accounts => accounts;

    public ProxyCounters Counters { get; } = new();

    /// <summary>A client is logged in, and knows itself by its id.</summary>
    public void LoggedIn(ClientSession session) => _sessions[session.ClientId] = session;

    /// <summary>The session of the client that was greeted with this id, or null.</summary>
    public ClientSession? Find(uint clientId) => _sessions.GetValueOrDefault(clientId);

    /// <summary>A session is over; it takes itself off the books.</summary>
    public void Ended(ClientSession session)
    {
        _ = _sessions.TryRemove(KeyValuePair.Create(session.ClientId, session));
        ended(session);
    }

    public void TlsFailed(string reason) => ProxyLog.TlsFailed(logger, reason);

    /// <summary>A session ends because of this.</summary>
    public void Report(Exception fault)
    {
        if (fault is ProtocolException)
            ProxyLog.NotUnderstood(logger, fault.Message);
        else
            ProxyLog.Fault(logger, fault);
    }
}
