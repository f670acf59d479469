using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Step 6: what becomes of a session whose leader is gone. It moves when its client wants something next, so that idle sessions do not storm the new leader.
/// <code>
///   what was under way                        the client hears
///   nothing                                   nothing: its next statement runs on the new leader
///   a statement that certainly did nothing    nothing: it is sent again
///   a transaction                             1213 (40001): it was rolled back
///   something that may have committed         1180 (08007): its outcome is not known
///   the rest of an answer                     1927: the answer broke off; the session ends
/// </code>
/// </summary>
internal sealed partial class ClientSession
{
    private const int LookAgainMs = 20;
    private const int SetupLimitMs = 2000;

    private const int OnPurposeAfterMs = 2000;

    /// <summary>
    /// In which a node that led may still answer. One that lives has a reason to take so long: after a planned switchover its OK waits until the new leader's
    /// log tells.
    /// </summary>
    private const int LastWordMs = 1000;

    private string? _tieBefore; // as the last command left it
    private bool _isSent; // the command under way, to the leader
    private long _moves;
    private bool _closedByServer; // and nobody knows yet why
    private long _moveUntilMs;
    private long _lostEpoch = -1;
    private int _localLostIn = -1; // the ticket under which the connection to a reader ended while the client was silent

    /// <summary>What waits for a node that leads no more counts as lost if nothing comes soon. An idle session stays where it is until its client speaks.</summary>
    public void OnAnotherLeads()
    {
        if (AwaitsDeposed)
            GiveLastWord(_leader!, _ticket);
    }

    /// <summary>The server beside this proxy was sent something that may commit, and the client has not been told what became of it.</summary>
    public bool IsUndecided => (_heldError is not null || Phase is SessionPhase.Answering or SessionPhase.AwaitingQuorum or SessionPhase.SendingFile)
        && _leader is { IsHop: false, IsClosed: false } && _active == _leader && _flight.Class.Has(StatementTraits.CommitCapable);

    /// <summary>Apart from the question, which is asked with every statement of a transaction: what it captures would be allocated each time.</summary>
    private void GiveLastWord(Backend leader, int ticket) => _ = _loop.After(LastWordMs, () =>
    {
        if (ticket == _ticket && leader == _leader && AwaitsDeposed)
            OnBackendLost(leader, "another node leads, and this one does not answer");
    });

    /// <summary>The next word is that of a server which is not the leader's any more.</summary>
    private bool AwaitsDeposed => _leader is { IsClosed: false } leader && IsElsewhere(leader) && Phase switch
    {
        SessionPhase.Connecting or SessionPhase.Authenticating or SessionPhase.SendingFile => true,
        SessionPhase.Answering => _active == leader,
        SessionPhase.Preparing => leader.Setup is not null && _moveUntilMs == 0, // a move has a limit of its own
        _ => false,
    };

    /// <summary>A hop to a reader is where it belongs, whoever leads.</summary>
    private bool IsElsewhere(Backend leader) => _login is not { Hop: HopKind.ToReader } && _context.Routes.Current.Leader is { } now && !now.Equals(leader.Address);

    private void OnBackendLost(Backend backend, string reason)
    {
        backend.Close();
        if (Phase == SessionPhase.Closed)
            return;
        if (backend == _local)
        {
            OnLocalLost(backend);
            return;
        }

        if (_heardOfKill is { } heard && (backend == _killsOn || backend == _leader))
        {
            OnKillerLost(backend, heard);
            return;
        }

        if (backend != _leader)
            return;
        LoseLeader(backend);
        if (_isKilled)
        {
            Close();
            return;
        }

        if (_heldError is not null)
        {
            OnErrorLost();
            return;
        }

        switch (Phase)
        {
            case SessionPhase.Connecting:
                TryAgain(reason);
                break;
            case SessionPhase.Preparing when _moveUntilMs != 0:
                LookAgain(null); // lost while moving; not at once, its node may not know yet that it leads no more
                break;
            case SessionPhase.Preparing when _readies:
                _readies = false;
                Move();
                break;
            case SessionPhase.Preparing when _welcome is null && backend.Setup is not null:
                BecomeIdle();
                break;
            case SessionPhase.Preparing when _welcome is null:
                break; // a local read is under way
            case SessionPhase.Answering when _active == _local && _local is not null:
                break; // a local read is under way; the next statement finds that the leader is gone
            case SessionPhase.Answering or SessionPhase.AwaitingQuorum or SessionPhase.SendingFile:
                OnAnswerLost();
                break;
            case SessionPhase.Idle when _stream is null:
                OnIdleLost();
                if (Phase != SessionPhase.Closed)
                    NextFromClient(); // who was held up because the server did not read
                break;
            case SessionPhase.Idle when !_login!.IsHop:
                OnStreamLost();
                break;
            case SessionPhase.Authenticating when _resetting:
                ResetElsewhere();
                break;
            default:
                Close();
                break;
        }
    }

    private void LoseLeader(Backend backend)
    {
        _leader = null;
        _lostEpoch = _epoch;
        _context.Routes.Lost(backend.Address);
    }

    private void OnLocalLost(Backend backend)
    {
        if (_isKilled && _active == backend)
        {
            Close();
            return;
        }

        var reader = backend.Reader!;
        _local = null;
        if (reader.IsHop)
            Suspect(reader); // another may do
        else
            _localPauseUntilMs = _loop.NowMs + 1000;
        if (Phase == SessionPhase.Idle)
            OnIdleLocalLost();
        else if (Phase == SessionPhase.Preparing)
        {
            if (_readsLocally)
                SendToLeader();
            else if (_readies && backend.Setup is not null)
                LoseVariables();
        }
        else if (Phase == SessionPhase.Answering && _active is { IsClosed: true } && _relay.HasBegun)
            BreakOff(ProxyErrors.AnswerLost);
        else if (Phase == SessionPhase.Answering && _active is { IsClosed: true })
            SendToLeader();
    }

    /// <summary>The server has rolled it back. Whether the session works with autocommit stays as it is.</summary>
    private void LeaveTransaction()
    {
        _status &= ServerStatus.AutoCommit;
        (_statusIsOld, _mayBeInTransaction, _mayHaveEnded) = (false, false, false);
        _isPrepared = false;
        _sawLeader = true; // its reads were the leader's, and no OK was behind them
    }

    private void OnAnswerLost()
    {
        var inTransaction = InTransaction || (_status & ServerStatus.AutoCommit) == 0;
        // An error tells nothing of the transaction: the server may have ended it, and this statement then ran by itself.
        var mayHaveCommitted = _flight.MayHaveCommitted(inTransaction) || (_statusIsOld && _flight.MayHaveCommitted(inTransaction: false));
        var lost = LostTransaction();
        LeaveTransaction();
        if (_login!.IsHop)
            CloseHop(); // the client is another node's proxy, which knows what was under way and where the new leader is
        else if (Phase == SessionPhase.SendingFile)
            OnFileLost(ProxyErrors.OutcomeUnknown);
        else if (_relay.HasBegun)
            BreakOff(!_flight.IsKept || mayHaveCommitted ? ProxyErrors.OutcomeUnknown : ProxyErrors.AnswerLost);
        else if (Phase != SessionPhase.Answering || !_flight.IsKept || mayHaveCommitted)
            Answer(ProxyErrors.OutcomeUnknown);
        else if (inTransaction)
            Answer(lost);
        else
            MoveUnlessKilled(repeats: IsRead);
    }

    /// <summary>What somebody has ended with KILL, perhaps on another node, must not begin again.</summary>
    private void MoveUnlessKilled(bool repeats)
    {
        (_closedByServer, _repeats) = (true, repeats);
        Move();
    }

    /// <summary>
    /// A server that closes one connection and lives on has done so on purpose (KILL, wait_timeout), and the client is to see that. A server that
    /// is gone is known to be so a moment later. Where the client has read elsewhere in the meantime its time-out has not passed, though the server cannot
    /// know: then the next statement connects again. It has passed when the reader's server, too, has closed since the client's last word.
    /// </summary>
    private void OnIdleLost()
    {
        _closedByServer = !_lastWasLocal || _localLostIn == _ticket;
        if (_login!.IsHop && !WasClosedForWrites)
            Close();
        else if (_login.IsHop)
            _ = _loop.After(OnPurposeAfterMs, CloseIfSilent);
        else if (_closedByServer)
            _ = _loop.After(OnPurposeAfterMs, CloseIfOnPurpose);
    }

    /// <summary>The leader's server has counted from an earlier statement, and its connection ended before as a rule.</summary>
    private void OnIdleLocalLost()
    {
        var ticket = _localLostIn = _ticket;
        if (_lastWasLocal && _leader is null && !_isParked)
            _ = _loop.After(OnPurposeAfterMs, () => CloseIfBothOnPurpose(ticket));
    }

    /// <summary>A reader that went away has taken its connections along, and is none any more, or another one, by now.</summary>
    private void CloseIfBothOnPurpose(int ticket)
    {
        if (ticket == _ticket && _context.Routes.Current.ReadersVersion == _readersVersion)
            CloseIfOnPurpose();
    }

    /// <summary>
    /// The server here was closed for writes since the last statement, and its connections were killed for that. Another node's proxy may have sent the next statement already, before it knew: it is told that
    /// nothing was done with it (<see cref="ProxyErrors.NotLeader"/>). On a connection that ends without a word its outcome would not be known.
    /// </summary>
    private bool WasClosedForWrites => _login!.Hop != HopKind.ToReader && _context.Routes.Current.Closings != _closings;

    private void CloseIfSilent()
    {
        if (Phase == SessionPhase.Idle && _leader is null)
            Close();
    }

    private void CloseIfOnPurpose()
    {
        var routes = _context.Routes.Current;
        if (Phase == SessionPhase.Idle && _leader is null && !_isParked && routes.Leader is not null && routes.Epoch == _lostEpoch)
            Close();
    }

    /// <summary>The command that is kept waits for a leader, and is sent to it.</summary>
    private void Move()
    {
        if (_leader is { } old)
        {
            (_lostEpoch, _closedByServer) = (_epoch, false);
            old.Close();
            _leader = null;
        }

        if (_active is not null && _active == _local)
            DropLocal();
        if (_login!.IsHop)
        {
            if (_isCondemned)
                TellThatItIsKilled();
            else if (!EndsBeforeItBegins())
                Refuse(ProxyErrors.NotLeader, 1); // the other node's proxy sends it elsewhere
            return;
        }

        if ((InTransaction && _begun is null) || _mayBeInTransaction)
        {
            var lost = LostTransaction();
            LeaveTransaction();
            if (_flightStatement is { } executed && _flight.Code == CommandCode.StatementExecute)
                executed.HasLongData = false; // its client begins again
            if (_unparks)
                Refuse(lost, 1); // its next command has not been read, and must not run by itself
            else
                Answer(lost);
            return;
        }

        if (_flight.Class.Has(StatementTraits.IsKill) && !_isParked)
        {
            Answer(ProxyErrors.NoSuchThread); // it ended with the old leader, and on the new one the number is somebody else's
            return;
        }

        var lostUnseen = LoseUnseen();
        if ((TieBefore ?? lostUnseen ?? WhyVariablesStay()) is { } tie)
        {
            Refuse(ProxyErrors.SessionCannotMove(tie), 1);
            return;
        }

        _ticket++;
        Phase = SessionPhase.Preparing;
        _moveUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        FindSecretForMove();
    }

    /// <summary>
    /// What ties the session, without what the command that is kept will leave behind: as long as it was not sent it has done nothing, and may be the first on another connection.
    /// </summary>
    private string? TieBefore => _isSent ? _state.Tie : _tieBefore;

    private string? WhyVariablesStay() =>
        _assigned.Count > 0 ? "the leader died before the user variables that were set last could be read"
        : _state.UserVariableNames.Any(name => !CanWrite(name)) ? NameIsForeign
        : null;

    private void FindSecretForMove()
    {
        var ticket = _ticket;
        if (_secret is null)
            FindSecret(_login!.User, (_, secret, answered) => Redeem(ticket, () => OnSecretForMove(secret, answered)));
        else
            LookForLeader();
    }

    private void OnSecretForMove(byte[]? secret, bool answered)
    {
        _secret = secret;
        if (!answered && _loop.NowMs < _moveUntilMs)
            Later(LookAgainMs, FindSecretForMove); // the local server is being closed, or comes up: who asks may be killed with the rest
        else if (secret is null)
            Refuse(ProxyErrors.SessionCannotMove(_context.Accounts.Unavailable ?? (!answered ? "this node's server, which knows its account, does not answer" : $"only the client itself can log in as '{_login!.User}' (mysql_native_password accounts can be moved)")), 1);
        else
            LookForLeader();
    }

    private void LookForLeader()
    {
        if (Phase != SessionPhase.Preparing || _moveUntilMs == 0)
            return;
        var routes = _context.Routes.Current;
        if (routes.Leader is { } address)
        {
            (_epoch, _closings) = (routes.Epoch, routes.Closings);
            var pooled = _leader = TakeFromPool(address);
            _leader ??= Dial(address, hop: !routes.LeaderIsHere, out _);
            if (_leader is { } leader)
            {
                var login = pooled is null ? new BackendLogin(_login!, _secret!) : null;
                var setup = leader.Setup = new BackendSetup(leader, login, MoveScript(isFresh: pooled is null), (done, refusal) => OnMoved(leader, done, refusal));
                if (pooled is not null)
                    setup.Begin();
                _ = _loop.After(SetupLimitMs, () => GiveUp(leader, setup));
                return;
            }
        }

        LookAgain(null);
    }

    /// <summary>A node that accepts and says nothing (frozen, cut off) is not waited for longer than another may need to take over.</summary>
    private void GiveUp(Backend leader, BackendSetup setup)
    {
        if (Phase != SessionPhase.Preparing || _leader != leader || leader.Setup != setup)
            return;
        leader.Close();
        _leader = null;
        LookAgain(null);
    }

    private void LookAgain(ErrPacket? last)
    {
        if (_loop.NowMs < _moveUntilMs)
        {
            Later(LookAgainMs, LookForLeader);
            return;
        }

        _moveUntilMs = 0;
        var error = last ?? ProxyErrors.NoLeader(_context.Options.FailoverWaitMs);
        if (_unparks)
            Refuse(error, 1); // what was to be answered has not been read
        else
            Answer(error);
    }

    /// <summary>Prepared statements follow when they are executed: a session may have hundreds, and all sessions move at once.</summary>
    private List<ScriptItem> MoveScript(bool isFresh)
    {
        List<ScriptItem> script = isFresh ? [ScriptItem.Query(Preparation), .. _state.Script(NameEncoding)] : [.. _state.Script(NameEncoding)];
        if (IgnoreSpaceFor(isFresh) is { } mode)
            script.Insert(0, mode);
        if (_insertId is not null)
            script.Add(ScriptItem.Query($"DO LAST_INSERT_ID({_insertId})"));
        if (_option is not null)
            script.Add(new ScriptItem(CommandCode.SetOption, _option));
        if (_repeats)
            script.Add(ScriptItem.Query(MustNotWrite));
        if (_nextTransaction is { } setting)
            script.Add(ScriptItem.Query(setting));
        if (InTransaction && _begun is { } begin)
            script.Add(ScriptItem.Query(begin));
        return script;
    }

    /// <summary>
    /// CLIENT_IGNORE_SPACE sets a bit of sql_mode at the login, which a reset takes away (MariaDB 10.11, measured). A connection that comes from the pool was reset, and a fresh one was not.
    /// </summary>
    private ScriptItem? IgnoreSpaceFor(bool isFresh) =>
        (_login!.Capabilities & Capabilities.IgnoreSpace) == 0 || isFresh != _wasRenewed ? null
        : ScriptItem.Query(isFresh ? "SET SESSION sql_mode=DEFAULT" : "SET SESSION sql_mode=CONCAT(@@sql_mode, ',IGNORE_SPACE')");

    private void OnMoved(Backend leader, BackendSetup setup, ErrPacket? refusal)
    {
        if (Phase != SessionPhase.Preparing || _leader != leader)
            return;
        if (refusal is null && _closedByServer && _epoch == _lostEpoch)
        {
            Close(); // the server lives, and closed the old connection on purpose
            return;
        }

        if (refusal is null && !_authenticated)
        {
            _moveUntilMs = 0;
            LoggedIn(setup);
            return;
        }

        if (refusal is null)
        {
            (_moveUntilMs, _closedByServer) = (0, false);
            NoteReading(setup);
            _leader!.StateVersion = _state.Version;
            if (_isParked)
            {
                OnUnparked();
                return;
            }

            var isFirst = _lastRoute is null;
            (_insertedHere, _insertedElsewhere) = (false, _insertedElsewhere || _insertedHere);
            (_mayHaveInsertId, _mayHaveInsertIdElsewhere) = (false, _mayHaveInsertIdElsewhere || _mayHaveInsertId);
            (_wroteHere, _wroteElsewhere) = (false, _wroteElsewhere || _wroteHere);
            _context.Counters.Moves.Increment();
            _moves++;
            if (RefersToOldLeader || (!isFirst && AsksOfTheOneBefore))
                Refuse(ProxyErrors.StatementStayedBehind, 1);
            else if (_unparks)
                ReadAgain();
            else
                SendToLeader();
            return;
        }

        _context.Routes.Lost(leader.Address);
        _leader!.Close();
        _leader = null;
        if (refusal.Code is 1045 or 1044 or 1049)
            Refuse(refusal, _authenticated ? (byte)1 : _nextSequence);
        else
            LookAgain(refusal); // not a leader yet or any more, no connections left: it may be better in a moment
    }
}
