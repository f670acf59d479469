using System.Buffers.Binary;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>Step 4: what the client wants, and where it goes.</summary>
internal sealed partial class ClientSession
{
    private static StatementClass Harmless => default;

    private readonly Dictionary<uint, PreparedStatement> _statements = [];
    private HeldCommand _flight;
    private (byte[] Sql, StatementClass Class)? _preparing;
    private PreparedStatement? _flightStatement;
    private byte[]? _beginning; // the command under way begins a transaction
    private byte[]? _begun; // the command before it did, and nothing has been done in it
    private byte[]? _nextTransaction; // SET TRANSACTION that no transaction has used up yet
    private bool _wasSetting; // the command before did nothing but that, or set something else
    private byte[]? _option; // COM_SET_OPTION: whether several statements may come in one text
    private bool _insertedHere; // the leader's connection knows a LAST_INSERT_ID()
    private bool _mayHaveInsertId; // … which no OK has told
    private bool _insertedElsewhere; // … which stayed behind with another leader
    private bool _mayHaveInsertIdElsewhere; // … the same, which no OK has told
    private bool _wroteHere; // the leader's connection may know a LASTVAL()
    private bool _wroteElsewhere; // … which stayed behind, with another leader or with a connection that was given away
    private TakenRoute? _lastRoute;
    private long _sentAtUs;
    private readonly long[] _statementsBy = new long[TakenRoutes.Count]; // by the route that they took
    private uint _lastStatementId;
    private uint _lastPrepared; // 0 while the last preparation has failed
    private ClientCharset _charset;
    private bool _ansiQuotes;
    private bool _hasTemporaryTables;
    private bool _preparesAgain;
    private bool _readies; // the leader's connection is made ready for the command that is kept
    private bool _killedItself; // KILL CONNECTION_ID(): the server closes now, and so does the proxy

    /// <summary>One command; what comes behind it waits for its answer.</summary>
    private int OnCommand(Span<byte> bytes)
    {
        if (_stream is not null)
            return Stream(bytes);
        if (bytes.Length <= PacketHeader.Size)
            return 0;
        var header = PacketHeader.Read(bytes);
        if (header.PayloadLength == 0)
            ProtocolException.Throw("The client's command is an empty packet.");
        var code = (CommandCode)bytes[PacketHeader.Size];
        if (header.PayloadLength > LongestKept && !MayBeLong(code))
        {
            Refuse(ProxyErrors.TooLong, 1);
            return bytes.Length;
        }

        if (_isParked && (header.PayloadLength > LongestKept || code is CommandCode.ChangeUser or CommandCode.ResetConnection))
        {
            Unpark();
            return 0;
        }

        if (header.PayloadLength > LongestKept)
            return MustAwaitText(code, bytes) || MustWaitUnread(code, bytes) ? 0 : BeginStream(code, bytes);

        var length = PacketHeader.Size + header.PayloadLength;
        if (bytes.Length < length)
            return 0;
        Dispatch(code, bytes[..length]);
        return length;
    }

    private void Dispatch(CommandCode code, Span<byte> packet)
    {
        TraceArrival();
        _answerTells = false;
        var body = packet[(PacketHeader.Size + 1)..];
        switch (code)
        {
            case CommandCode.Quit:
                Close(packet);
                break;
            case CommandCode.Query:
                var statement = Classify(body);
                if (!TrySpecial(statement, body))
                    Route(code, packet, statement);
                break;
            case CommandCode.StatementPrepare:
                statement = Classify(body);
                _lastPrepared = 0;
                if (statement.Special == SpecialStatement.ForbiddenSet)
                {
                    Answer(ProxyErrors.Forbidden(statement.Value.Of(body)));
                    break;
                }

                if (statement.Special is not (SpecialStatement.None or SpecialStatement.Kill))
                {
                    Answer(ProxyErrors.NotPrepared); // the server would take it, and nothing would come of it
                    break;
                }

                _preparing = (body.ToArray(), statement);
                Route(code, packet, Harmless);
                break;
            case CommandCode.StatementExecute or CommandCode.StatementBulkExecute:
                Execute(code, packet);
                break;
            case CommandCode.StatementClose or CommandCode.StatementReset or CommandCode.StatementFetch or CommandCode.StatementSendLongData:
                OnStatement(code, packet);
                break;
            case CommandCode.BinlogDump or CommandCode.RegisterSlave:
                Answer(ProxyErrors.NotSpoken("replication is not spoken through the proxy: a replica connects to a server itself"));
                break;
            case CommandCode.ChangeUser or CommandCode.ResetConnection:
                Renew(code, packet);
                break;
            case CommandCode.ProcessKill when BinaryPrimitives.TryReadUInt32LittleEndian(body, out var id):
                Route(code, packet, new() { Traits = StatementTraits.IsKill, Special = SpecialStatement.Kill, Kill = new(KillScope.Connection, id, Soft: false) });
                break;
            case CommandCode.Shutdown:
                Route(code, packet, new() { Traits = StatementTraits.CommitCapable });
                break;
            default:
                if (code == CommandCode.SetOption)
                    (_option, _optionWasSet) = (body.ToArray(), true);
                Route(code, packet, Harmless);
                break;
        }
    }

    /// <summary>What a text is. <c>SET @@name</c> becomes <c>SET   name</c> in it: the server does the same, and reports it.</summary>
    private StatementClass Classify(Span<byte> sql)
    {
        _views = _context.Routes.Views;
        return StatementClassifier.ClassifyAndRewrite(sql, Classifier);
    }

    private ClassifierOptions Classifier => new()
    {
        Charset = _charset,
        NoBackslashEscapes = ((ushort)_status & 0x0200) != 0,
        AnsiQuotes = _ansiQuotes,
        HasTemporaryTables = _hasTemporaryTables,
        InSystemSchema = _state.InSystemSchema,
        ServerVersion = _serverVersion,
        Views = _views,
    };

    private void Route(CommandCode code, Span<byte> packet, StatementClass statement)
    {
        NoteTies(statement);
        if (code == CommandCode.Query)
            NoteAssigned(statement, packet[(PacketHeader.Size + 1)..]);
        if (RefusesReaderHop(statement) || RefusesView(statement))
            return;
        _flight.Keep(packet, code, statement);
        _flightStatement = null;
        NoteBegin(code, statement);
        GoOnAfterVariables();
    }

    private void GoOnAfterVariables()
    {
        if (MustLookForUnseen(_flight.Class))
        {
            (_readies, Phase) = (true, SessionPhase.Preparing);
            LookForUnseen(GoOnAfterVariables);
        }
        else if (MustReadVariables(_flight.Class))
        {
            ReadVariables(_assignedAt!);
        }
        else
        {
            _readies = false;
            GoOn();
        }
    }

    /// <summary>The command that is kept asks for an insert that stayed behind with another leader.</summary>
    private bool RefersToOldLeader => _flight.Class.Has(StatementTraits.RefersToInsertId)
        && (_flight.Class.Has(StatementTraits.RefersToLastStatement) ? InsertIdStayedBehind : _wroteElsewhere);

    /// <summary>What may have set one here is believed to have, where it is not certain that there was one before: else who calls a procedure and asks each time would be refused.</summary>
    private bool InsertIdStayedBehind => _insertedElsewhere || (_mayHaveInsertIdElsewhere && !_mayHaveInsertId);

    /// <summary>ROW_COUNT(), FOUND_ROWS(), SHOW WARNINGS: of what ran on the connection that is gone.</summary>
    private bool AsksOfTheOneBefore => _flight.Class.Has(StatementTraits.RefersToLastStatement) && !_flight.Class.Has(StatementTraits.RefersToInsertId);

    /// <summary>The command that is kept goes where it belongs.</summary>
    private void GoOn()
    {
        if (RefersToOldLeader)
            Refuse(ProxyErrors.StatementStayedBehind, 1);
        else if (MustWait(_flight.Class))
            WaitForHandover();
        else if (FollowsLocalRead(_flight.Class))
            FollowLocalRead();
        else if (WantsLocal(_flight.Code, _flight.Class) || MustConfirm(_flight.Code, _flight.Class))
            ReadLocally();
        else
            SendToLeader();
    }

    /// <summary>While the lead is given away nothing new begins: it would be refused, or hold up the hand-over. Without autocommit a read begins a transaction.</summary>
    private bool MustWait(StatementClass statement) =>
        !InTransaction && _context.Routes.Current.IsHandingOver
        && (statement.Has(StatementTraits.CommitCapable | StatementTraits.BeginsTransaction)
            || ((_status & ServerStatus.AutoCommit) == 0 && _flight.Code is CommandCode.Query or CommandCode.StatementExecute));

    /// <summary>A transaction in which nothing was done yet can begin again elsewhere.</summary>
    private void NoteBegin(CommandCode code, StatementClass statement)
    {
        NoteTableLocks(statement);
        _begun = _beginning;
        if (_begun is null && !_wasSetting)
            _nextTransaction = null; // the command before this one has used it up
        _wasSetting = statement.Has(StatementTraits.SetsSessionState | StatementTraits.SetsNextTransaction) && !statement.Has(StatementTraits.MultiStatement);
        _beginning = code == CommandCode.Query && statement.Has(StatementTraits.BeginsTransaction) && !statement.Has(StatementTraits.MultiStatement)
            ? _flight.Packet[(PacketHeader.Size + 1)..].ToArray()
            : null;
    }

    /// <summary>Sends the command that is kept.</summary>
    private void SendToLeader()
    {
        _readsLocally = false; // from here on the local backend's end, or its being ready, says nothing of this command
        if (EndsBeforeItBegins())
            return;
        if (_leader is not { IsClosed: false } leader || IsDeposed(leader))
        {
            Move();
            return;
        }

        if (_flight.Class.Special == SpecialStatement.Kill && TryKill(_flight.Class.Kill))
            return;
        if (LackedVariable() is { } name)
        {
            Refuse(ProxyErrors.SessionCannotMove($"a routine may have set the user variable @{name} on the server that is gone"), 1);
            return;
        }

        if (_flightStatement is { } statement && statement.AtLeader.Backend != leader)
        {
            PrepareAgain(leader, statement);
            return;
        }

        _ticket++;
        _isSent = true;
        Count(_login!.Hop == HopKind.ToReader ? TakenRoute.Local : RouteToLeader(_flight.Class));
        _lastWasLocal &= CommandShapes.Of(_flight.Code) == ResponseShape.None; // what has no answer leaves what came before it to be asked for
        _active = leader;
        Phase = SessionPhase.Answering;
        NoteLeadership(leader);
        _gateUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        if (_flight.Class.Has(StatementTraits.CommitCapable))
            (_wroteHere, _wroteElsewhere) = (true, false);
        _wroteInTransaction |= _flight.Class.Has(StatementTraits.CommitCapable) && !_flight.Class.Has(StatementTraits.CommitsOnlyOpenTransaction);
        _relay.Begin(CommandShapes.Of(_flight.Code));
        if (_flightStatement is { } prepared)
        {
            KeepFor(prepared, prepared.AtLeader);
            prepared.HasLongData &= _flight.Code != CommandCode.StatementExecute;
        }

        var sent = leader.Send(_flight.Packet);
        if (CommandShapes.Of(_flight.Code) == ResponseShape.None)
            BecomeIdle(); // first: nobody waits for an answer
        if (!sent)
            OnBackendLost(leader, "the connection broke");
        else if (InTransaction || _state.Tie is not null)
            OnAnotherLeads(); // it had to go where the session is, and nobody else says that it is in vain
    }

    private TakenRoute RouteToLeader(StatementClass statement) =>
        _leader is { IsHop: false } ? TakenRoute.LeaderHere
        : InTransaction ? TakenRoute.InTransaction
        : statement.Hint == RoutingHint.Leader ? TakenRoute.HintLeader
        : _flight.Code is not (CommandCode.Query or CommandCode.StatementExecute) ? TakenRoute.OtherCommand
        : statement.Route == StatementRoute.Leader ? statement.Has(StatementTraits.Doubtful) ? TakenRoute.MayWrite : TakenRoute.Writes
        : _secret is null ? TakenRoute.AccountElsewhere
        : TakenRoute.LocalNotReady;

    private void Count(TakenRoute route)
    {
        _lastRoute = route;
        _statementsBy[(int)route]++;
        _sentAtUs = _loop.NowUs;
        _loop.Meter.Statements[(int)route]++;
    }

    /// <summary>Another node leads by now: what this one shows may be old.</summary>
    private bool IsDeposed(Backend leader) =>
        IsElsewhere(leader) && !InTransaction && !_login!.IsHop && TieBefore is null;

    /// <summary>
    /// A transaction or a tie keeps the session with a server that leads no more, or the leader's server is not open yet. What must be fresh cannot be read there: the leader that was confirmed is another one.
    /// </summary>
    private bool IsHeldByDeposed => _leader is { IsClosed: false } leader && (_context.Routes.Current.Leader is null || IsElsewhere(leader)) && !IsDeposed(leader);

    /// <summary>For the gate: under which leadership the statement is sent. A server without a quorum is still spoken to; it may lead again.</summary>
    private void NoteLeadership(Backend leader)
    {
        var routes = _context.Routes.Current;
        if (!leader.IsHop && routes.LeaderIsHere)
            (_epoch, _closings) = (routes.Epoch, routes.Closings);
    }

    /// <summary>What a statement leaves behind on its server alone.</summary>
    private void NoteTies(StatementClass statement)
    {
        if (statement.Has(StatementTraits.CreatesTemporaryTable))
        {
            _hasTemporaryTables = true;
            _state.TieTo("it has temporary tables");
        }

        if (statement.Has(StatementTraits.RunsUnseenText))
            _state.LoseRole("it has run dynamic SQL that the proxy has not seen, which may have locked something or set its role");
        if (statement.Has(StatementTraits.TakesUserLock))
            _state.TieWhile(PassingTies.UserLocks);
        if (statement.Has(StatementTraits.OpensHandler))
            _state.TieTo("it has an open HANDLER");
        if (statement.Has(StatementTraits.LocksTables))
            TieToLocks(statement);
        if (statement.Has(StatementTraits.PreparesSqlStatement))
            _state.TieTo("it has statements prepared with PREPARE");
    }

    void IRelayOwner.Passed(PacketRole role, ReadOnlySpan<byte> payload)
    {
        if (_active == _leader)
            NoteLoosened(role, payload);
        if (role == PacketRole.Error && _active == _leader)
        {
            _hasWarnings = true;
            if (!_statusIsAsked)
                NoteOldStatus();
            _killedItself = _flight.Class.Has(StatementTraits.IsKill) && payload is [_, ErrorConnectionKilled & 0xFF, ErrorConnectionKilled >> 8, ..];
            if (_flight.Class.Has(StatementTraits.IsKill))
                Spare();
            NoteUnseenError();
            _mayHaveInsertId |= IsOpaque(_flight.Class); // a routine may have inserted before it failed
        }

        if (role is not (PacketRole.Ok or PacketRole.EndOfRows) || payload.Length < 7)
            return;
        var ok = OkInfo.Read(payload);
        var readUnder = _flight.Class.Has(StatementTraits.SetsForItself) ? Classifier : default; // before what the OK tells
        if (role == PacketRole.Ok && _active == _leader)
            NoteUnreported(_flight.Class);
        if (_active == _leader && ok.HasInsertId)
            NoteInsertId();
        else if (_active == _leader)
            _mayHaveInsertId |= MayHaveInsertIdUntold(_flight.Class, role);
        if (_active == _leader)
            NoteStatus(ok.Status, ok.Warnings);
        if (_active != _leader)
            return;
        if (role == PacketRole.Ok)
            NotePrepared(_flight.Class);
        NoteUnseen(ok.Changes);
        if (ok.Changes.IsEmpty)
            return;
        ApplyChanges(ok.Changes, _flight.Class, _flight.IsKept ? FlightText : default, inRoutine: ok.HasMoreResults && _flight.Class.Has(StatementTraits.CallsProcedure) && !_flight.Class.Has(StatementTraits.MultiStatement), readUnder);
        if (SessionChanges.TryFindLastGtid(ok.Changes, out var gtid))
            NoteWrite(gtid);
    }

    /// <summary>LAST_INSERT_ID() is one that the leader's connection was given since the session came to it.</summary>
    private void NoteInsertId() => (_insertedHere, _insertedElsewhere, _mayHaveInsertIdElsewhere) = (true, false, false);

    /// <summary>LAST_INSERT_ID() may be another one though the OK has none: after CALL, LOAD DATA and INSERT … RETURNING, and where a statement gives it a value.</summary>
    private static bool MayHaveInsertIdUntold(StatementClass statement, PacketRole role) => statement.Has(StatementTraits.SetsInsertId)
        || (statement.Has(StatementTraits.CommitCapable) && !statement.Has(StatementTraits.CommitsOnlyOpenTransaction) && (role == PacketRole.EndOfRows || !statement.Has(StatementTraits.CommitsByAutocommit)));

    /// <summary>What the server has done and does not report.</summary>
    private void NoteUnreported(StatementClass statement)
    {
        if (!statement.Has(StatementTraits.SetsRole | StatementTraits.SetsNextTransaction))
            return;
        if (!_flight.IsKept || statement.Has(StatementTraits.MultiStatement))
        {
            _state.TieTo("its role or its next transaction was set among other statements");
            if (statement.Has(StatementTraits.SetsRole))
                _state.LoseRole("its role was set among other statements");
            return;
        }

        if (statement.Has(StatementTraits.SetsNextTransaction))
            _nextTransaction = FlightText.ToArray();
        if (!statement.Has(StatementTraits.SetsRole))
            return;
        _state.SetRole(FlightText);
        _leader!.StateVersion = _state.Version;
    }

    /// <summary>The statement under way, which is kept.</summary>
    private ReadOnlySpan<byte> FlightText => _flightStatement is { } prepared ? prepared.Sql : _flight.Packet[(PacketHeader.Size + 1)..];

    private void ApplyChanges(ReadOnlySpan<byte> changes, StatementClass statement, ReadOnlySpan<byte> sql, bool inRoutine, ClassifierOptions readUnder = default)
    {
        NoteTracked(changes);
        var before = _state.Version;
        _state.Apply(changes, statement, sql, inRoutine, readUnder);
        if (_state.Version == before)
            return;
        _leader!.StateVersion = _state.Version;
        if (_state.Variable("character_set_client") is { } charset)
            _charset = ClientCharsets.FromName(charset);
        if (_state.Variable("sql_mode") is { } mode)
            _ansiQuotes = mode.Contains("ANSI_QUOTES", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The client chooses what it wants to hear of; the proxy goes on hearing of everything.</summary>
    private void NoteTracked(ReadOnlySpan<byte> changes)
    {
        var reader = new SessionChanges(changes);
        while (reader.Next())
        {
            if (reader.Kind == SessionChangeKind.SystemVariables && ForbiddenVariables.Contains(reader.Name, plainInBody: false))
            {
                _context.Report(new ProtocolException($"a client has set {Encoding.ASCII.GetString(reader.Name)} in a way that its statement did not show; the servers would differ"));
                Close();
                return;
            }

            if (reader.Kind == SessionChangeKind.SystemVariables && (reader.Name.SequenceEqual("last_insert_id"u8) || reader.Name.SequenceEqual("identity"u8)))
                NoteInsertId();
            if (reader.Kind == SessionChangeKind.SystemVariables && reader.Name.SequenceEqual("insert_id"u8))
                _state.TieTo("it has set insert_id");
            if (reader.Kind == SessionChangeKind.SystemVariables && reader.Name.SequenceEqual("session_track_state_change"u8))
                Tracked = Tracked.With(stateChanges: reader.Value.SequenceEqual("ON"u8));
            if (reader.Kind != SessionChangeKind.SystemVariables || !reader.Name.SequenceEqual("session_track_system_variables"u8))
                continue;
            var list = Encoding.ASCII.GetString(reader.Value);
            Tracked = TrackedVariables.Parse(list).With(Tracked.StateChanges);
            _preparesAgain = list != "*";
        }
    }
}
