using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// The other end of a connection to a reader: another proxy wants this node's own server, and waits there for its data itself. Which server somebody wants
/// is known only from the login, and the greeting before it held a server's salt. Where it was the wrong one's, the right one asks for the password again:
/// <code>
///   other proxy ──login, "to a reader"──▶ 1 the way to the leader is given up, the own server connected to
///               ◀──switch, salt───────── 2 it is told no password, and asks (SendLogin)
/// </code>
/// From a host that came for reads before, the own server greets (3); a client that wants the leader after all is asked again by that one's server (4).
/// </summary>
internal sealed partial class ClientSession
{
    /// <summary>As <see cref="Preparation"/>, and what no text shows to write (a view that calls a function) is refused.</summary>
    private static readonly byte[] ReaderHopPreparation = [.. Preparation, .. ", tx_read_only=1"u8];

    private bool _greetedByOwn;

    /// <summary>3.</summary>
    private bool TryGreetFromOwn()
    {
        if (_context.Routes.Current.Readers is not [{ IsHop: false } own] || !_context.HopHosts.Expects(_clientAddress?.Address))
            return false;
        _leader = Dial(own.Address, hop: false, out _);
        return _greetedByOwn = _leader is not null;
    }

    /// <returns>False where the login goes to the server that greeted.</returns>
    private bool BeginsElsewhere(LoginPacket login)
    {
        var own = _context.Routes.Current.Readers is [{ IsHop: false } reader] ? reader : null;
        if (own is not null)
            _context.HopHosts.Note(_clientAddress?.Address, login.Hop == HopKind.ToReader);
        if (login.Hop == HopKind.ToReader && own is null)
        {
            Refuse(ProxyErrors.NotFollowing, _nextSequence);
            return true;
        }

        if (login.Hop == HopKind.ToReader == _greetedByOwn)
            return false;
        if (login.Hop == HopKind.ToLeader)
        {
            Refuse(ProxyErrors.NoLeader(0), _nextSequence);
            return true;
        }

        Take(login);
        _leader?.Close();
        Phase = SessionPhase.Connecting;
        if (_greetedByOwn)
        {
            ConnectToLeader();                                                                  // 4
            return true;
        }

        _leader = Dial(own!.Address, hop: false, out _);                                        // 1
        if (_leader is null)
            Refuse(ProxyErrors.NotFollowing, _nextSequence);
        return true;
    }

    /// <summary>
    /// What writes is not for here, whoever asks (read_only does not stop every account); and when this node's server does not follow any more, the other
    /// proxy is to look for another.
    /// </summary>
    private bool RefusesReaderHop(StatementClass statement)
    {
        if (_login!.Hop != HopKind.ToReader)
            return false;
        var mayServe = !_context.Routes.Current.Readers.IsEmpty
            && (!statement.Has(StatementTraits.CommitCapable) || statement.Has(StatementTraits.Doubtful | StatementTraits.SetsSessionState));
        if (!mayServe)
            Refuse(ProxyErrors.NotFollowing, 1);
        return !mayServe;
    }
}
