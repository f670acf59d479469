using WolfScale.Protocol;

namespace WolfScale.Proxy.Sessions;

/// <summary>What a session hands on to another, so that it is shown nothing older.</summary>
internal sealed partial class ClientSession
{
    private Gtid _reported; // the last that the leader has told
    private Gtid? _lastGtid; // of the statement before; null where that has written nothing
    private bool _sawReader; // a read elsewhere may have shown more than _seen
    private volatile bool _answerTells; // the answer to the last command told of a transaction, which is _reported

    /// <summary>
    /// What <c>SELECT @wolfscale_last_gtid</c> would answer, for a client in this very process. It is set before the answer leaves and cleared when the next command comes, so the client may ask
    /// on any thread between its own commands.
    /// </summary>
    public Gtid? Told => _answerTells ? _reported : null;

    /// <summary>
    /// SELECT @wolfscale_gtid: what this session wrote, and what it has seen. What it read may be more than that; then the leader is asked how much it can be, because whoever gets the token must not be shown less.
    /// </summary>
    private void AnswerToken(string column)
    {
        if (!_sawLeader && !_sawReader && !InTransaction)
        {
            AnswerRows([column], [_seen?.ToString()]);
            return;
        }

        _ticket++;
        _confirmUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        Phase = SessionPhase.Preparing;
        _flight.Note(default, Harmless);
        AskReadIndex(mustConfirm: true, (confirmed, gtid) =>
        {
            if (!confirmed)
            {
                Answer(ProxyErrors.NoLeader(_context.Options.FailoverWaitMs));
                return;
            }

            (_sawLeader, _sawReader) = (false, false);
            _hasForeignToken &= IsHeldByDeposed; // which does not have what was confirmed
            Saw(gtid);
            AnswerRows([column], [_seen?.ToString()]);
        });
    }
}
