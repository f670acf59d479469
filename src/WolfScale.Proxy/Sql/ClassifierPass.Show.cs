namespace WolfScale.Proxy.Sql;

/// <summary>SHOW, EXPLAIN and DESCRIBE. None writes; what tells of one server is the leader's, as with one MariaDB.</summary>
internal ref partial struct ClassifierPass
{
    private void ReadShow()
    {
        _isRead = true;
        Advance();
        if (_current.Id is Word.Full or Word.Extended)
            Advance();
        switch (_current.Id)
        {
            case Word.Wolfscale:
                Advance();
                if (Accept(Word.Status) && AtEnd)
                    Offer(SpecialStatement.ShowWolfscaleStatus);
                _shouldLead = true;
                break;
            case Word.Warnings or Word.Errors:
                _traits |= StatementTraits.RefersToLastStatement;
                _mustLead = true;
                break;
            case Word.Count:
                // SHOW COUNT(*) WARNINGS
                _traits |= StatementTraits.RefersToLastStatement;
                _mustLead = true;
                SkipRest();
                break;
            case Word.Tables or Word.Databases or Word.Schemas or Word.Columns or Word.Fields or Word.Index or Word.Indexes or Word.Keys
                or Word.Triggers or Word.Collation or Word.Charset or Word.Privileges:
                break;
            case Word.Character or Word.Table or Word.Procedure or Word.Function or Word.Package:
                // CHARACTER SET, TABLE STATUS, PROCEDURE STATUS, FUNCTION CODE. PROCEDURE is no PROCEDURE ANALYSE here.
                Advance();
                _shouldLead |= !(_current.Id is Word.Set or Word.Status or Word.Package || CurrentIs("code"u8) || CurrentIs("body"u8));
                break;
            case Word.Create:
                ReadShowCreate();
                break;
            default:
                _shouldLead = true;
                SkipRest();
                break;
        }
    }

    private void ReadShowCreate()
    {
        Advance();
        // An event is SLAVESIDE_DISABLED on followers; an account's secrets need not be read from one.
        if (_current.Id is Word.Event or Word.User)
            _shouldLead = true;
        SkipRest();
    }

    private void ReadExplain()
    {
        Advance();
        if (_current.Id == Word.Format)
            SkipFormat();
        else if (_current.Id is Word.Extended or Word.Partitions)
            Advance();
        switch (_current.Id)
        {
            case Word.Select or Word.With or Word.Values:
            case Word.None when _current.Kind == TokenKind.OpenParen:
                ReadQuery();
                break;
            case Word.Insert or Word.Replace or Word.Update or Word.Delete:
                _mustLead = true;
                break;
            case Word.For:
                // FOR CONNECTION
                _shouldLead = true;
                SkipRest();
                break;
            default:
                // The columns of a table.
                SkipRest();
                break;
        }
    }

    /// <summary><c>FORMAT = JSON</c></summary>
    private void SkipFormat()
    {
        Advance();
        if (_current.Kind != TokenKind.Equal)
            return;
        Advance();
        if (!AtEnd)
            Advance();
    }
}
