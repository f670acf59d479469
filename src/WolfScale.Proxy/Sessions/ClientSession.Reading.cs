using System.Globalization;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Reads on a reader: the node's own server while it follows, or where the proxy stands alone one of the followers. Before a read is sent, that server
/// must have what the session may not miss:
/// <code>
///   eventual   nothing
///   session    the last GTID that the session wrote or could have seen
///   strong     the last GTID that anybody can have been told of when the read arrived (a read index)
/// </code>
/// A read that cannot be had in time, or that fails for any reason, goes to the leader; the client does not notice.
/// </summary>
internal sealed partial class ClientSession
{
    private const int ErrorConnectionKilled = 1927;
    private const int ErrorStatementTimeout = 1969;

    private ReadConsistency _consistency;
    private Gtid? _seen;
    private bool _sawLeader; // a read on the leader may have shown more than _seen
    private byte[]? _secret;
    private bool _secretWanted;
    private byte[] _salt = [];
    private byte[] _answer = [];
    private long _localPauseUntilMs;
    private bool _reportedGtid;
    private bool _lastWasLocal;
    private bool _hasForeignToken; // the client brought a GTID, and no leader was confirmed since
    private long _confirmUntilMs;
    private bool _wasNotSent; // the error that was kept from the client says so
    private bool _readsLocally; // a local backend is made ready for the command that is kept

    /// <summary>
    /// SHOW WARNINGS, FOUND_ROWS(): of the statement before it, where that ran. Not what writes, nor several statements, of which one may: they belong to
    /// the leader, whatever they refer to. So does LAST_INSERT_ID(), because only the leader has inserted.
    /// </summary>
    private bool FollowsLocalRead(StatementClass statement) =>
        _lastWasLocal && statement.Has(StatementTraits.RefersToLastStatement) && _local is { IsClosed: false }
        && !statement.Has(StatementTraits.RefersToInsertId | StatementTraits.CommitCapable | StatementTraits.MultiStatement | StatementTraits.SetsSessionState | StatementTraits.SetsGlobalVariable | StatementTraits.TakesUserLock);

    private bool WantsLocal(CommandCode code, StatementClass statement) =>
        MayBeRead(code) && statement.Route == StatementRoute.Local && statement.Hint != RoutingHint.Leader && !InTransaction && !_mayBeInTransaction
        && !statement.Has(StatementTraits.BeginsTransaction | StatementTraits.UsesUserVariable) && !_hasTemporaryTables && !_hasLockedTables && !_state.IsSeeded && !_state.HasLostRole
        && (_status & Protocol.Handshake.ServerStatus.AutoCommit) != 0 && _nextTransaction is null
        && !_hasUnseen && !_mayHaveTables // of a leader that is gone, and was not asked: else it would have been before this read
        && !_login!.IsHop && !_views.IsOld && !_context.Routes.Current.Readers.IsEmpty && _loop.NowMs >= _localPauseUntilMs && HasSecret();

    /// <summary>
    /// What shows something is confirmed on the leader too where it must be fresh: that one may have been deposed without knowing it yet, and a transaction that
    /// only reads is held up by no gate. Also after a token from elsewhere, which a deposed leader need not have.
    /// </summary>
    private bool MustConfirm(CommandCode code, StatementClass statement) =>
        (IsStrong(statement) || (_hasForeignToken && _consistency != ReadConsistency.Eventual))
        && code is CommandCode.Query or CommandCode.StatementExecute or CommandCode.StatementBulkExecute && !_login!.IsHop
        && !statement.Has(StatementTraits.BeginsTransaction | StatementTraits.EndsTransaction | StatementTraits.SetsSessionState | StatementTraits.IsKill);

    /// <summary>A statement as text; or one prepared, without a cursor, that would be read there as the leader has read it.</summary>
    private bool MayBeRead(CommandCode code) => code == CommandCode.Query
        || (code == CommandCode.StatementExecute && _flight.Packet[PacketHeader.Size + 5] == 0 && !_hasTemporaryTables
            && _flightStatement is { HasLongData: false } statement && statement.Context.CanReturnFrom(_state.ParsedUnder));

    private bool IsStrong(StatementClass statement) => statement.Hint == RoutingHint.Strong || _consistency == ReadConsistency.Strong;

    /// <summary>The password's hash is looked up when a read could use it for the first time; until it is there, reads go to the leader.</summary>
    private bool HasSecret()
    {
        if (_secret is not null)
            return true;
        if (!_secretWanted && !_userIsUnknown && _login is { } login)
        {
            _secretWanted = true;
            FindSecret(login.User, (session, secret, answered) =>
            {
                if (ReferenceEquals(session._login, login) && session._change is null)
                    (session._secret, session._secretWanted) = (secret, answered); // not another user's
                else
                    session._secretWanted = false;
            });
        }

        return false;
    }

    /// <param name="user">Of the account.</param>
    /// <param name="found">Hears the secret, or null; and whether the server has answered at all.</param>
    private void FindSecret(string user, Action<ClientSession, byte[]?, bool> found)
    {
        var (answer, salt) = (_answer, _salt);
        _ = _context.Accounts.NativeHashesAsync(user).ContinueWith(
            looked =>
            {
                byte[]? secret = null;
                var answered = looked.IsCompletedSuccessfully;
                if (looked.IsCompletedSuccessfully)
#pragma warning disable RS0030 // It is completed.
                    secret = answer.Length == 0 && looked.Result.Any(h => h.Length == 0) ? [] : looked.Result.Select(h => NativeSecret.Recover(answer, salt, h)).FirstOrDefault(s => s is not null);
#pragma warning restore RS0030
                _loop.Post(() =>
                {
                    if (Phase != SessionPhase.Closed)
                        found(this, secret, answered);
                });
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>
    /// Nothing may come between that read and this statement but the statement's preparation, where it has not been prepared there. So one that shows data too cannot wait there for what it must show: where that
    /// is not there yet the leader is asked.
    /// </summary>
    private void FollowLocalRead()
    {
        if (MustConfirm(_flight.Code, _flight.Class) && ReadsTables())
        {
            BeginReading();
            AskReadIndex(mustConfirm: true, OnReadIndex);
        }
        else if (_consistency == ReadConsistency.Session && MustAwait(_seen) && ReadsTables())
        {
            SendToLeader();
        }
        else
        {
            SendFollowing();
        }
    }

    /// <summary>The kept command has a FROM: it may show more than what the statement before it has left.</summary>
    private bool ReadsTables()
    {
        var text = FlightText;
        var tokens = new SqlTokenizer(text, Classifier);
        for (tokens.Next(); tokens.Kind is not (TokenKind.End or TokenKind.Invalid); tokens.Next())
        {
            if (tokens.Kind == TokenKind.Word && WordTable.Find(text[tokens.Start..tokens.End]).Id == Word.From)
                return true;
        }

        return false;
    }

    private void SendFollowing()
    {
        if (!MustPrepareLocally)
        {
            SendToLocal();
            return;
        }

        BeginReading();
        ReadWith(null);
    }

    private void BeginReading()
    {
        _ticket++;
        _confirmUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        _readsLocally = false; // not before it is known what must be seen: a confirmation must not be passed over
        Phase = SessionPhase.Preparing;
    }

    private void ReadLocally()
    {
        BeginReading();
        ChooseReader();
        var mustConfirm = MustConfirm(_flight.Code, _flight.Class);
        if (mustConfirm || (_sawLeader && _consistency == ReadConsistency.Session))
        {
            AskReadIndex(mustConfirm, OnReadIndex);
            return;
        }

        ReadWith(_consistency == ReadConsistency.Session ? _seen : null);
    }

    /// <param name="mustConfirm">Nothing goes on without an answer: asks again until <see cref="_confirmUntilMs"/>.</param>
    /// <param name="heard">Whether a leader was confirmed, and the last GTID that anybody can have been told of then.</param>
    private void AskReadIndex(bool mustConfirm, Action<bool, Gtid?> heard)
    {
        WhenAnswered(_context.Routes.ReadIndexAsync(), (ok, gtid) =>
        {
            if (!ok && mustConfirm && _loop.NowMs < _confirmUntilMs)
                Later(LookAgainMs, () => AskReadIndex(mustConfirm, heard));
            else
                heard(ok, gtid);
        });
    }

    private void OnReadIndex(bool confirmed, Gtid? gtid)
    {
        var mustConfirm = MustConfirm(_flight.Code, _flight.Class);
        if (!confirmed && mustConfirm)
        {
            Answer(ProxyErrors.NoLeader(_context.Options.FailoverWaitMs));
            return;
        }

        _hasForeignToken &= !confirmed;
        if (mustConfirm && IsHeldByDeposed)
        {
            Move();
            return;
        }

        var follows = FollowsLocalRead(_flight.Class);
        if (!confirmed || !(follows || WantsLocal(_flight.Code, _flight.Class)))
        {
            SendToLeader();
            return;
        }

        _sawLeader = false;
        Saw(gtid);
        if (!follows)
            ReadWith(_seen); // the later of the two
        else if (MustAwait(_seen))
            SendToLeader();
        else
            SendFollowing();
    }

    /// <summary>Brings the local backend where it must be, and sends the read.</summary>
    private void ReadWith(Gtid? needed)
    {
        if (_local is { IsClosed: false } local && local.StateVersion == _state.Version && !MustPrepareLocally && !MustAwait(needed))
            SendToLocal(); // the usual case
        else
            PrepareRead(needed);
    }

    private bool MustAwait(Gtid? needed) => needed is { } gtid && gtid.Sequence > _reader!.Reached;

    private void PrepareRead(Gtid? needed)
    {
        _readsLocally = true;
        var script = new List<ScriptItem>();
        var fresh = _local is not { IsClosed: false };
        if (fresh && !TryConnectLocal())
        {
            SendToLeader();
            return;
        }

        if (fresh)
            script.Add(ScriptItem.Query(Preparation));
        if (fresh && _local is { IsHop: true } hop)
        {
            script.Add(ScriptItem.Query("SELECT CONNECTION_ID()", id => hop.ConnectionId = id)); // the greeting was another server's
            Later(SetupLimitMs + _context.Options.ReadWaitMs, () => OnReaderSilent(hop));
        }

        if (_local!.StateVersion != _state.Version)
        {
            _local.StateVersion = _state.Version;
            script.AddRange(_state.Script(NameEncoding));
            // What no text shows (a view that calls a function that writes) is refused by the server, and then asked of the leader.
            script.Add(ScriptItem.Query("SET SESSION tx_read_only=1"));
        }

        if (MustPrepareLocally)
            script.AddRange(PrepareOn(_flightStatement!, _flightStatement!.AtLocal, _local));

        var waits = MustAwait(needed);
        if (waits)
            script.Add(ScriptItem.Query(string.Create(CultureInfo.InvariantCulture, $"SELECT MASTER_GTID_WAIT('{needed}', {_context.Options.ReadWaitMs / 1000.0:0.###})")));
        _local.Setup = new BackendSetup(_local, fresh ? new BackendLogin(_login!, _secret!) : null, script, (setup, refusal) => OnLocalReady(setup, refusal, waits ? needed : null));
        if (!fresh)
            _local.Setup.Begin();
    }

    private bool TryConnectLocal()
    {
        _local = _reader is { } reader ? Dial(reader) : null;
        if (_local is null && _reader is { } unreachable)
            Suspect(unreachable);
        return _local is not null;
    }

    private void OnLocalReady(BackendSetup setup, ErrPacket? refusal, Gtid? awaited)
    {
        if (Phase != SessionPhase.Preparing || !_readsLocally)
            return;
        if (refusal is not null)
        {
            if (IsAboutTheReader(refusal) && _local is { IsHop: true, Reader: { } reader })
                Suspect(reader); // another may do
            else
                _localPauseUntilMs = _loop.NowMs + 5000;
            DropLocal();
            SendToLeader();
        }
        else if (awaited is not null && setup.LastValue != "0")
        {
            SendToLeader(); // not there in time
        }
        else
        {
            if (awaited is { } gtid)
                _reader?.See(gtid.Sequence);
            SendToLocal();
        }
    }

    private void SendToLocal()
    {
        if (EndsBeforeItBegins())
            return;
        if (ViewsHaveChanged)
        {
            SendToLeader();
            return;
        }

        _active = _local;
        _ticket++;
        (_lastWasLocal, _readsLocally, _sawReader) = (true, false, true);
        _answeredBy = _local!.Reader!.Id;
        _local.Reader.Load.CountRead();
        Count(TakenRoute.Local);
        Phase = SessionPhase.Answering;
        _relay.Begin(CommandShapes.Of(_flight.Code));
        if (_flightStatement is { } statement)
            KeepFor(statement, statement.AtLocal);
        if (!_local.Send(_flight.Packet))
            OnBackendLost(_local, "the connection broke");
    }

    private void DropLocal()
    {
        _local?.Close();
        _local = null;
    }

    /// <summary>An error of the local server is no answer: it may be behind, or read-only. The leader's counts.</summary>
    bool IRelayOwner.Intercepts(ReadOnlySpan<byte> error)
    {
        _wasNotSent = _active == _leader && _leader is { IsHop: true } && SaysNotLeader(error);
        return !_errorMayPass && (MeetsWriter(error) || (_active == _local && !IsInterruption(error)) || IsRetriable(error));
    }

    private bool IsRetriable(ReadOnlySpan<byte> error) =>
        (IsReadOnlyRefusal(error) && _flight.IsKept && (_wasNotSent || IsOneStep) && !_login!.IsHop && (_readOnlyUntilMs == 0 || _loop.NowMs < _readOnlyUntilMs)
            && (!InTransaction || _begun is not null || _leader is { IsHop: true } || _context.Routes.Current is not { LeaderIsHere: true, IsHandingOver: false }));

    /// <summary>It does all of it or nothing; a procedure, a text of several statements or a bulk may have committed the first half when it fails.</summary>
    private bool IsOneStep => !_flight.Class.Has(StatementTraits.Doubtful | StatementTraits.MultiStatement) && _flight.Code != CommandCode.StatementBulkExecute;

    private void AfterIntercepted()
    {
        if (_active == _local)
            SendRefused();
        else if (_writes)
            AnswerRefusedRepetition();
        else
            RetryAfterReadOnly();
    }

    /// <summary>KILL and time limits are meant for the statement, wherever it runs.</summary>
    private static bool IsInterruption(ReadOnlySpan<byte> error) =>
        error.Length >= 3 && (error[1] | (error[2] << 8)) is ProxyErrors.QueryInterrupted or ErrorConnectionKilled or ErrorStatementTimeout;

    /// <summary>
    /// 1290, option --read-only, or another proxy's word for it: the server is no leader any more, and has not executed the statement. Other options have the same code
    /// (--secure-file-priv).
    /// </summary>
    private static bool IsReadOnlyRefusal(ReadOnlySpan<byte> error) =>
        error is [ErrPacket.Marker, 0x0A, 0x05, ..] && (error.IndexOf("--read-only"u8) > 0 || error.IndexOf("WolfScale: this node"u8) > 0);

    /// <summary>Another node's proxy has sent the command to no server, and ends the connection: whatever it was, it has done nothing.</summary>
    private static bool SaysNotLeader(ReadOnlySpan<byte> error) => IsReadOnlyRefusal(error) && error.IndexOf(ProxyErrors.DoesNotLead) > 0;

    /// <summary>5: after the whole answer.</summary>
    private void AfterAnswer()
    {
        _loop.Meter.Latency[(int)(_active != _leader ? AnsweredBy.Local : _leader!.IsHop ? AnsweredBy.LeaderElsewhere : AnsweredBy.LeaderHere)].Record(_loop.NowUs - _sentAtUs);
        TracePassed();
        _condemned = null;
        if (_killedItself)
        {
            Close();
            return;
        }

        if (_active == _leader && !InTransaction && (!_reportedGtid || !_flight.IsKept || !IsOneStep))
            _sawLeader = true; // what wrote and then read may have seen more than it wrote
        _lastGtid = _reportedGtid ? _reported : null;
        (_reportedGtid, _readOnlyUntilMs) = (false, 0);
        if (_assigning.Count > 0)
            _assignedAt = _active;
        _assigned.UnionWith(_assigning);
        _assigning.Clear();
        var tracks = _flight.Class.Has(StatementTraits.SetsTracking) && !_login!.IsHop; // of a hop the other proxy asks
        if (_leader is not { IsClosed: false } leader || _active != leader || !(_preparesAgain || tracks))
            BecomeIdle();
        else if (tracks)
            AskWhatIsTracked(leader);
        else
            Prepare(leader);
    }

    /// <summary>
    /// The client has chosen what the server reports. The report does not tell it, unless the list names itself; and as long as it is in force no OK tells a
    /// GTID to the gate.
    /// </summary>
    private void AskWhatIsTracked(Backend leader)
    {
        Phase = SessionPhase.Preparing;
        leader.Setup = new BackendSetup(leader, null, [ScriptItem.Query("SELECT @@session_track_system_variables")], (setup, refusal) =>
        {
            if (refusal is null)
                Tracked = TrackedVariables.Parse(setup.LastValue ?? "").With(Tracked.StateChanges);
            Prepare(leader);
        });
        leader.Setup.Begin();
    }

    /// <summary>Tells the server again what to report. Nothing goes on over a connection that will not.</summary>
    private void Prepare(Backend leader)
    {
        (_preparesAgain, Phase) = (false, SessionPhase.Preparing);
        List<ScriptItem> script = _repeats ? [ScriptItem.Query(Preparation), ScriptItem.Query(MayWriteAgain)] : [ScriptItem.Query(Preparation)];
        _repeats = false;
        leader.Setup = new BackendSetup(leader, null, script, (setup, refusal) =>
        {
            if (refusal is not null)
                DropLeader();
            NoteReading(setup);
            BecomeIdle();
        });
        leader.Setup.Begin();
    }

    /// <summary>A transaction of this session: all that it can have seen on the leader was committed before it.</summary>
    private void NoteWrite(Gtid gtid)
    {
        (_reportedGtid, _reported, _sawLeader) = (true, gtid, false);
        _answerTells = true; // after what it tells
        Saw(gtid);
    }

    private void Saw(Gtid? gtid)
    {
        if (gtid is { } g && (_seen is not { } seen || seen.Domain != g.Domain || g.Sequence > seen.Sequence))
            _seen = g;
    }

    private void SetConsistency(string value)
    {
        if (Enum.TryParse<ReadConsistency>(value, ignoreCase: true, out var consistency) && Enum.IsDefined(consistency) && !char.IsAsciiDigit(value[0]))
        {
            _consistency = consistency;
            AnswerOk();
        }
        else
        {
            Answer(ProxyErrors.InvalidSetting);
        }
    }

    private void SetToken(string value)
    {
        if (Gtid.TryParse(value, out var gtid))
        {
            Saw(gtid);
            _hasForeignToken = true;
            AnswerOk();
        }
        else if (value.Equals("NULL", StringComparison.OrdinalIgnoreCase))
        {
            AnswerOk(); // of one who had seen nothing
        }
        else
        {
            Answer(ProxyErrors.InvalidSetting);
        }
    }
}
