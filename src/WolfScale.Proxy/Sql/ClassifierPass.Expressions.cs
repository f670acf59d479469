using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// What makes a query more than a read is found by its words, wherever they stand: they are reserved, so that a column of that name has
/// quotes or a dot before it, and a wrong alarm costs a way to the leader only.
/// </summary>
internal ref partial struct ClassifierPass
{
    private void ReadQuery()
    {
        _isRead = true;
        _expectsCteName = false;
        _hasInto = false;
        _hasJsonTable = false;
        if (_current.Id == Word.Select)
        {
            Inspect();
            Advance();
            NoteReleaseOfLocks();
            if (_current.Kind == TokenKind.UserVariable && CurrentIs("wolfscale_gtid"u8))
                ReadOwnVariable(SpecialStatement.SelectGtidToken);
            else if (_current.Kind == TokenKind.UserVariable && CurrentIs("wolfscale_last_gtid"u8))
                ReadOwnVariable(SpecialStatement.SelectLastGtid);
            else if (_current.Kind == TokenKind.UserVariable && CurrentIs("wolfscale_consistency"u8))
                ReadOwnVariable(SpecialStatement.SelectConsistency);
        }

        ScanRest();
        _mustLead |= _pendingParens != 0;
    }

    /// <summary>After SELECT or DO: <c>RELEASE_ALL_LOCKS()</c> and nothing else, so that it is certainly called, and nothing after it.</summary>
    private void NoteReleaseOfLocks()
    {
        if (_current.Use != WordUse.UserLock || !Ascii.EqualsIgnoreCase(_sql[_current.Start.._current.End], "release_all_locks"u8))
            return;
        var tokens = _tokens;
        tokens.Next();
        if (tokens.Kind != TokenKind.OpenParen)
            return;
        tokens.Next();
        if (tokens.Kind != TokenKind.CloseParen)
            return;
        tokens.Next();
        if (tokens.Kind is TokenKind.End or TokenKind.Semicolon)
            _releases = ReleasedLocks.User;
    }

    /// <summary><c>SELECT @wolfscale_gtid [[AS] alias]</c> or <c>@wolfscale_consistency</c>, and nothing else.</summary>
    private void ReadOwnVariable(SpecialStatement special)
    {
        Inspect();
        Advance();
        bool named = Accept(Word.As);
        var alias = new TextRange(_current.Start, 0);
        if (_current.Kind is TokenKind.Word or TokenKind.Name or TokenKind.QuotedName or TokenKind.String)
        {
            alias = CurrentValue;
            Inspect();
            Advance();
        }
        else if (named)
        {
            return;
        }

        if (!AtEnd)
            return;
        Offer(special);
        _value = alias;
    }

    private void ScanRest()
    {
        while (!AtEnd)
        {
            Inspect();
            Advance();
        }
    }

    private void Inspect()
    {
        if (_options.Views is { IsEmpty: false } views && _current.Kind is TokenKind.Word or TokenKind.Name or TokenKind.QuotedName)
            InspectView(views);
        switch (_current.Kind)
        {
            case TokenKind.Word:
                if (_expectsCteName || _current.Id != Word.None)
                    InspectWord();
                break;
            case TokenKind.Name or TokenKind.QuotedName:
                InspectName();
                break;
            case TokenKind.OpenParen:
                InspectCall();
                if (_previous.Kind == TokenKind.CloseParen)
                    _withDepths &= ~DepthBit;
                _depth++;
                break;
            case TokenKind.CloseParen:
                _withDepths &= ~DepthBit;
                _depth--;
                break;
            case TokenKind.Comma:
                _expectsCteName = (_withDepths & DepthBit) != 0;
                break;
            case TokenKind.UserVariable:
                _mustLead = true;
                _traits |= _hasInto || _setsItsVariables ? StatementTraits.SetsUserVariable : StatementTraits.UsesUserVariable;
                break;
            case TokenKind.Assign:
                _mustLead = true;
                _traits |= StatementTraits.SetsUserVariable;
                break;
            case TokenKind.SystemVariable:
                InspectSystemVariable();
                break;
            case TokenKind.Dot:
                _shouldLead |= IsSystemSchema(_previous);
                break;
        }
    }

    private void InspectView(HiddenViews views)
    {
        if (!views.TryFind(CurrentValue.Of(_sql), out var traits))
            return;
        (_shouldLead, _namesHiddenView) = (true, true);
        _mustLead |= traits != StatementTraits.None;
        _traits |= traits | StatementTraits.Doubtful | StatementTraits.CommitCapable;
    }

    /// <summary>Deeper than 63 a WITH clause is not followed, and its names are taken for unknown functions.</summary>
    private readonly ulong DepthBit => _depth is >= 0 and < 64 ? 1UL << _depth : 0;

    private void InspectName()
    {
        if (_expectsCteName)
            TakeCteName();
        if (_previous.Kind != TokenKind.Dot)
            return;
        // seq.nextval, in sql_mode=ORACLE.
        if (CurrentIs("nextval"u8) || CurrentIs("currval"u8))
        {
            _mustLead = true;
            _traits |= StatementTraits.CommitCapable;
        }
    }

    private void InspectWord()
    {
        if (_expectsCteName && _current.Id != Word.Recursive)
        {
            // WITH ROLLUP, WITH TIES, WITH QUERY EXPANSION have no names.
            if (_current.Id is Word.Rollup or Word.Ties or Word.Query)
                _expectsCteName = false;
            else
                TakeCteName();
        }

        if (!_isRead)
            return;
        switch (_current.Id)
        {
            case Word.With:
                _expectsCteName = true;
                break;
            case Word.Rowcount when _previous.Kind == TokenKind.Operator && _sql[_previous.Start] == (byte)'%': // SQL%ROWCOUNT, in sql_mode=ORACLE
                _mustLead = true;
                _traits |= StatementTraits.RefersToLastStatement;
                break;
            case Word.Select or Word.Values or Word.Table:
                _withDepths &= ~DepthBit;
                break;
            case Word.Into:
                _mustLead = true;
                _hasInto = true;
                break;
            case Word.Lock or Word.Procedure or Word.SqlCalcFoundRows:
                _mustLead |= !(_current.Id == Word.Procedure && _previous.Id == Word.Show);
                break;
            case Word.Share:
                _mustLead |= _previous.Id == Word.For;
                break;
            case Word.For when _previous.Id == Word.Value:
                // NEXT VALUE FOR writes; PREVIOUS VALUE FOR is LASTVAL().
                _mustLead = true;
                _traits |= Ascii.EqualsIgnoreCase(_sql[_beforePrevious.Start.._beforePrevious.End], "previous"u8) ? StatementTraits.RefersToInsertId : StatementTraits.CommitCapable;
                break;
            case Word.Update or Word.Delete:
                _mustLead = true;
                if (_previous.Id != Word.For)
                    _traits |= StatementTraits.CommitCapable;
                break;
            case Word.Insert or Word.Replace:
                _pendingParens++;
                break;
        }
    }

    private void TakeCteName()
    {
        _expectsCteName = false;
        _withDepths |= DepthBit;
        _cteNameEnd = _current.End;
    }

    /// <summary>An opening parenthesis: whose?</summary>
    private void InspectCall()
    {
        switch (_previous.Kind)
        {
            case TokenKind.QuotedName when _previous.End != _cteNameEnd && OwnFunctionInQuotes() is var use and not WordUse.Unknown:
                InspectWordCall(use);
                break;
            case TokenKind.Name or TokenKind.QuotedName:
                if (_previous.End != _cteNameEnd)
                    CallUnknown();
                break;
            case TokenKind.Word:
                InspectWordCall(_previous.Use);
                break;
        }
    }

    /// <summary>
    /// <c>`get_lock`('a', 1)</c> calls MariaDB's own function (10.11, measured). Only those count that ask of the session or the server, or change it: any other may be a stored one as well, and goes to the leader as such.
    /// </summary>
    private readonly WordUse OwnFunctionInQuotes()
    {
        if (_beforePrevious.Kind == TokenKind.Dot)
            return WordUse.Unknown;
        var use = WordTable.Find(NameOf(_previous)).Use;
        return use is WordUse.TakesUserLock or WordUse.UserLock or WordUse.LastStatement or WordUse.ServerLocal ? use : WordUse.Unknown;
    }

    /// <summary>Without quotes.</summary>
    private readonly ReadOnlySpan<byte> NameOf(Token token) =>
        token.Kind == TokenKind.QuotedName ? _sql[(token.Start + 1)..(token.End - 1)] : _sql[token.Start..token.End];

    private void InspectWordCall(WordUse use)
    {
        switch (use)
        {
            case WordUse.Syntax or WordUse.Function:
                if (_previous.Id is Word.Insert or Word.Replace)
                    _pendingParens--;
                break;
            case WordUse.AdjacentFunction:
                if (_previous.End != _current.Start)
                    CallUnknown();
                break;
            case WordUse.SpatialConstructor:
                if (!HasArgumentsOfConstructor())
                    CallUnknown();
                break;
            case WordUse.TakesUserLock:
                _mustLead = true;
                _traits |= StatementTraits.TakesUserLock;
                break;
            case WordUse.UserLock:
                _mustLead = true;
                break;
            case WordUse.LastValueOfSequence:
                _mustLead = true;
                _traits |= StatementTraits.RefersToInsertId;
                break;
            case WordUse.LastStatement:
                _mustLead = true;
                var isInsertId = Ascii.EqualsIgnoreCase(NameOf(_previous), "last_insert_id"u8);
                _traits |= !isInsertId ? StatementTraits.RefersToLastStatement
                    : HasArguments() ? StatementTraits.SetsInsertId
                    : StatementTraits.RefersToLastStatement | StatementTraits.RefersToInsertId;
                break;
            case WordUse.ServerLocal:
                _shouldLead = true;
                break;
            case WordUse.Sequence:
                _mustLead = true;
                _traits |= StatementTraits.CommitCapable;
                break;
            default:
                if (_previous.End != _cteNameEnd && !IsClause())
                    CallUnknown();
                break;
        }
    }

    /// <summary>Words that may name a stored function, in places where a function cannot stand.</summary>
    private bool IsClause()
    {
        switch (_previous.Id)
        {
            case Word.JsonTable when _beforePrevious.Id is Word.From or Word.Join:
                _hasJsonTable = true;
                return true;
            case Word.Columns:
                return _hasJsonTable && _beforePrevious.Kind == TokenKind.String;
            case Word.Of:
                return _beforePrevious.Id == Word.As;
            default:
                return false;
        }
    }

    private readonly bool HasArguments()
    {
        var tokens = _tokens;
        tokens.Next();
        return tokens.Kind != TokenKind.CloseParen;
    }

    /// <summary>Looks ahead, but not far, so that nesting costs no square.</summary>
    private readonly bool HasArgumentsOfConstructor()
    {
        var tokens = _tokens;
        int commas = 0;
        int depth = 1;
        for (int count = 0; count < 64; count++)
        {
            tokens.Next();
            if (tokens.Kind == TokenKind.OpenParen)
                depth++;
            else if (tokens.Kind == TokenKind.Comma && depth == 1)
                commas++;
            else if (tokens.Kind == TokenKind.CloseParen && --depth == 0)
                return _previous.Id == Word.Point ? commas == 1 : count > 0;
            else if (tokens.Kind is TokenKind.End or TokenKind.Semicolon)
                return false;
        }

        return false;
    }

    private void CallUnknown()
    {
        if (!_isRead)
            return;
        _shouldLead = true;
        _traits |= StatementTraits.Doubtful | StatementTraits.CommitCapable;
    }

    /// <summary>
    /// A value of the leader, where a user thinks to be; some are about the statement before. Who asks for the server's own name wants to know which
    /// one answers.
    /// </summary>
    private void InspectSystemVariable()
    {
        if (CurrentIs("server_id"u8) || CurrentIs("hostname"u8))
            return;
        _shouldLead = true;
        var tokens = _tokens;
        if (CurrentIs("session"u8) || CurrentIs("local"u8))
        {
            tokens.Next();
            if (tokens.Kind == TokenKind.Dot)
                tokens.Next();
        }

        var name = tokens.Value.Of(_sql);
        if (Ascii.EqualsIgnoreCase(name, "last_gtid"u8) || Ascii.EqualsIgnoreCase(name, "last_insert_id"u8)
            || Ascii.EqualsIgnoreCase(name, "identity"u8) || Ascii.EqualsIgnoreCase(name, "warning_count"u8)
            || Ascii.EqualsIgnoreCase(name, "error_count"u8) || Ascii.EqualsIgnoreCase(name, "insert_id"u8))
        {
            _mustLead = true;
            _traits |= StatementTraits.RefersToLastStatement;
            if (Ascii.EqualsIgnoreCase(name, "last_insert_id"u8) || Ascii.EqualsIgnoreCase(name, "identity"u8))
                _traits |= StatementTraits.RefersToInsertId;
        }
    }

    private readonly bool IsSystemSchema(Token token)
    {
        var name = NameOf(token);
        return name.Length switch
        {
            3 => Ascii.EqualsIgnoreCase(name, "sys"u8),
            5 => Ascii.EqualsIgnoreCase(name, "mysql"u8),
            18 => Ascii.EqualsIgnoreCase(name, "performance_schema"u8)
                || (Ascii.EqualsIgnoreCase(name, "information_schema"u8) && !DescribesSchema()),
            _ => false,
        };
    }

    /// <summary>Behind <c>information_schema.</c>: is it a table that tells the same on every server?</summary>
    private readonly bool DescribesSchema()
    {
        var tokens = _tokens;
        tokens.Next();
        var name = tokens.Value.Of(_sql);
        return SchemaTables.Contains(name);
    }
}
