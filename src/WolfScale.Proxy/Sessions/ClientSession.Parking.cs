using System.Globalization;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Where connections are pooled, a client that says nothing for a while keeps none: the session is parked. Its connection goes to the pool, or is closed where that
/// is full, and with the next statement for the leader it gets another, as after a change of leader. So the server has as many connections as clients are busy.
/// What only the connection knows is asked before: LAST_INSERT_ID(), and how long the client may be silent, which the server cannot watch then.
/// </summary>
internal sealed partial class ClientSession
{
    private const int LongestTimerMs = 60_000;

    private long _idleSinceMs;
    private bool _watchesIdleness;
    private bool _isParked;
    private bool _unparks; // for a command that is not kept: it waits in the socket
    private string? _insertId; // LAST_INSERT_ID() of the connection that was given away
    private bool _hasWarnings; // SHOW WARNINGS would tell something
    private LoopTimer? _timeout; // looks whether wait_timeout has passed
    private long _timeoutMs;

    /// <summary>The client has the word. Another node's proxy is none: that one parks its clients itself, and a connection of its pool must not find that it has no server.</summary>
    private void WatchIdleness()
    {
        _idleSinceMs = _loop.NowMs;
        if (!_watchesIdleness && _leader is not null && !_login!.IsHop && _context.Options.PoolIdleMs > 0)
            LookAtIdleness(_context.Options.PoolIdleMs);
    }

    private void LookAtIdleness(long delayMs)
    {
        _watchesIdleness = true;
        _ = _loop.After(delayMs, () =>
        {
            _watchesIdleness = false;
            if (Phase != SessionPhase.Idle || _leader is null || _context.Options.PoolIdleMs == 0)
                return; // it is watched again when it is idle
            var left = _idleSinceMs + _context.Options.PoolIdleMs - _loop.NowMs;
            if (left > 0)
                LookAtIdleness(left);
            else
                Park();
        });
    }

    /// <summary>Nothing is lost that the client could ask for, except FOUND_ROWS() and ROW_COUNT() of a statement that long ago.</summary>
    private bool MayPark => _state.Tie is null && !InTransaction && !_mayBeInTransaction && _assigned.Count == 0 && !_hasWarnings && _nextTransaction is null
        && _statements.Values.All(statement => statement.Context.CanReturnFrom(_state.ParsedUnder)); // else they cannot be prepared on another connection

    private void Park()
    {
        if (!MayPark || !IsPoolable)
            return;
        if (_client.IsCongested)
        {
            WatchIdleness(); // it has not read its last answer yet
            return;
        }

        if (_hasUnseen || _mayHaveVariables)
        {
            LookBeforeParking(_idleSinceMs);
            return;
        }

        var key = KeyForPool();
        _ticket++;
        Phase = SessionPhase.Preparing;
        var leader = _leader!;
        leader.Setup = new BackendSetup(leader, null, [ScriptItem.Query("SELECT LAST_INSERT_ID(), @@wait_timeout")], (setup, refusal) => OnReadForParking(leader, key, setup, refusal));
        leader.Setup.Begin();
    }

    /// <summary>It is parked next time. What a routine has set is read before the next statement; until then the session keeps its connection.</summary>
    private void LookBeforeParking(long idleSinceMs)
    {
        Phase = SessionPhase.Preparing;
        LookForUnseen(() =>
        {
            BecomeIdle();
            _idleSinceMs = idleSinceMs;
        });
    }

    private void OnReadForParking(Backend leader, PoolKey? key, BackendSetup setup, ErrPacket? refusal)
    {
        var idleSinceMs = _idleSinceMs;
        if (refusal is null && setup.LastRow.Count == 2 && long.TryParse(Text(setup, 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            _insertId = (_insertedHere || _mayHaveInsertId) && Text(setup, 0) is { } id and not "0" ? id : null;
            if (_insertId is not null)
                NoteInsertId();
            (_leader, _isParked) = (null, true);
            (_wroteHere, _wroteElsewhere) = (false, _wroteElsewhere || _wroteHere);
            foreach (var statement in _statements.Values)
                statement.AtLeader.Backend = null; // the connection may come back, and without them
            if (key is not null)
                _pool!.Return(leader, key, Preparation);
            else
                leader.Leave();
            _context.Counters.Parked.Increment();
            _timeoutMs = seconds * 1000;
        }

        BecomeIdle();
        _idleSinceMs = idleSinceMs;
        if (_isParked)
            WatchTimeout();
    }

    /// <summary>
    /// As the server would, which closes without a word. A session has one timer, which looks each minute at the latest: one for each parking would stay with the loop for as long as wait_timeout, with the session.
    /// </summary>
    private void WatchTimeout()
    {
        var sinceMs = Phase == SessionPhase.Idle ? _idleSinceMs : _loop.NowMs; // a read on another server is under way
        var dueMs = Math.Clamp(sinceMs + _timeoutMs, _loop.NowMs + 1, _loop.NowMs + LongestTimerMs);
        if (_timeout is { } timeout && timeout.DueMs <= dueMs)
            return;
        _timeout?.Cancel();
        _timeout = _loop.After(dueMs - _loop.NowMs, LookAtTimeout);
    }

    private void LookAtTimeout()
    {
        _timeout = null;
        if (!_isParked)
            return;
        if (Phase == SessionPhase.Idle && _idleSinceMs + _timeoutMs <= _loop.NowMs)
            Close();
        else
            WatchTimeout();
    }

    /// <summary>For a command that is not kept; it is read when there is a connection again.</summary>
    private void Unpark()
    {
        _flight.Note(default, Harmless);
        _unparks = true;
        Move();
    }

    /// <summary>The command that waited in the socket.</summary>
    private void ReadAgain()
    {
        _unparks = false;
        BecomeIdle();
    }

    /// <summary>The session has a connection again.</summary>
    private void OnUnparked()
    {
        (_isParked, _insertedHere, _mayHaveInsertId, _insertId) = (false, _insertId is not null, false, null);
        if (_unparks)
        {
            ReadAgain();
        }
        else
        {
            SendToLeader();
        }
    }
}
