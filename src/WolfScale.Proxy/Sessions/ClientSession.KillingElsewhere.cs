using WolfScale.Protocol;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// KILL of another node's client, and by one. What runs on the leader's server is ended there, over the killer's own connection, as if the client were this proxy's. What runs on a reader only the client's own proxy
/// can end: it logs in there as the client, who has the same account as the killer.
/// <code>
///   client 17 ──▶ proxy without a node ──"17 of mine"──▶ the leader's node   knows its connection there
///                                      ──"17 of mine"──▶ a reader's node     ends its read there
/// </code>
/// A proxy without a node is not asked: the nodes that its connections lead to know whom they serve, by <see cref="ClientOrigin"/>. Its own clients' KILL, where it knows no such client itself, the leader's node handles as its own clients'.
/// </summary>
internal sealed partial class ClientSession
{
    /// <summary>The killer's proxy has asked for the connection's id, and sends KILL next. That takes far less, and until then the pool must not have it.</summary>
    private const int AimedElsewhereMs = 30_000;

    private bool _isCondemned; // a hop: when what it does has ended, so has its client's session
    private IReadOnlyList<RemoteClient>? _elsewhere; // who of other nodes may be meant by the KILL under way; null: not asked

    /// <summary>A client of this proxy, not another proxy, which has logged in as this user. From any thread.</summary>
    public bool IsClientOf(string user) => _authenticated && _login is { IsHop: false } login && login.User == user && !_userIsUnknown;

    /// <summary>The connection of a proxy without a node, for its client that was greeted with this id and has logged in as this user. From any thread.</summary>
    public bool Serves(uint clientId, string user) => clientId != 0 && _authenticated && _login is { Origin: { } origin, IsHop: true } login && origin.ClientId == clientId && login.User == user && !_userIsUnknown;

    /// <summary>Where a KILL finds it. From any thread.</summary>
    public ClientPlace PlaceForKill()
    {
        var through = _login?.Origin?.Proxy ?? 0;
        if (_login?.Hop == HopKind.ToReader)
            return new ClientPlace(0, Phase == SessionPhase.Answering, through);
        var reads = _active is { Reader: not null };
        var aimed = _context.Routes.Current.Leader is null ? null : Aimed(); // whose number that would be, nobody can tell
        if (aimed is not null && _pool is not null)
            _loop.Post(() => _loop.After(AimedElsewhereMs, aimed.Disarm));
        return new ClientPlace(aimed?.ConnectionId ?? 0, reads, through);
    }

    /// <summary>
    /// KILL means it, of the same account, or of one that the leader's server has let: what runs on a reader ends, and what was sent to no server yet does not begin. From any thread.
    /// </summary>
    public void EndFromElsewhere(bool session) => _loop.Post(() =>
    {
        if (Phase == SessionPhase.Closed)
            return;
        if (_login!.Hop == HopKind.ToReader)
            EndHop(session);
        else if (_active is { Reader: not null } read)
            ReadKiller.Begin(this, read, new BackendLogin(_login!, _secret!), _context.Options.HopTls);
        else if (Phase == SessionPhase.Preparing && _flight.IsKept)
            _isInterrupted = true; // its reader is connected to, say, or waited for: no server knows of the statement yet
        if (session && !_login.IsHop)
            Close();
        else if (session && _login.Hop == HopKind.ToLeader && (_leader is null || _context.Routes.Current.Leader is null || IsElsewhere(_leader)))
            CondemnHop(); // whoever leads has no connection of it to end, and cannot tell
    });

    private void CondemnHop()
    {
        _isCondemned = true;
        if (Phase == SessionPhase.Idle)
            TellThatItIsKilled();
    }

    /// <summary>
    /// What another proxy reads on this node's server; the account's secret is not known here yet. With <paramref name="session"/> that proxy is told behind it that its client's session is over: it may
    /// have nothing else to see that by, as who reads is not idle when the leader's server closes.
    /// </summary>
    private void EndHop(bool session)
    {
        if (session)
            CondemnHop();
        if (Phase != SessionPhase.Answering)
            return;
        var ticket = _ticket;
        FindSecret(_login!.User, (_, secret, _) =>
        {
            if (secret is not null && ticket == _ticket && Phase == SessionPhase.Answering && _leader is { IsClosed: false } server)
                ReadKiller.Begin(this, server, new BackendLogin(_login!, secret), null);
        });
    }

    /// <summary>A hop's server is gone with the answer. The other proxy takes that for the leader's end, and would go on with the next one: that its session was killed it is told now or never.</summary>
    private void CloseHop()
    {
        if (_isCondemned && !_relay.HasBegun)
            TellThatItIsKilled();
        else
            Close();
    }

    private void TellThatItIsKilled() => Refuse(ProxyErrors.Killed, 0);

    /// <summary>The other end of <see cref="TellThatItIsKilled"/>: out of turn, or where the next read was on its way already, instead of its answer.</summary>
    private bool HearsThatItIsKilled(Backend backend, Span<byte> bytes) =>
        backend.IsHop && !(Phase == SessionPhase.Answering && backend == _active && _relay.HasBegun)
        && bytes.Length > PacketHeader.Size && bytes[PacketHeader.Size] == ErrPacket.Marker && TryTakePacket(bytes, out _, out var payload)
        && IsOfDyingConnection(payload) && payload.IndexOf(ProxyErrors.IsKilled) >= 0;

    /// <returns>True: the statement waits for the answers.</returns>
    private bool AsksElsewhere(KillTarget kill)
    {
        var id = (uint)kill.Id;
        if (_elsewhere is not null || (_login!.IsHop && MeansServersId) || _userIsUnknown || (id == ClientId && kill.Scope == KillScope.Connection && !_login.IsHop))
            return false;
        _ticket++;
        Phase = SessionPhase.Preparing;
        WhenAnswered(_context.Routes.FindClientsAsync(id, _login.User), (_, found) =>
        {
            var served = _context.FindServing(id, _login.User).Select(hop => new RemoteClient(hop.PlaceForKill(), hop.EndFromElsewhere));
            _elsewhere = RemoteClient.Joined([.. found ?? [], .. served]);
            SendToLeader();
        });
        return true;
    }

    /// <returns>False where the statement is right as it stands.</returns>
    private bool TryKillElsewhere(KillTarget kill, RemoteClient client)
    {
        var (connection, reads, _) = client.Place;
        var endsSession = kill.Scope == KillScope.Connection;
        if (_leader is { IsHop: false } && ProxyContext.IsOwnId(connection))
            connection = _context.Find(connection) is { } hop ? AimAt(hop) : 0; // this proxy has greeted the client's with an id of its own
        if (!endsSession || connection == 0)
            client.End(endsSession);
        if (connection == 0 || (reads && !endsSession))
        {
            AnswerOk();
            return true;
        }

        if (connection == kill.Id && !endsSession)
            return false;
        KillOn(_leader!, null, StatementFor(kill, connection), refusal =>
        {
            if (refusal is null && endsSession)
                client.End(true);
            OnKilled(refusal);
        });
        return true;
    }
}
