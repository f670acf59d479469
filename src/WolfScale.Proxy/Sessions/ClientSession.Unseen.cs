using System.Text;
using WolfScale.Protocol;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// What a routine, a trigger or dynamic SQL has done to the session, of which the statement's text tells nothing. The server reports that something has changed
/// (<c>session_track_state_change</c>), and where it is a system variable or the schema, what. What else it was is asked before the next statement, as in
/// ClientSession.Variables: user variables are read, temporary tables and SQL's prepared statements tie the session. MariaDB 10.11 reports neither
/// <c>SELECT … INTO @name</c> nor <c>@name := …</c> in a routine: those are asked for before the session is parked, and a session that has lost its
/// connection without having been asked must not read a variable that the proxy does not know.
/// </summary>
internal sealed partial class ClientSession
{
    private const int LongestNames = 16_000; // in hexadecimal, in one packet of 64 KiB; of variables enough for their values not to fit either
    private const int MostVariables = 100;

    private const string NothingMade = "0,0,0";
    private const string NoTableMade = "0,";

    /// <summary>
    /// The names of all user variables, and how often the connection has made what ends with it: temporary tables, HANDLERs, SQL's prepared statements. Failures count: such a session is tied for nothing.
    /// </summary>
    private static readonly byte[] WhatIsThere = Encoding.UTF8.GetBytes(
        $"SET STATEMENT group_concat_max_len={LongestNames} FOR SELECT IFNULL(GROUP_CONCAT(HEX(CONVERT(VARIABLE_NAME USING utf8mb4))),''),"
        + "(SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME) FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME IN ('COM_CREATE_TEMPORARY_TABLE','COM_HA_OPEN','COM_PREPARE_SQL')) "
        + "FROM information_schema.USER_VARIABLES");

    private bool _hasUnseen; // the server says that the session has changed, and not how
    private bool _mayHaveTables; // what has changed it is a trigger or the like: its own scratch-pad as a rule, for which no session is to end
    private bool _mayHaveVariables; // set unseen and unreported, on the leader's connection
    private bool _mayLackVariables; // … which is gone

    /// <summary>It runs what its text does not show.</summary>
    private static bool IsOpaque(StatementClass statement) => statement.Has(StatementTraits.CallsProcedure | StatementTraits.Doubtful);

    /// <summary>An OK of the leader's.</summary>
    private void NoteUnseen(ReadOnlySpan<byte> changes)
    {
        if (_login!.IsHop)
            return; // the client's own proxy asks
        var opaque = IsOpaque(_flight.Class);
        var changed = SessionChanges.HasStateChanged(changes, out var explained);
        _mayHaveVariables |= opaque;
        if (_asksForNames)
            (_asksForNames, _hasUnseen) = (false, _hasUnseen || !KnowsEnough);
        _hasUnseen |= opaque && !KnowsEnough && (changed || _state.HasUserVariables); // what is known of them may not be true any more
        if (!changed || opaque || explained || _flight.Class.Has(StatementTraits.SetsUserVariable | StatementTraits.SetsRole | StatementTraits.UsesSqlStatement))
            return;
        // A trigger, a function in a statement that writes anyway, a view's function (reported by MariaDB 10.11 in each case): variables, as a rule, but it may be a temporary table.
        _mayHaveVariables = true;
        _mayHaveTables |= !KnowsEnough && !_flight.Class.Has(StatementTraits.CreatesTemporaryTable | StatementTraits.PreparesSqlStatement | StatementTraits.SetsNextTransaction);
    }

    /// <summary>An ERR of the leader's: it reports nothing of what was done before.</summary>
    private void NoteUnseenError()
    {
        _hasUnseen |= (IsOpaque(_flight.Class) || _asksForNames) && !_login!.IsHop && !KnowsEnough;
        _asksForNames = false;
    }

    /// <summary>It cannot move, and all its reads are the leader's.</summary>
    private bool KnowsEnough => _state.Tie is not null && _hasTemporaryTables;

    private bool MustLookForUnseen(StatementClass statement) =>
        (_hasUnseen || _mayHaveTables) && !statement.Has(StatementTraits.RefersToLastStatement) && _leader is { IsClosed: false };

    private void LookForUnseen(Action then)
    {
        var leader = _leader!;
        leader.Setup = new BackendSetup(leader, null, [ScriptItem.Query(WhatIsThere)], (setup, refusal) =>
        {
            (_hasUnseen, _mayHaveTables, _mayHaveVariables) = (false, false, false);
            if (setup.Changes.Length > 0)
                ApplyChanges(setup.Changes, new() { Traits = StatementTraits.SetsForItself }, WhatIsThere, inRoutine: true); // by what failed: an error reports nothing (MariaDB 10.11, measured)
            if (Phase == SessionPhase.Closed)
                return; // it was something forbidden
            if (refusal is not null || setup.LastRow.Count != 2 || Text(setup, 0) is not { } names || Text(setup, 1) is not { } made || names.Length >= LongestNames || names.Count(',') >= MostVariables)
                TieUnseen("what a routine has done to it cannot be found out", hasTables: true);
            else if (made != NothingMade)
                TieUnseen("a routine or dynamic SQL has made temporary tables or prepared statements in it", hasTables: !made.StartsWith(NoTableMade, StringComparison.Ordinal));
            else if (!_state.IsTiedForGood)
                NoteSetUnseen(names);
            then();
        }) { KeepsChanges = true };
        leader.Setup.Begin();
        OnAnotherLeads(); // it may have fallen silent since the session spoke last
    }

    /// <param name="why">It cannot move.</param>
    /// <param name="hasTables">Its reads are the leader's too: a table of that name may be somebody else's elsewhere.</param>
    private void TieUnseen(string why, bool hasTables)
    {
        _hasTemporaryTables |= hasTables;
        _state.TieTo(why);
    }

    private void NoteSetUnseen(string names)
    {
        foreach (var name in names.Split(',', StringSplitOptions.RemoveEmptyEntries))
            _ = _assigned.Add(Encoding.UTF8.GetString(Convert.FromHexString(name)).ToLowerInvariant());
        if (_assigned.Count > 0)
            _assignedAt = _leader;
    }

    /// <summary>The connection is gone, with what the proxy has not seen.</summary>
    /// <returns>Why the session cannot move therefore, or null.</returns>
    private string? LoseUnseen()
    {
        var why = _hasUnseen ? "the leader died before it could be asked what a routine had done to the session" : null;
        if (_mayHaveVariables)
            _state.ForgetUserVariables(); // a trigger may have set them anew
        (_hasUnseen, _mayHaveTables, _mayLackVariables) = (false, false, _mayLackVariables | _mayHaveVariables);
        _mayHaveVariables = false;
        return why;
    }

    /// <summary>A variable that the statement under way reads, and that may have been set unseen on a connection that is gone; else null.</summary>
    private string? LackedVariable() =>
        _mayLackVariables && _flight.Class.Has(StatementTraits.UsesUserVariable) && !_flight.Class.Has(StatementTraits.SetsUserVariable)
            ? NamesIn(FlightText).Find(name => !_state.HasUserVariable(name))
            : null;

    private void ForgetUnseen() => (_hasUnseen, _mayHaveTables, _mayHaveVariables, _mayLackVariables) = (false, false, false, false);
}
