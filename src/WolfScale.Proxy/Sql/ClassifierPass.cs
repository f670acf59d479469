using System.Runtime.CompilerServices;
using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>One walk over the tokens of a text. The other parts of this class hold the families of statements.</summary>
internal ref partial struct ClassifierPass
{
    private readonly ReadOnlySpan<byte> _sql;
    private readonly Span<byte> _rewritten; // the same bytes, where SET @@name is to become SET   name
    private readonly ClassifierOptions _options;
    private SqlTokenizer _tokens;
    private Token _current;
    private Token _previous;
    private Token _beforePrevious;

    private StatementTraits _traits;
    private SpecialStatement _special;
    private TextRange _value;
    private TextRange _collation;
    private TextRange _tracking;
    private TextRange _unscoped;
    private KillTarget _kill;
    private ReleasedLocks _releases;
    private bool _namesHiddenView;
    private int _statements;

    /// <summary>Not to be moved from the leader by a hint: a write, a lock, a state of the session.</summary>
    private bool _mustLead;

    /// <summary><see cref="_mustLead"/> as the statements before this one left it.</summary>
    private bool _leadBeforeStatement;

    /// <summary>To the leader unless a hint says otherwise: an unknown function, or an answer that tells of one server.</summary>
    private bool _shouldLead;

    private bool _inSetStatement;

    /// <summary>CALL, LOAD DATA: a user variable may be an OUT parameter, or a column's.</summary>
    private bool _setsItsVariables;

    /// <summary>In a query or an expression, where a name before a parenthesis is a function.</summary>
    private bool _isRead;
    private int _depth;

    /// <summary>Bit d: at parenthesis depth d a WITH clause is open, whose names may have a list of columns in parentheses.</summary>
    private ulong _withDepths;
    private bool _expectsCteName;
    private int _cteNameEnd;

    /// <summary>INSERT and REPLACE seen without the parenthesis that makes them functions.</summary>
    private int _pendingParens;
    private bool _hasInto;
    private bool _hasInserted; // INSERT or REPLACE, in any statement of the text
    private bool _hasJsonTable;

    public ClassifierPass(ReadOnlySpan<byte> sql, ClassifierOptions options, Span<byte> rewritten = default)
    {
        _sql = sql;
        _rewritten = rewritten;
        _options = options;
        _tokens = new SqlTokenizer(sql, options);
    }

    public StatementClass Run()
    {
        Advance();
        while (_current.Kind != TokenKind.End)
        {
            if (_current.Kind == TokenKind.Semicolon)
            {
                Advance();
                continue;
            }

            if (++_statements == 2)
                _traits |= StatementTraits.MultiStatement;
            var (before, hadInserted) = (_traits, _hasInserted);
            ReadStatement();
            ScanRest();
            if (_statements > 1)
                ReferWithinText(_traits & ~before, hadInserted);
        }

        // Of several the first results are with the client when a follower refuses a later one (1792: a view that writes).
        if (_statements != 1)
            _mustLead = true;
        if (_options.HasTemporaryTables)
            _mustLead = true;
        if (_options.InSystemSchema)
            _shouldLead = true;
        DecideDoubts();
        DecideSpecial();
        return Result();
    }

    /// <summary>What asks of the statement before it asks of one in the same text, and has what it needs wherever that runs. LAST_INSERT_ID() asks of the last insert.</summary>
    /// <param name="added">By a statement that is not the text's first.</param>
    /// <param name="hadInserted">One before it is an insert.</param>
    private void ReferWithinText(StatementTraits added, bool hadInserted)
    {
        const StatementTraits insertId = StatementTraits.RefersToLastStatement | StatementTraits.RefersToInsertId;
        if ((added & insertId) == StatementTraits.RefersToLastStatement)
            _traits &= ~StatementTraits.RefersToLastStatement;
        else if ((added & insertId) == insertId && hadInserted)
            _traits &= ~insertId;
    }

    private readonly StatementClass Result()
    {
        bool local = !_mustLead && _tokens.Hint != RoutingHint.Leader && (!_shouldLead || _tokens.Hint == RoutingHint.Local);
        return new StatementClass
        {
            Route = local ? StatementRoute.Local : StatementRoute.Leader,
            Hint = _tokens.Hint,
            Special = _special,
            Traits = _traits,
            Value = _value,
            Collation = _collation,
            Kill = _kill,
            Releases = _releases,
            NamesHiddenView = _namesHiddenView,
            Unscoped = _unscoped,
        };
    }

    /// <summary>What the server may read differently must not carry a forbidden assignment past the check either.</summary>
    private void DecideDoubts()
    {
        bool lexingMayChange = _statements > 1 && (_traits & StatementTraits.SetsSessionState) != 0;
        if (_tokens.IsDoubtful)
        {
            _mustLead = true;
            _traits |= StatementTraits.Doubtful | StatementTraits.CommitCapable;
        }

        // Of several statements the first may open what the last commits, and an unknown function may commit anything.
        if (_statements > 1 || (_traits & StatementTraits.Doubtful) != 0)
            _traits &= ~StatementTraits.CommitsOnlyOpenTransaction;

        // SET sql_mode or SET NAMES in a multi-statement changes how the statements after it are read.
        if (!_tokens.IsDoubtful && !lexingMayChange)
            return;
        if (_special != SpecialStatement.ForbiddenSet)
            FindForbiddenText(0, _sql.Length);
        if (NamesGetLock(_sql))
            _traits |= StatementTraits.TakesUserLock;
    }

    /// <summary>Anywhere: where a string ends is in doubt.</summary>
    private static bool NamesGetLock(ReadOnlySpan<byte> text)
    {
        var name = "get_lock"u8;
        for (var at = text.IndexOfAny((byte)'g', (byte)'G'); at >= 0 && text.Length - at >= name.Length;)
        {
            if (Ascii.EqualsIgnoreCase(text.Slice(at, name.Length), name))
                return true;
            var next = text[(at + 1)..].IndexOfAny((byte)'g', (byte)'G');
            at = next < 0 ? -1 : at + 1 + next;
        }

        return false;
    }

    /// <summary>The proxy answers these in place of the server, which it can do for a statement that stands alone.</summary>
    private void DecideSpecial()
    {
        if (_statements < 2 && !_tokens.IsDoubtful)
            return;
        if ((_traits & StatementTraits.SetsTracking) != 0 && _special != SpecialStatement.ForbiddenSet)
            (_special, _value) = (SpecialStatement.ForbiddenSet, _tracking); // what comes after it would not be reported
        if (_special is SpecialStatement.SetConsistency or SpecialStatement.SetGtidToken)
            _special = SpecialStatement.InvalidWolfscaleSet;
        else if (_special is not (SpecialStatement.ForbiddenSet or SpecialStatement.InvalidWolfscaleSet))
            _special = SpecialStatement.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance()
    {
        _beforePrevious = _previous;
        _previous = _current;
        _tokens.Next();
        // No word of one letter means anything.
        // What stands behind a dot is a name, also where a blank or a comment is between them.
        var kind = _tokens.Kind == TokenKind.Word && _previous.Kind == TokenKind.Dot ? TokenKind.Name : _tokens.Kind;
        var meaning = kind == TokenKind.Word && _tokens.End - _tokens.Start > 1
            ? WordTable.Find(_sql[_tokens.Start.._tokens.End])
            : default;
        _current = new Token(kind, meaning.Id, meaning.Use, _tokens.Start, _tokens.End);
    }

    private readonly bool AtEnd => _current.Kind is TokenKind.End or TokenKind.Semicolon;

    /// <summary>Passes over a word if it is this one.</summary>
    private bool Accept(Word word)
    {
        if (_current.Id != word)
            return false;
        Advance();
        return true;
    }

    private readonly bool CurrentIs(ReadOnlySpan<byte> lowerCase) => Ascii.EqualsIgnoreCase(_tokens.Value.Of(_sql), lowerCase);

    private readonly TextRange CurrentValue => _tokens.Value;

    private void SkipRest()
    {
        while (!AtEnd)
            Advance();
    }

    /// <param name="Id">The keyword, where the classifier acts on it.</param>
    /// <param name="Use">What the word is before a parenthesis.</param>
    private readonly record struct Token(TokenKind Kind, Word Id, WordUse Use, int Start, int End);
}
