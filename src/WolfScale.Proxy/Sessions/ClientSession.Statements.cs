using System.Buffers.Binary;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Responses;

namespace WolfScale.Proxy.Sessions;

/// <summary>Prepared statements of the binary protocol. The client knows them by ids of the proxy's.</summary>
internal sealed partial class ClientSession
{
    /// <summary>Code 1 · id 4 · flags 1 · iterations 4.</summary>
    private const int ShortestExecution = 10;

    private void Execute(CommandCode code, Span<byte> packet)
    {
        if (!TryFindStatement(packet, out var statement))
        {
            Answer(ProxyErrors.UnknownStatement(packet));
            return;
        }

        if (code == CommandCode.StatementExecute && packet.Length < PacketHeader.Size + ShortestExecution)
            ProtocolException.Throw("An execution ends early.");
        LookForViews(statement);
        if (RefusesReaderHop(statement.Class) || RefusesView(statement.Class))
            return;
        NoteCursor(code, statement, packet);
        NoteTies(statement.Class);
        NoteAssigned(statement.Class, statement.Sql);
        _flight.Keep(packet, code, statement.Class);
        _flightStatement = statement;
        NoteBegin(code, statement.Class);
        GoOnAfterVariables();
    }

    /// <summary>
    /// Makes the command that is kept one for a server: with the statement's id there and, where that server has not seen them yet, with the types of the
    /// parameters, which the client sends the first time only.
    /// <code>
    ///   header 4 · code 1 · id 4 · flags 1 · iterations 4 · NULLs (n + 7) / 8 · types follow? 1 · types 2 n · values
    ///   header 4 · code 1 · id 4 · flags 2, of which 128: types follow                         · types 2 n · values      (bulk)
    /// </code>
    /// </summary>
    private void KeepFor(PreparedStatement statement, PreparedCopy copy)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_flight.Packet[(PacketHeader.Size + 1)..], copy.Id);
        if (_flight.Code == CommandCode.StatementBulkExecute)
        {
            KeepBulkFor(statement, copy);
            return;
        }

        var bound = PacketHeader.Size + 1 + 4 + 1 + 4 + ((statement.Parameters + 7) / 8);
        if (_flight.Code != CommandCode.StatementExecute || statement.Parameters == 0 || _flight.Packet.Length <= bound)
            return;
        if (_flight.Packet[bound] == 1 && _flight.Packet.Length > bound + (2 * statement.Parameters))
        {
            var types = _flight.Packet.Slice(bound + 1, 2 * statement.Parameters);
            if (statement.Types is null || !types.SequenceEqual(statement.Types))
                statement.Types = types.ToArray();
        }
        else if (statement.Types is { } known && copy.Types != known)
        {
            byte[] longer = [.. _flight.Packet[..bound], 1, .. known, .. _flight.Packet[(bound + 1)..]];
            new PacketHeader(longer.Length - PacketHeader.Size, 0).Write(longer);
            _flight.Keep(longer, _flight.Code, _flight.Class);
        }

        copy.Types = statement.Types;
    }

    private void KeepBulkFor(PreparedStatement statement, PreparedCopy copy)
    {
        const int flags = PacketHeader.Size + 1 + 4;
        const int bound = flags + 2;
        const byte typesFollow = 128;
        var types = 2 * statement.Parameters;
        if (statement.Parameters == 0 || _flight.Packet.Length < bound)
            return;
        if ((_flight.Packet[flags] & typesFollow) != 0)
        {
            if (_flight.Packet.Length >= bound + types)
                statement.Types = _flight.Packet.Slice(bound, types).ToArray();
        }
        else if (statement.Types is { } known && copy.Types != known)
        {
            byte[] longer = [.. _flight.Packet[..bound], .. known, .. _flight.Packet[bound..]];
            longer[flags] |= typesFollow;
            new PacketHeader(longer.Length - PacketHeader.Size, 0).Write(longer);
            _flight.Keep(longer, _flight.Code, _flight.Class);
        }

        copy.Types = statement.Types;
    }

    /// <summary>Commands about a statement that execute nothing.</summary>
    private void OnStatement(CommandCode code, Span<byte> packet)
    {
        if (!TryFindStatement(packet, out var statement))
        {
            if (CommandShapes.Of(code) != ResponseShape.None)
                Answer(ProxyErrors.UnknownStatement(packet));
            return;
        }

        if (code == CommandCode.StatementClose)
            _ = _statements.Remove(statement.Id);
        if (code == CommandCode.StatementSendLongData)
        {
            statement.HasLongData = true;
            _state.TieWhile(PassingTies.Parameters);
        }
        else if (code == CommandCode.StatementReset)
        {
            (statement.HasLongData, statement.HasCursor) = (false, false);
        }

        _flight.Keep(packet, code, Harmless);
        _flightStatement = statement;
        if (code == CommandCode.StatementClose)
            CloseLocal(statement);
        if (code == CommandCode.StatementClose && (_leader is not { IsClosed: false } leader || IsDeposed(leader) || statement.AtLeader.Backend != leader))
            BecomeIdle(); // it is not there any more
        else if (code == CommandCode.StatementSendLongData && _leader is not { IsClosed: false } && (InTransaction || _mayBeInTransaction))
            BecomeIdle(); // no answer follows that could say that the transaction is lost: the next command's does
        else
            SendToLeader();
    }

    /// <summary>The command that is kept executes something that the local server has not prepared.</summary>
    private bool MustPrepareLocally => _flightStatement is { } statement && statement.AtLocal.Backend != _local;

    /// <summary>The server that answers reads forgets it too; no answer follows.</summary>
    private void CloseLocal(PreparedStatement statement)
    {
        if (_local is not { IsClosed: false } local || statement.AtLocal.Backend != local)
            return;
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = 0;
        writer.Begin().Byte((byte)CommandCode.StatementClose).UInt32(statement.AtLocal.Id).End();
        _ = local.Send(writer.Written.Span);
    }

    /// <summary>The leader has changed since: the new one has never seen the statement.</summary>
    private void PrepareAgain(Backend leader, PreparedStatement statement)
    {
        (_readies, Phase) = (true, SessionPhase.Preparing);
        PrepareAt(leader, statement, refusal =>
        {
            _readies = false;
            if (refusal is null)
                SendToLeader();
            else
                Answer(refusal);
        });
    }

    private void PrepareAt(Backend leader, PreparedStatement statement, Action<ErrPacket?> done)
    {
        if (!statement.Context.CanReturnFrom(_state.ParsedUnder))
        {
            Refuse(ProxyErrors.SessionCannotMove("a statement was prepared under another character set"), 1);
            return;
        }

        leader.Setup = new BackendSetup(leader, null, [.. PrepareOn(statement, statement.AtLeader, leader)], (_, refusal) => done(refusal));
        leader.Setup.Begin();
    }

    /// <summary>Prepares a statement as it was prepared before: names and text are read under what was set then.</summary>
    private IEnumerable<ScriptItem> PrepareOn(PreparedStatement statement, PreparedCopy copy, Backend backend)
    {
        var prepare = new ScriptItem(CommandCode.StatementPrepare, statement.Sql, id => copy.SetAt(backend, id));
        return statement.Context == _state.ParsedUnder ? [prepare] : [.. statement.Context.Enter(), prepare, .. _state.ParsedUnder.Enter()];
    }

    /// <summary>
    /// −1 stands for the statement that was prepared last (MariaDB: execution without waiting for the answer to the preparation); for none where that has failed.
    /// </summary>
    private bool TryFindStatement(ReadOnlySpan<byte> packet, out PreparedStatement statement)
    {
        statement = null!;
        if (packet.Length < PacketHeader.Size + 5)
            ProtocolException.Throw("A statement's command has no statement id.");
        var id = BinaryPrimitives.ReadUInt32LittleEndian(packet[(PacketHeader.Size + 1)..]);
        return _statements.TryGetValue(id == uint.MaxValue ? _lastPrepared : id, out statement!);
    }

    void IRelayOwner.Prepared(Span<byte> payload)
    {
        if (_preparing is not { } preparing)
            return;
        _preparing = null;
        var statement = new PreparedStatement(++_lastStatementId, preparing.Sql, preparing.Class, _state.ParsedUnder)
        {
            Views = _views,
            Parameters = BinaryPrimitives.ReadUInt16LittleEndian(payload[7..]),
        };
        statement.AtLeader.SetAt(_leader!, BinaryPrimitives.ReadUInt32LittleEndian(payload[1..]));
        _statements[statement.Id] = statement;
        _lastPrepared = statement.Id;
        BinaryPrimitives.WriteUInt32LittleEndian(payload[1..], statement.Id);
    }
}
