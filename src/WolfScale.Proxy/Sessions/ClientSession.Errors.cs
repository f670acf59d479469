using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// The gate for errors. A statement may have committed a part before it failed: a procedure or a text of several statements does so in steps, DDL ends the open transaction and fails then, a table that is not
/// transactional keeps the first rows. A procedure's error may even be its way to tell that the first half is done. So an error promises what an OK does: what was committed is there for good. As a rule it is, because
/// the server waits for the quorum with every commit; but not after KILL QUERY, a shutdown or the end of a leadership, which let a commit go on alone.
/// <code>
///   ERR ──▶ 1 kept; an error tells no GTID, so the connection is asked for its last one
///           2 it waits as an OK waits
///           3 held: the client gets the error     not held, or not known: 1180, because the error alone would be half of the truth
/// </code>
/// Asked are a leader's own connections. A client of another node's proxy is behind one of these, and the next read elsewhere has all that the quorum holds (<see cref="_sawLeader"/>).
/// </summary>
internal sealed partial class ClientSession
{
    private const ushort ErrorInsideXa = 1399;

    /// <summary>No table is read, so that the server keeps warnings, ROW_COUNT() and LAST_INSERT_ID() as the error left them (MariaDB 10.11, measured).</summary>
    private static readonly byte[] WhatWasCommitted = "SELECT @@last_gtid"u8.ToArray();

    private byte[]? _heldError; // the server's packet, with its header
    private Gtid? _committed; // on this connection, by what failed or before it
    private bool _errorMayPass;
    private bool _statusIsAsked; // the server has told it after the error
    private bool _mayHaveEnded; // what failed may have ended the open transaction, by committing it
    private bool _isPrepared; // XA PREPARE was acknowledged, and is there for good; the server calls it an open transaction all the same (MariaDB 10.11, measured)

    bool IRelayOwner.MayPassError(ReadOnlySpan<byte> error) =>
        _errorMayPass || _active != _leader || _leader is not { IsHop: false } || _login!.Hop == HopKind.ToReader
        || !_flight.Class.Has(StatementTraits.CommitCapable) || _flight.Class.Has(StatementTraits.IsKill) || IsOfDyingConnection(error);

    /// <summary>Who is disconnected cannot conclude anything from how it is told, and the connection will not answer any more.</summary>
    private static bool IsOfDyingConnection(ReadOnlySpan<byte> error) =>
        error is [ErrPacket.Marker, ErrorConnectionKilled & 0xFF, ErrorConnectionKilled >> 8, ..];

    /// <summary>1.</summary>
    private void HoldError(ReadOnlySpan<byte> packet)
    {
        (_heldError, Phase) = (packet.ToArray(), SessionPhase.Preparing);
        var leader = _leader!;
        leader.Setup = new BackendSetup(leader, null, [ScriptItem.Query(WhatWasCommitted)], OnCommittedKnown);
        leader.Setup.Begin();
        OnAnotherLeads(); // it may have fallen silent
    }

    private void OnCommittedKnown(BackendSetup setup, ErrPacket? refusal)
    {
        Phase = SessionPhase.Answering;
        if (refusal is not null && refusal.Code != ErrorInsideXa && (refusal.Code != HeldErrorCode || refusal.Code is ProxyErrors.QueryInterrupted or ErrorStatementTimeout))
        {
            ReleaseError(ProxyErrors.OutcomeUnknown);
            return;
        }

        // Within XA nothing commits. And what is refused for the reason for which the statement was (a password that has expired) was refused before anything was done.
        _committed = refusal is null && Gtid.TryParse(setup.LastValue ?? "", out var gtid) ? gtid : null;
        _statusIsAsked = refusal is null;
        if (_statusIsAsked)
            NoteStatus(setup.LastStatus, warnings: 1);
        Saw(_committed);
        TryPassError();
    }

    /// <summary>0 where the error is too short to have one.</summary>
    private int HeldErrorCode => _heldError!.Length >= PacketHeader.Size + 3 ? _heldError[PacketHeader.Size + 1] | (_heldError[PacketHeader.Size + 2] << 8) : 0;

    /// <summary>2. Where no GTID is told, nothing was logged; that it was not committed either is believed of one step, which fails as a whole.</summary>
    private void TryPassError()
    {
        if (_committed is { } gtid ? IsHeld(gtid, whenGone: ProxyErrors.OutcomeUnknown) : IsOneStep || Logs())
            ReleaseError(null);
        else if (_gateVerdict is { } verdict)
            ReleaseError(verdict);
        else
            AwaitGate();
    }

    /// <summary>3.</summary>
    private void ReleaseError(ErrPacket? verdict)
    {
        var packet = _heldError!;
        (_heldError, _committed, _gateVerdict, Phase) = (null, null, null, SessionPhase.Answering);
        if (verdict is not null)
        {
            _statusIsAsked = false;
            DropLeader(); // it is none any more
            Answer(verdict);
            return;
        }

        _errorMayPass = true;
        _ = _relay.Process(packet, out _);
        (_errorMayPass, _statusIsAsked) = (false, false);
        if (Phase == SessionPhase.Answering)
            AfterAnswer();
    }

    /// <summary>The connection is gone before it could be asked, or before the quorum had what it told.</summary>
    private void OnErrorLost()
    {
        Phase = SessionPhase.Answering;
        LeaveTransaction();
        if (_login!.IsHop)
            CloseHop();
        else
            ReleaseError(ProxyErrors.OutcomeUnknown);
    }

    private void NoteStatus(ServerStatus status, int warnings)
    {
        (_status, _statusIsOld, _mayBeInTransaction, _mayHaveEnded, _hasWarnings) = (status, false, false, false, warnings > 0);
        _isPrepared &= InTransaction;
    }

    /// <summary>XA PREPARE, and nothing else, ends a transaction by a group of its own and leaves it open.</summary>
    private void NotePrepared(StatementClass statement) =>
        _isPrepared |= InTransaction && statement.Has(StatementTraits.EndsTransaction) && statement.Has(StatementTraits.CommitCapable) && !statement.Has(StatementTraits.CommitsOnlyOpenTransaction);

    /// <summary>An error that passed: it tells nothing of the transaction.</summary>
    private void NoteOldStatus()
    {
        var statement = _flight.Class;
        _statusIsOld = true;
        _mayBeInTransaction = !InTransaction && (!_flight.IsKept || statement.Has(StatementTraits.Doubtful | StatementTraits.MultiStatement));
        _mayHaveEnded |= InTransaction && statement.Has(StatementTraits.CommitCapable) && !(IsOneStep && _flight.IsKept && statement.Has(StatementTraits.CommitsByAutocommit));
    }

    /// <summary>What became of the transaction of a session whose leader is gone.</summary>
    private ErrPacket LostTransaction() => _mayHaveEnded || _isPrepared ? ProxyErrors.OutcomeUnknown : ProxyErrors.TransactionLost;
}
