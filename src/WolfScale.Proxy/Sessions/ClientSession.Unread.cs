using System.Buffers.Binary;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What is too long to be kept: it goes to the leader as it comes, and cannot be sent again. What cannot be sent yet waits in the client's socket.</summary>
internal sealed partial class ClientSession
{
    /// <summary>A longer command goes to the leader as it comes, unread and not kept.</summary>
    private const int LongestKept = 64 << 10;

    private const int HintWithin = 256;

    /// <summary>A client that stops in the middle of its file, as a server's net_read_timeout.</summary>
    private const int SwallowLimitMs = 30_000;

    /// <summary>What is not looked into may be anything.</summary>
    private static readonly StatementClass Unread = new() { Traits = StatementTraits.Doubtful | StatementTraits.CommitCapable };

    private readonly FileStream _file = new();
    private CommandStream? _stream;
    private bool _streamIsLost; // the leader is gone, and what follows of the command goes nowhere
    private bool _lostAtItsEnd;
    private (string? Tie, string? LostRole) _tiesBefore;
    private long _swallowed; // bytes of long commands and files so far
    private ErrPacket? _lastWord; // the server's
    private ErrPacket? _fileError; // the same of a file: what its client hears behind it
    private bool _unreadIsConfirmed; // a leader was, for the command that waits in the socket

    /// <summary>No other command needs to be; and the id or the name in it would reach the server as the client has sent it.</summary>
    private static bool MayBeLong(CommandCode code) => code is CommandCode.Query or CommandCode.StatementPrepare
        or CommandCode.StatementExecute or CommandCode.StatementBulkExecute or CommandCode.StatementSendLongData;

    private int BeginStream(CommandCode code, Span<byte> bytes)
    {
        _answerTells = false;
        _tiesBefore = _state.LastingTies;
        byte[]? beginning = null;
        var replaced = 0;
        LongText? text = null;
        if (code is CommandCode.StatementPrepare or CommandCode.Query)
        {
            if (!TryBeginText(code, bytes, out text))
                return bytes.Length;
        }
        else if (code is CommandCode.StatementExecute or CommandCode.StatementSendLongData or CommandCode.StatementBulkExecute)
        {
            if (bytes.Length < PacketHeader.Size + 6)
                return 0;
            if (!TryFindStatement(bytes, out var statement))
            {
                Refuse(ProxyErrors.UnknownStatement(bytes), 1); // all that follows would have to be read over
                return bytes.Length;
            }

            if (statement.AtLeader.Backend != _leader)
            {
                PrepareUnread(statement);
                return 0;
            }

            if (MustAwaitTypes(code, statement, bytes))
                return 0;
            statement.HasLongData = code == CommandCode.StatementSendLongData;
            TieUnread(code, statement, bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(PacketHeader.Size + 1)..], statement.AtLeader.Id);
            beginning = NoteTypes(code, statement, bytes, out replaced);
            if (Phase == SessionPhase.Closed)
                return bytes.Length;
        }

        _flight.Note(code, Unread);
        NoteBegin(code, Unread);
        _flightStatement = null;
        _stream = new CommandStream();
        if (beginning is null)
        {
            var taken = Stream(bytes);
            _text = _stream is null ? null : text; // what was here was looked at
            return taken;
        }

        _ = _stream.Take(bytes[..replaced]);
        if (!_leader!.Send(beginning))
        {
            _lostAtItsEnd = _stream.IsWhole;
            OnBackendLost(_leader, "the connection broke");
        }

        return Phase == SessionPhase.Closed ? bytes.Length : replaced + Stream(bytes[replaced..]);
    }

    /// <summary>What is not kept waits in the socket where it cannot be sent now, and is read again when it can.</summary>
    private bool MustWaitUnread(CommandCode code, ReadOnlySpan<byte> bytes)
    {
        if (_leader is not { IsClosed: false } leader || IsDeposed(leader))
        {
            Unpark();
            return true;
        }

        if (!_unreadIsConfirmed && (MustConfirm(code, Unread) || (HintsAtStrong(bytes) && MustConfirm(code, new() { Hint = RoutingHint.Strong }))))
        {
            ConfirmUnread();
            return true;
        }

        _unreadIsConfirmed = false;
        if (InTransaction || !_context.Routes.Current.IsHandingOver)
            return false;
        Phase = SessionPhase.Preparing;
        _flight.Note(default, Harmless);
        Later(HandoverLookMs, BecomeIdle);
        return true;
    }

    /// <summary>Only its beginning is looked at: a statement is taken apart later, and once.</summary>
    private static bool HintsAtStrong(ReadOnlySpan<byte> bytes) => bytes[..Math.Min(bytes.Length, HintWithin)].IndexOf("wolfscale: strong"u8) >= 0;

    private void ConfirmUnread()
    {
        _ticket++;
        _confirmUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        Phase = SessionPhase.Preparing;
        _flight.Note(default, Harmless);
        AskReadIndex(mustConfirm: true, OnUnreadConfirmed);
    }

    private void OnUnreadConfirmed(bool confirmed, Gtid? gtid)
    {
        if (!confirmed)
        {
            Refuse(ProxyErrors.NoLeader(_context.Options.FailoverWaitMs), 1); // all that follows would have to be read over
            return;
        }

        _hasForeignToken = false;
        if (IsHeldByDeposed)
        {
            Unpark();
            return;
        }

        _unreadIsConfirmed = true;
        BecomeIdle();
    }

    private int Stream(Span<byte> bytes)
    {
        var taken = _stream!.Take(bytes);
        (_answerNumber, _swallowed) = (_stream.Next, _swallowed + taken);
        LookThrough(bytes[..taken]);
        if (!_streamIsLost && taken > 0 && !_leader!.Send(bytes[..taken]))
        {
            _lostAtItsEnd = _stream.IsWhole; // its last bytes may have left
            OnBackendLost(_leader, "the connection broke");
        }

        if (!_stream.IsWhole || Phase == SessionPhase.Closed)
            return taken;
        if (_streamIsLost) // all of it is taken
        {
            AnswerLostStream();
            return taken;
        }

        (_stream, _text) = (null, null);
        _active = _leader;
        _wroteInTransaction = true;
        Count(RouteToLeader(Unread));
        _lastWasLocal = false;
        NoteLeadership(_leader!);
        _gateUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        Phase = SessionPhase.Answering;
        _relay.Begin(CommandShapes.Of(_flight.Code));
        if (CommandShapes.Of(_flight.Code) == ResponseShape.None)
            BecomeIdle();
        OnAnotherLeads();
        return taken;
    }

    private int OnFile(Span<byte> bytes)
    {
        var taken = _file.Take(bytes);
        _swallowed += taken;
        if (_fileError is null && taken > 0 && !_active!.Send(bytes[..taken]))
            OnBackendLost(_active, "the connection broke");
        if (!_file.IsOver || Phase != SessionPhase.SendingFile)
            return taken;
        if (_fileError is { } error)
        {
            Refuse(error, _file.Next);
            return taken;
        }

        _relay.FileSent(_file.Next);
        Phase = SessionPhase.Answering;
        return taken;
    }

    /// <summary>The client hears of it when it listens: behind its file. An error that came before, with bytes of the file unread, would be cut off together with the connection.</summary>
    private void OnFileLost(ErrPacket error)
    {
        _fileError = error;
        GiveUpWhenSilent();
        NextFromClient();
    }

    private void GiveUpWhenSilent()
    {
        var before = _swallowed;
        _timer = _loop.After(SwallowLimitMs, () =>
        {
            if (_swallowed == before)
                Close();
            else
                GiveUpWhenSilent();
        });
    }

    /// <summary>The leader is gone before it had the whole of a long command, and so has executed nothing. As with a file, the client listens behind its last byte.</summary>
    private void OnStreamLost()
    {
        (_lostEpoch, _closedByServer) = (_epoch, true);
        _streamIsLost = true;
        GiveUpWhenSilent();
        NextFromClient();
    }

    /// <summary>Before it has the whole of a command a server only speaks to say why it closes (1153: the command is too long).</summary>
    private void NoteLastWord(Span<byte> bytes)
    {
        if (_stream is not null && !WasClosedForWrites && TryTakePacket(bytes, out _, out var payload) && !SaysNotLeader(payload)) // else the next leader is asked
            _lastWord = ErrPacket.Read(payload);
    }

    private void AnswerLostStream()
    {
        if (_refusal is { } refusal)
        {
            Refuse(refusal, _answerNumber);
            return;
        }

        var (mayHaveCommitted, lastWord) = (_lostAtItsEnd, _lastWord);
        (_stream, _text, _streamIsLost, _lostAtItsEnd, _lastWord) = (null, null, false, false, null);
        _timer?.Cancel();
        if (CommandShapes.Of(_flight.Code) == ResponseShape.None)
        {
            BecomeIdle(); // the next command is told
            return;
        }

        if (lastWord is not null)
        {
            Refuse(lastWord, _answerNumber); // as the server has ended its connection
            return;
        }

        if (!mayHaveCommitted)
            _state.LastingTies = _tiesBefore;
        var error = mayHaveCommitted ? ProxyErrors.OutcomeUnknown : InTransaction || _mayBeInTransaction ? LostTransaction() : ProxyErrors.LostWhileSent;
        LeaveTransaction();
        Answer(error);
    }

    /// <summary>The statement is prepared where the session is now, while the command that executes it waits in the socket.</summary>
    private void PrepareUnread(PreparedStatement statement)
    {
        _flight.Note(default, Harmless);
        Phase = SessionPhase.Preparing;
        PrepareAt(_leader!, statement, refusal =>
        {
            if (refusal is null)
                BecomeIdle();
            else
                Refuse(refusal, 1); // all that follows would have to be read over
        });
    }
}
