using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>COM_CHANGE_USER and COM_RESET_CONNECTION: the session begins anew, on the connection that it has.</summary>
internal sealed partial class ClientSession
{
    private bool _resetting; // COM_RESET_CONNECTION is under way: the client has no part in it, and what it sends is its next command
    private UserChange? _change; // COM_CHANGE_USER is under way
    private bool _userChanged; // … or was: the connection is not what a login would make
    private bool _wasRenewed; // by either: what the login's capabilities have set is gone
    private bool _userIsUnknown; // … and who the session works as nobody else can log in as

    /// <summary>COM_CHANGE_USER and COM_RESET_CONNECTION make the session as new; the server is to be told again what to report.</summary>
    private void Renew(CommandCode code, Span<byte> packet)
    {
        var resets = code == CommandCode.ResetConnection;
        var leader = _leader is { IsClosed: false } there && !IsDeposed(there) ? there : null;
        if (leader is null && !resets)
        {
            Refuse(ProxyErrors.NoLeader(0), 1); // only the server could tell whether the password is right
            return;
        }

        _local?.Close();
        _local = null;
        _statements.Clear();
        _hasTemporaryTables = false;
        _assigned.Clear();
        _assigning.Clear();
        ForgetUnseen();
        (_mayHaveInsertId, _mayHaveInsertIdElsewhere) = (false, false);
        (_begun, _beginning, _insertedHere, _insertedElsewhere, _wroteHere, _wroteElsewhere) = (null, null, false, false, false, false); // COM_SET_OPTION stays in force
        (_nextTransaction, _wasSetting) = (null, false);
        _sawLeader |= InTransaction;
        _consistency = _context.Options.Consistency;
        _hasLockedTables = false;
        _wasRenewed = true;
        ResetState(keepsSchemaAndRole: true);
        (Tracked, _charset, _ansiQuotes) = (TrackedVariables.Default, _login!.Charset, false);
        if (!resets)
            BeginChange(packet);
        if (leader is null)
        {
            ResetElsewhere();
            return;
        }

        (_resetting, _loginShift, Phase) = (resets, 0, SessionPhase.Authenticating);
        if (!leader.Send(packet))
            OnBackendLost(leader, "the connection broke");
    }

    /// <summary>A session without a state can move, and is reset there: pools of connections begin with it.</summary>
    private void ResetElsewhere()
    {
        LeaveTransaction();
        (_resetting, _preparesAgain) = (false, true);
        _flight.Keep([1, 0, 0, 0, (byte)CommandCode.ResetConnection], CommandCode.ResetConnection, Harmless);
        _flightStatement = null;
        Move();
    }

    private void ResetState(bool keepsSchemaAndRole)
    {
        if (keepsSchemaAndRole)
            _state.Renew();
        else
            _state.Reset(_login!.Database);
        if (_userIsUnknown)
            _state.TieTo("its user was changed in a way that the proxy cannot repeat");
        _tieBefore = _state.Tie;
    }

    private void BeginChange(ReadOnlySpan<byte> packet)
    {
        _userChanged = _userIsUnknown = true;
        _change = UserChange.Read(packet[PacketHeader.Size..], _login!.Capabilities);
        _charset = _change?.Charset ?? ClientCharset.AsciiUnsafe;
        if (_change is { } change)
            _answer = change.Answer; // to the salt that the client has had last; the server may give another
        (_secret, _secretWanted) = (null, false);
    }

    /// <summary>From here on the session is that of a login of the new user's.</summary>
    private void EndChange()
    {
        if (_change is { } change && _login!.After(change, _answer) is { } login)
            (_login, _userIsUnknown) = (login, false);
        _change = null;
    }

    /// <summary>The server closes if it wants to. It has set everything but the schema and the role back all the same, to its own defaults (MariaDB 10.11, measured), and what it reports too.</summary>
    private void OnUserNotChanged()
    {
        (_charset, _change) = (ClientCharset.AsciiUnsafe, null);
        _state.TieTo("a change of its user was refused");
        if (_leader is { IsClosed: false } leader)
            Prepare(leader);
        else
            BecomeIdle();
    }
}
