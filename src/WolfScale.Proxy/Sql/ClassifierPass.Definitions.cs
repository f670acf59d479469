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
    private void ScanDynamicSql()
    {
        _isRead = true;
        while (!AtEnd)
        {
            if (_current.Kind == TokenKind.String)
                FindForbiddenText(_current.Start, _current.End - _current.Start);
            Inspect();
            Advance();
        }
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
