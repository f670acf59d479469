using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Ties that end before the session does: a session without one moves like any other. Where the end is not certain (RELEASE_LOCK of one lock of several, HANDLER CLOSE)
/// it stays tied.
/// </summary>
internal sealed partial class ClientSession
{
    /// <summary>UNLOCK TABLES ends LOCK TABLES. What FLUSH and BACKUP lock, or something among other statements, is not followed.</summary>
    private void TieToLocks(StatementClass statement)
    {
        if (statement.Has(StatementTraits.CommitsOnlyOpenTransaction))
            _state.TieWhile(PassingTies.LockedTables);
        else
            _state.TieTo("it has locked tables");
    }

    private void NoteCursor(CommandCode code, PreparedStatement statement, ReadOnlySpan<byte> packet)
    {
        if (code != CommandCode.StatementExecute)
            return;
        statement.HasCursor = packet[PacketHeader.Size + 5] != 0; // without one, a cursor of the execution before is closed
        if (statement.HasCursor)
            _state.TieWhile(PassingTies.Cursor);
    }

    /// <summary>As for text of that length: what writes rows leaves nothing behind, and what certainly reads does not either.</summary>
    private void TieUnread(CommandCode code, PreparedStatement statement, ReadOnlySpan<byte> packet)
    {
        var known = statement.Class;
        if (code == CommandCode.StatementSendLongData)
            _state.TieWhile(PassingTies.Parameters);
        else if (known.Has(StatementTraits.MultiStatement | StatementTraits.SetsUserVariable | StatementTraits.TakesUserLock)
            || !(known.Has(StatementTraits.CommitsByAutocommit) || known.Route == StatementRoute.Local)
            || (code == CommandCode.StatementExecute && packet[PacketHeader.Size + 5] != 0))
            _state.TieTo("a command of more than 64 KiB passed unread");
    }

    /// <summary>A part of the leader's answer, which may tell that something has ended.</summary>
    private void NoteLoosened(PacketRole role, ReadOnlySpan<byte> payload)
    {
        if (_flightStatement is { HasCursor: true } statement && role is PacketRole.Error or PacketRole.Ok or PacketRole.EndOfRows)
            statement.HasCursor = StillHasCursor(role, payload);
        if (role is not (PacketRole.Ok or PacketRole.EndOfRows) || _flight.Class.Has(StatementTraits.MultiStatement | StatementTraits.Doubtful))
            return;
        if (_flight.Class.Releases == ReleasedLocks.Tables)
        {
            _hasLockedTables = false;
            _state.Loosen(PassingTies.LockedTables);
        }
        else if (_flight.Class.Releases == ReleasedLocks.User)
            _state.Loosen(PassingTies.UserLocks);
    }

    /// <summary>An execution opens one where the server says so; the last fetch tells that it was the last.</summary>
    private bool StillHasCursor(PacketRole role, ReadOnlySpan<byte> payload)
    {
        if (role == PacketRole.Error)
            return _flight.Code != CommandCode.StatementExecute;
        if (payload.Length < 7)
            return true;
        var status = OkInfo.Read(payload).Status;
        return _flight.Code == CommandCode.StatementExecute ? (status & ServerStatus.CursorExists) != 0 : (status & ServerStatus.LastRowSent) == 0;
    }

    /// <summary>After a command: a lost answer may have to be asked for again, and then its parameters count.</summary>
    private void LoosenFromStatements()
    {
        var (cursor, parameters) = (false, false);
        foreach (var statement in _statements.Values)
            (cursor, parameters) = (cursor || statement.HasCursor, parameters || statement.HasLongData);
        _state.Loosen((cursor ? PassingTies.None : PassingTies.Cursor) | (parameters ? PassingTies.None : PassingTies.Parameters));
    }
}
