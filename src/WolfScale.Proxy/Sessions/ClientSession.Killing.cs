using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// KILL names a connection by the id that its client was greeted with. After a move its connection has another one on the new leader; and a read may
/// run on a reader. Who kills must have the right to, on that server: the statement runs on the killer's own connection.
/// <code>
///   KILL 17 ──▶ 1 the other nodes are asked who of theirs was greeted with 17 (a balancer leads a driver's second connection anywhere)
///               2 one client is meant: of this proxy (3), or of another node's (ClientSession.KillingElsewhere); several: nobody is killed
///               4 nobody: the number is a connection's on the leader's server, as SHOW PROCESSLIST shows it
/// </code>
/// </summary>
internal sealed partial class ClientSession
{
    private Action<ErrPacket?>? _heardOfKill; // the client waits for what the proxy has somebody's server do, and its refusal goes here
    private Backend? _killsOn; // over which it goes
    private ClientSession? _condemned; // whose connection the statement under way is to end
    private Backend? _aimedAt; // the connection that the KILL under way means
    private bool _isInterrupted; // KILL QUERY came before the command that is kept was sent
    private bool _isKilled; // somebody wants it to end, and its server has not refused

    /// <summary>The id that the client knows.</summary>
    public uint ClientId { get; private set; }

    /// <summary>KILL is about to be sent to the leader.</summary>
    /// <returns>False where the statement is right as it stands: its target is no client of this proxy, or never moved.</returns>
    private bool TryKill(KillTarget kill)
    {
        if (kill.IsParameter && NumberOfExecution() is { } number)
            kill = kill with { Id = number };
        // Another proxy knows the server's own ids, and of this proxy's those that no server has given.
        if (kill.Scope is not (KillScope.Connection or KillScope.Query) || kill.Id is 0 or > uint.MaxValue || (MeansServersId && !(_login is { Hop: HopKind.ToLeader } && ProxyContext.IsOwnId((uint)kill.Id))))
            return false;
        if (AsksElsewhere(kill))                                                                               // 1
            return true;
        var known = _context.Find((uint)kill.Id);
        if (known is { _login.Hop: HopKind.ToReader } || (known == this && kill.Scope == KillScope.Query && _elsewhere is { Count: > 0 }))
            known = null; // its client was greeted with another; all that the killer has under way is this KILL
        if (_elsewhere is [var only] && known?.IsClientOf(_login!.User) != true)                               // 2
            return TryKillElsewhere(kill, only);
        if (_elsewhere is { Count: > 0 })
        {
            Answer(ProxyErrors.SeveralClients((uint)kill.Id));
            return true;
        }

        if (known is not { } target)
            return false;                                                                                      // 4
        var read = target._active is { Reader: not null } running ? running : null; // read once: the target's loop goes on meanwhile
        if (read is null && kill.Scope == KillScope.Query && target != this && IsOfSameAccount(target))
            target.EndFromElsewhere(session: false);
        var id = AimAt(target);
        if (id != 0 && id != kill.Id && !IsOfSameAccount(target))
            return false; // a driver cancels under its own account, with the id of its greeting; others have theirs from the server's list, as it is now
        if (id == 0 && target != this && (read is null || !IsOfSameAccount(target)))
        {
            KillUnconnected(kill.Scope, target);
            return true;
        }

        if (kill.Scope == KillScope.Connection && target != this)
        {
            _condemned = target;
            target._loop.Post(target.Condemn);
        }

        if (read is not null && (kill.Scope == KillScope.Query || id == 0))
        {
            EndRead(read.Reader!, Statement(read.ConnectionId), OnKilled);
            return true;
        }

        if (read is null && id == kill.Id && _context.Options.StandsAlone)
            SayWhich(kill);
        if (id == 0 || (read is null && id == kill.Id) || _leader is not { IsClosed: false } leader)
            return false;
        KillOn(leader, null, Statement(id), refusal =>
        {
            if (refusal is null && read is not null)
                EndRead(read.Reader!, Statement(read.ConnectionId), _ => OnKilled(null)); // or it has ended by itself
            else
                OnKilled(refusal);
        });
        return true;

        string Statement(uint connection) => StatementFor(kill, connection);
    }

    /// <summary><c>KILL ?</c>: the one parameter of the execution under way, as drivers send it.</summary>
    private ulong? NumberOfExecution()
    {
        if (_flightStatement is not { Parameters: 1 } statement || _flight.Code != CommandCode.StatementExecute)
            return null;
        var packet = _flight.Packet;
        var (flag, begin, end) = PlaceOfTypes(_flight.Code, statement);
        var follow = packet.Length >= end && packet[flag] == 1;
        if (packet.Length <= begin || packet[flag - 1] != 0 || (follow ? packet[begin..end] : statement.Types) is not [var type, ..])
            return null; // NULL, say
        if (follow)
            statement.Types = packet[begin..end].ToArray(); // the server may not be sent this execution, and the next one leaves them out
        var value = packet[(follow ? end : begin)..];
        return type switch
        {
            1 when value.Length >= 1 => value[0],
            2 when value.Length >= 2 => BinaryPrimitives.ReadUInt16LittleEndian(value),
            3 when value.Length >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(value),
            8 when value.Length >= 8 => BinaryPrimitives.ReadUInt64LittleEndian(value),
            >= 250 or 15 when value.Length > 1 && value[0] < 250 && value.Length > value[0] && ulong.TryParse(value.Slice(1, value[0]), NumberStyles.None, CultureInfo.InvariantCulture, out var text) => text,
            _ => null,
        };
    }

    /// <summary>The number is that of a connection on the leader's server, and no client's: so says the hint, as it stands in SHOW PROCESSLIST; and another node's proxy has looked already.</summary>
    private bool MeansServersId => _flight.Class.Hint == RoutingHint.Leader || _login is { Hop: HopKind.ToReader } or { IsHop: true, Origin: null };

    /// <summary>The leader's node must not look for other clients of that number. The class stays: after a move the statement is aimed anew.</summary>
    private void SayWhich(KillTarget kill)
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = 0;
        writer.Begin().Byte((byte)CommandCode.Query).Bytes(Encoding.ASCII.GetBytes(StatementFor(kill, (uint)kill.Id))).End();
        _flight.Keep(writer.Written.Span, CommandCode.Query, _flight.Class);
        _flightStatement = null;
    }

    private string StatementFor(KillTarget kill, uint connection) => string.Create(
        CultureInfo.InvariantCulture,
        $"KILL {(kill.Soft ? "SOFT" : "HARD")} {(kill.Scope == KillScope.Query ? "QUERY" : "CONNECTION")} {connection}{(_context.Options.StandsAlone ? " /* wolfscale: leader */" : "")}");

    /// <returns>The id of its connection to the leader, or 0.</returns>
    private uint AimAt(ClientSession target)
    {
        _aimedAt = target.Aimed();
        return _aimedAt?.ConnectionId ?? 0;
    }

    /// <summary>
    /// A session may give its connection away at any moment, and the next one's statement must not die for it. So the connection is marked, and then looked at again: either it is still its, and as long as
    /// the mark is there the pool does not take it; or it is not.
    /// </summary>
    /// <returns>Its connection to the leader, marked; or null: it has none, or only to a server that leads no more, whose ids mean others on the leader's.</returns>
    private Backend? Aimed()
    {
        if (_leader is not { } connection || IsElsewhere(connection))
            return null;
        connection.Aim();
        if (_leader == connection)
            return connection;
        connection.Disarm();
        return null;
    }

    /// <summary>The server has answered KILL. (Where it has not, the mark stays: it may come to it yet.)</summary>
    private void Disarm()
    {
        _aimedAt?.Disarm();
        _aimedAt = null;
    }

    /// <summary>As the server says it of a statement that is killed. Behind the client's answer it means nothing any more.</summary>
    void IBackendOwner.OnInterrupted(Backend backend) => _isInterrupted = Phase == SessionPhase.Preparing && _flight.IsKept;

    void IBackendOwner.OnCondemned(Backend backend) => Close();

    /// <returns>The command that is kept is not to be sent any more.</returns>
    private bool EndsBeforeItBegins()
    {
        if (!_isInterrupted)
            return false;
        Answer(ProxyErrors.Interrupted);
        return true;
    }

    /// <summary>It has no connection that the leader's server could end (parked, or its leader is gone): whose account is the same may end it, as on a server. The id it had there may be another's by now.</summary>
    private void KillUnconnected(KillScope scope, ClientSession target)
    {
        if (!IsOfSameAccount(target))
        {
            Answer(ProxyErrors.NoSuchThread);
            return;
        }

        if (scope == KillScope.Connection)
            target._loop.Post(target.Close);
        AnswerOk();
    }

    private bool IsOfSameAccount(ClientSession target) => target._login?.User == _login!.User && !_userIsUnknown && !target._userIsUnknown;

    /// <summary>Somebody wants the connection to end; whether he may is for its server to say.</summary>
    private void Condemn()
    {
        _isKilled = true;
        if (_leader is null)
            Close(); // its server has done so already
    }

    /// <summary>The server has refused.</summary>
    private void Spare()
    {
        if (_condemned is { } target)
            target._loop.Post(() => target._isKilled = false);
        _condemned = null;
    }

    /// <summary>A driver cancels with a connection of its own, whose first statement this is: the secret may have to be found first.</summary>
    private void EndRead(Reader reader, string sql, Action<ErrPacket?> heard)
    {
        (_heardOfKill, _killsOn, Phase) = (heard, null, SessionPhase.Preparing); // the leader's server, if it was to end something, has done so
        var ticket = ++_ticket;
        if (_secret is { } known)
            KillOn(Dial(reader), new BackendLogin(_login!, known), sql, heard);
        else
            FindSecret(_login!.User, (_, secret, _) => Redeem(ticket, () => KillOn(_userIsUnknown || secret is null ? null : Dial(reader), new BackendLogin(_login!, secret ?? []), sql, heard)));
    }

    /// <param name="server">The session's own, or a connection that was opened for this and ends with it; null where there is no way to it.</param>
    /// <param name="login">How to log in there, or null where that is done.</param>
    /// <param name="sql">The statement.</param>
    /// <param name="heard">Hears the server's refusal, or null.</param>
    private void KillOn(Backend? server, BackendLogin? login, string sql, Action<ErrPacket?> heard)
    {
        if (server is null || (login is null && IsElsewhere(server)))
        {
            heard(ProxyErrors.NoSuchThread); // a transaction keeps the killer with a server that leads no more, where the number is another's
            return;
        }

        (_heardOfKill, _killsOn, Phase) = (heard, server, SessionPhase.Preparing);
        var setup = server.Setup = new BackendSetup(server, login, [ScriptItem.Query(sql)], (_, refusal) =>
        {
            if (login is not null)
                server.Close();
            heard(refusal);
        });
        if (login is null)
            setup.Begin();
        else
            _ = _loop.After(ReadKiller.LimitMs, () =>
            {
                if (server.Setup == setup)
                    OnBackendLost(server, "no answer");
            });
    }

    private void OnKilled(ErrPacket? refusal)
    {
        (_heardOfKill, _killsOn) = (null, null);
        if (refusal is not null)
        {
            Spare();
            Answer(refusal);
            return;
        }

        _condemned = null;
        AnswerOk();
    }

    /// <summary>Of two connections: over which KILL was sent, and to the leader.</summary>
    private void OnKillerLost(Backend backend, Action<ErrPacket?> heard)
    {
        if (backend != _leader)
            heard(ProxyErrors.NoSuchThread);
        else if (backend == _killsOn || _isKilled || _login!.IsHop)
            Close(); // it was the target itself, most likely
        else
            LoseLeader(backend); // what is to be ended runs on a reader; the next statement finds that the leader is gone
    }
}
