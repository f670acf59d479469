using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>SET in its many forms.</summary>
internal ref partial struct ClassifierPass
{
    /// <summary>Behind the word SET.</summary>
    private void ReadSet()
    {
        switch (_current.Id)
        {
            case Word.Password:
                _traits |= StatementTraits.CommitCapable;
                SkipRest();
                return;
            case Word.Role:
                _traits |= StatementTraits.SetsSessionState | StatementTraits.SetsRole;
                SkipRest();
                return;
            case Word.Default:
                // SET DEFAULT ROLE writes to mysql.user.
                _traits |= StatementTraits.CommitCapable;
                SkipRest();
                return;
            case Word.Statement when !_inSetStatement:
                ReadSetStatement();
                return;
        }

        int assignments = 0;
        bool wolfscale = false;
        while (!AtEnd)
        {
            wolfscale |= ReadAssignment(inBody: false);
            assignments++;
            if (_current.Kind != TokenKind.Comma)
                break;
            Advance();
        }

        if (wolfscale && assignments > 1 && _special != SpecialStatement.ForbiddenSet)
            _special = SpecialStatement.InvalidWolfscaleSet;
    }

    /// <summary><c>SET STATEMENT a = 1, b = 2 FOR statement</c>: the variables are put back at its end.</summary>
    private void ReadSetStatement()
    {
        Advance();
        _inSetStatement = true;
        _traits |= StatementTraits.SetsForItself;
        _mustLead = _leadBeforeStatement;
        const StatementTraits Settings = StatementTraits.SetsSessionState | StatementTraits.SetsGlobalVariable | StatementTraits.SetsClock | StatementTraits.ResetsClock;
        var before = _traits & Settings;
        while (!AtEnd && _current.Id != Word.For)
        {
            _ = ReadAssignment(inBody: false);
            if (_current.Kind != TokenKind.Comma)
                break;
            Advance();
        }

        _traits = (_traits & ~Settings) | before;
        if (Accept(Word.For) && !AtEnd)
        {
            ReadStatement();
            ScanRest();
        }
        else
        {
            _mustLead = true;
        }

        _inSetStatement = false;
    }

    /// <summary>One of the list. True if it was one of the proxy's own variables.</summary>
    /// <param name="inBody">In a routine or compound statement, where a plain name may be a variable of its own.</param>
    private bool ReadAssignment(bool inBody)
    {
        bool isGlobal = false;
        bool hasScope = false;
        var unscoped = default(TextRange);
        if (_current.Id is Word.Global or Word.Session or Word.Local)
        {
            isGlobal = _current.Id == Word.Global;
            hasScope = true;
            Advance();
        }

        switch (_current.Kind)
        {
            case TokenKind.UserVariable:
                return AssignUserVariable();
            case TokenKind.SystemVariable:
                hasScope = true;
                unscoped = new TextRange(_current.Start, 2);
                if (CurrentIs("global"u8) || CurrentIs("session"u8) || CurrentIs("local"u8))
                {
                    isGlobal = CurrentIs("global"u8);
                    unscoped = default;
                    Advance();
                    if (_current.Kind == TokenKind.Dot)
                        Advance();
                }

                break;
            case TokenKind.Word when _current.Id is Word.Names or Word.Transaction or Word.Character or Word.Charset or Word.Char:
                // NAMES x, CHARACTER SET x, TRANSACTION READ ONLY.
                Note(isGlobal);
                if (_current.Id == Word.Transaction && !hasScope && !inBody)
                    _traits |= StatementTraits.SetsNextTransaction;
                ScanValue();
                _collation = CollationOfNames();
                return false;
        }

        AssignSystemVariable(isGlobal, hasScope, inBody, inBody || _inSetStatement ? default : unscoped);
        return false;
    }

    private void Note(bool isGlobal) =>
        _traits |= isGlobal ? StatementTraits.SetsGlobalVariable : StatementTraits.SetsSessionState;

    private void AssignSystemVariable(bool isGlobal, bool hasScope, bool inBody, TextRange unscoped)
    {
        var name = CurrentValue;
        Advance();
        while (_current.Kind == TokenKind.Dot)
        {
            // A key cache, a record's field or NEW.x: the last name counts.
            Advance();
            name = CurrentValue;
            Advance();
        }

        Note(isGlobal);
        var text = name.Of(_sql);
        if (ForbiddenVariables.Contains(text, plainInBody: inBody && !hasScope))
        {
            Offer(SpecialStatement.ForbiddenSet);
            _value = name;
        }

        if (!isGlobal && ForbiddenVariables.IsTracking(text))
            SetTracking(name, isPlain: !inBody && !_inSetStatement);
        if (unscoped.Length > 0 && IsOfNextTransaction(text))
            _traits |= StatementTraits.SetsNextTransaction;
        else if (unscoped.Length > 0 && !BeginsOtherSet(text) && _current.Kind != TokenKind.OpenParen) // without @@ that would be a call, and no server takes either
            NoteUnscoped(unscoped);
        PassEqual();
        if (Ascii.EqualsIgnoreCase(text, "autocommit"u8) && !IsOff())
            _traits |= OnlyOpen;
        if (!isGlobal && Ascii.EqualsIgnoreCase(text, "timestamp"u8))
            _traits = (_traits & ~(StatementTraits.SetsClock | StatementTraits.ResetsClock)) | (IsDefaultClock() ? StatementTraits.ResetsClock : StatementTraits.SetsClock);
        ScanValue();
    }

    /// <summary>Afterwards the server is asked what it was set to, and told again what the proxy needs; that can be done behind a statement of its own.</summary>
    private void SetTracking(TextRange name, bool isPlain)
    {
        _tracking = name;
        _traits |= StatementTraits.SetsTracking;
        if (isPlain)
            return;
        Offer(SpecialStatement.ForbiddenSet);
        _value = name;
    }

    /// <summary>What is behind has been read, and nothing looks at it again.</summary>
    private void NoteUnscoped(TextRange unscoped)
    {
        // In a character set whose letters may end in a backslash a string may reach further than it seems, and the name may stand in it.
        if (_tokens.IsDoubtful && _sql[..unscoped.Start].ContainsAnyInRange((byte)0x80, (byte)0xFF))
        {
            _traits |= StatementTraits.RunsUnseenText;
            return;
        }

        if (!_rewritten.IsEmpty)
            _rewritten.Slice(unscoped.Start, unscoped.Length).Fill((byte)' ');
        else if (_unscoped.Length == 0)
            _unscoped = unscoped;
    }

    /// <summary><c>SET @@password = …</c> is an error; SET password is none, and sets one.</summary>
    private static bool BeginsOtherSet(ReadOnlySpan<byte> name) => WordTable.Find(name).Id
        is Word.Password or Word.Role or Word.Default or Word.Statement or Word.Names or Word.Transaction or Word.Character or Word.Charset or Word.Char;

    /// <summary>These, without a scope, are meant for the next transaction alone.</summary>
    private static bool IsOfNextTransaction(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "tx_isolation"u8) || Ascii.EqualsIgnoreCase(name, "tx_read_only"u8)
        || Ascii.EqualsIgnoreCase(name, "transaction_isolation"u8) || Ascii.EqualsIgnoreCase(name, "transaction_read_only"u8);

    /// <summary>Whether the value lets <c>timestamp</c> be the time of day again.</summary>
    private readonly bool IsDefaultClock() => _current.Id == Word.Default || (_current.Kind == TokenKind.Number && CurrentIs("0"u8));

    /// <summary>Behind SET NAMES: what its COLLATE says. The server reports the character sets alone.</summary>
    private readonly TextRange CollationOfNames()
    {
        if (_beforePrevious.Kind != TokenKind.Word || _previous.Id == Word.Default || !Ascii.EqualsIgnoreCase(_sql[_beforePrevious.Start.._beforePrevious.End], "collate"u8))
            return default;
        return _previous.Kind switch
        {
            TokenKind.Word => new(_previous.Start, _previous.End - _previous.Start),
            TokenKind.String or TokenKind.QuotedName => new(_previous.Start + 1, _previous.End - _previous.Start - 2),
            _ => default,
        };
    }

    /// <summary>Whether the value is a literal that means off.</summary>
    private readonly bool IsOff() => _current.Id is Word.Off or Word.False
        || (_current.Kind == TokenKind.Number && CurrentIs("0"u8))
        || (_current.Kind == TokenKind.String && CurrentIs("off"u8));

    private bool AssignUserVariable()
    {
        _traits |= StatementTraits.SetsUserVariable;
        bool consistency = CurrentIs("wolfscale_consistency"u8);
        bool gtid = CurrentIs("wolfscale_gtid"u8);
        Advance();
        PassEqual();
        if (!consistency && !gtid)
        {
            ScanValue();
            return false;
        }

        bool plain = _current.Kind == TokenKind.String;
        bool isNull = gtid && _current.Kind == TokenKind.Word && CurrentIs("null"u8);
        var value = CurrentValue;
        ScanValue();
        plain &= _previous.Kind == TokenKind.String && _previous.End == value.Start + value.Length + 1;
        if (!plain && !(isNull && _previous.End == value.Start + value.Length))
            Offer(SpecialStatement.InvalidWolfscaleSet);
        else if (_special == SpecialStatement.None)
            (_special, _value) = (consistency ? SpecialStatement.SetConsistency : SpecialStatement.SetGtidToken, value);
        return true;
    }

    private void PassEqual()
    {
        if (_current.Kind is TokenKind.Equal or TokenKind.Assign)
            Advance();
    }

    /// <summary>An expression, up to the comma or the FOR behind it. It may call functions that write.</summary>
    private void ScanValue()
    {
        bool wasRead = _isRead;
        _isRead = true;
        _depth = 0;
        while (!AtEnd && !(_depth <= 0 && (_current.Kind == TokenKind.Comma || (_inSetStatement && _current.Id == Word.For))))
        {
            Inspect();
            Advance();
        }

        _isRead = wasRead;
    }
}
