using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>DDL, and texts that hold other statements: routines, compound statements, strings that are prepared.</summary>
internal ref partial struct ClassifierPass
{
    private void ReadDefinition(Word first)
    {
        Advance();
        if (first == Word.Drop && _current.Id == Word.Prepare)
        {
            _traits |= StatementTraits.UsesSqlStatement;
            SkipRest();
            return;
        }

        _traits |= DefinitionTraits;
        if (first == Word.Create)
            ReadCreate();
        else if (first == Word.Alter && FindsEvent())
            ScanBody();
        else
            SkipRest();
    }

    private bool FindsEvent()
    {
        while (!AtEnd && _current.Id is not (Word.Table or Word.Event or Word.User))
            Advance();
        return _current.Id == Word.Event;
    }

    private void ReadCreate()
    {
        while (!AtEnd)
        {
            switch (_current.Id)
            {
                case Word.Temporary:
                    // Logged when binlog_format is MIXED or STATEMENT, so it stays capable of a commit.
                    _traits |= StatementTraits.CreatesTemporaryTable;
                    break;
                case Word.Table:
                    // CREATE TABLE .. SELECT may take locks and set variables.
                    ScanRest();
                    return;
                case Word.Procedure or Word.Function or Word.Trigger or Word.Event or Word.Package:
                    ScanBody();
                    return;
                case Word.View or Word.Sequence or Word.User or Word.Role or Word.Index:
                    SkipRest();
                    return;
            }

            Advance();
        }
    }

    /// <summary>
    /// To the end of the text: in a body a semicolon does not end the statement. Only assignments that are forbidden matter here, wherever a
    /// statement may begin.
    /// </summary>
    private void ScanBody()
    {
        bool inData = false;
        while (_current.Kind != TokenKind.End)
        {
            if (BeginsStatement())
                inData = false;
            if (_current.Id is Word.Insert or Word.Replace or Word.Update or Word.Load or Word.Alter)
                inData = true;
            if (_current.Kind == TokenKind.String)
                FindForbiddenText(_current.Start, _current.End - _current.Start);
            if (_current.Id == Word.Set && !inData && _previous.Id is not (Word.Character or Word.Char))
            {
                Advance();
                ReadBodySet();
                continue;
            }

            Advance();
        }
    }

    /// <summary>The traits of a statement in a body are not the session's now.</summary>
    private void ReadBodySet()
    {
        var traits = _traits;
        bool shouldLead = _shouldLead;
        if (_current.Id == Word.Statement)
            Advance();
        while (!AtEnd)
        {
            _ = ReadAssignment(inBody: true);
            if (_current.Kind != TokenKind.Comma)
                break;
            Advance();
        }

        _traits = traits;
        _shouldLead = shouldLead;
    }

    private readonly bool BeginsStatement() => _previous.Kind == TokenKind.Semicolon
        || _previous.Id is Word.Begin or Word.Then or Word.Else or Word.Do or Word.Loop or Word.Repeat or Word.Row;

    /// <summary>PREPARE and EXECUTE IMMEDIATE: the statement is in a string, or not in the text at all.</summary>
    /// <param name="before">The word before the string. IMMEDIATE: what it leaves behind can be told from the string; FROM: the session is tied anyway, and a role is what matters; none: it was prepared before.</param>
    private void ScanDynamicSql(Word before)
    {
        _isRead = true;
        bool isSeen = before == Word.None;
        while (!AtEnd)
        {
            if (_current.Kind == TokenKind.String)
            {
                FindForbiddenText(_current.Start, _current.End - _current.Start);
                isSeen |= before != Word.None && _previous.Id == before && TryTakeOver(executes: before == Word.Immediate);
            }

            Inspect();
            Advance();
        }

        if (!isSeen)
            _traits |= StatementTraits.RunsUnseenText;
    }

    /// <summary>
    /// The statement in a string that stands alone. With escapes, with several parts or in another character set it is not taken apart.
    /// </summary>
    private bool TryTakeOver(bool executes)
    {
        const StatementTraits Unreported = StatementTraits.TakesUserLock | StatementTraits.LocksTables | StatementTraits.SetsRole | StatementTraits.SetsNextTransaction | StatementTraits.RunsUnseenText;
        var tokens = _tokens;
        tokens.Next();
        var text = CurrentValue.Of(_sql);
        bool isPlain = _sql[_current.Start] is (byte)'\'' or (byte)'"' && text.IndexOfAny((byte)'\\', (byte)'\'', (byte)'"') < 0 && !_tokens.IsDoubtful;
        bool ends = tokens.Kind is TokenKind.End or TokenKind.Semicolon || (executes && tokens.Kind == TokenKind.Word && Ascii.EqualsIgnoreCase(_sql[tokens.Start..tokens.End], "using"u8));
        if (!isPlain || !ends)
            return false;
        var statement = StatementClassifier.Classify(text, _options);
        var inside = statement.Traits & Unreported;
        if (statement.Unscoped.Length > 0)
            inside |= StatementTraits.RunsUnseenText; // SET @@name, which is not reported
        if (!executes && (inside & StatementTraits.SetsRole) != 0)
            inside = StatementTraits.RunsUnseenText;
        else if (!executes)
            inside &= StatementTraits.RunsUnseenText;
        _traits |= inside;
        return true;
    }

    private void FindForbiddenText(int start, int length)
    {
        int found = ForbiddenVariables.Find(_sql.Slice(start, length), out int nameLength);
        if (found < 0)
            return;
        _special = SpecialStatement.ForbiddenSet;
        _value = new TextRange(start + found, nameLength);
    }
}
