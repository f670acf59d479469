using System.Globalization;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// KILL names a connection by the id that its client was greeted with. After a move its connection has another one on the new leader; and a read may
/// run on a reader. Who kills must have the right to, on that server: the statement runs on the killer's own connection.
/// </summary>
internal sealed partial class ClientSession
{
    private bool _killing; // the client waits for what the proxy says on its own

    /// <summary>The id that the client knows.</summary>
    public uint ClientId { get; private set; }

    /// <returns>False where the statement is right as it stands: its target is no client of this proxy, or never moved.</returns>
    private bool TryKill(KillTarget kill)
    {
        // Another node's proxy knows the server's own ids, and of this proxy's those that no server has given.
        if (kill.Id > uint.MaxValue || (_login!.IsHop && !ProxyContext.IsOwnId((uint)kill.Id)) || _context.Find((uint)kill.Id) is not { } target)
            return false;
        if (kill.Scope == KillScope.Connection && target != this)
            target._loop.Post(target.NoteKill);
        var running = target._active; // read once: the target's loop goes on meanwhile
        var local = running is { Reader: not null };
        var id = local ? running!.ConnectionId : target._leader?.ConnectionId ?? 0;
        if (id == 0 || (!local && id == kill.Id))
            return false;
        var sql = string.Create(CultureInfo.InvariantCulture, $"KILL {(kill.Soft ? "SOFT" : "HARD")} {(kill.Scope == KillScope.Query ? "QUERY" : "CONNECTION")} {id}");
        var atLeader = local ? string.Create(CultureInfo.InvariantCulture, $"KILL {target._leader?.ConnectionId ?? 0}") : sql;
        if (local && kill.Scope == KillScope.Query)
            FindSecretToKill(running!.Reader!, sql, atLeader);
        else if (_leader is { IsClosed: false } leader)
            KillOn(leader, null, atLeader);
        else
            return false;
        return true;
    }

    /// <summary>A driver cancels with a connection of its own, whose first statement this is.</summary>
    private void FindSecretToKill(Reader reader, string sql, string atLeader)
    {
        (_killing, Phase) = (true, SessionPhase.Preparing);
        var ticket = ++_ticket;
        if (_secret is { } known)
            KillLocally(reader, known, sql, atLeader);
        else
            FindSecret(_login!.User, (_, secret, _) => Redeem(ticket, () => KillLocally(reader, _userChanged ? null : secret, sql, atLeader)));
    }

    private void KillLocally(Reader reader, byte[]? secret, string sql, string atLeader)
    {
        if (secret is not null)
            KillOn(Dial(reader), new BackendLogin(_login!, secret), sql);
        else
            KillOn(_leader is { IsClosed: false } leader ? leader : null, null, atLeader);
    }

    /// <param name="server">The session's own, or a connection that was opened for this and ends with it.</param>
    /// <param name="login">How to log in there, or null where that is done.</param>
    /// <param name="sql">The statement.</param>
    private void KillOn(Backend? server, BackendLogin? login, string sql)
    {
        if (server is null)
        {
            _killing = false;
            Answer(ProxyErrors.NoSuchThread);
            return;
        }

        (_killing, Phase) = (true, SessionPhase.Preparing);
        server.Setup = new BackendSetup(server, login, [ScriptItem.Query(sql)], (_, refusal) => OnKilled(login is null ? null : server, refusal));
        if (login is null)
            server.Setup.Begin();
    }

    private void OnKilled(Backend? opened, ErrPacket? refusal)
    {
        _killing = false;
        opened?.Close();
        if (refusal is not null)
            Answer(refusal);
        else
            AnswerOk();
    }
}
