namespace WolfScale.Proxy.Sql;

/// <summary>The first word decides what family a statement belongs to.</summary>
internal ref partial struct ClassifierPass
{
    private const StatementTraits DefinitionTraits = StatementTraits.CommitCapable;
    private const StatementTraits OnlyOpen = StatementTraits.CommitCapable | StatementTraits.CommitsOnlyOpenTransaction;

    private void ReadStatement()
    {
        _isRead = false;
        _setsItsVariables = false;
        _depth = 0;
        _withDepths = 0;
        _pendingParens = 0;
        switch (_current.Id)
        {
            case Word.Select or Word.With or Word.Values or Word.Table:
            case Word.None when _current.Kind == TokenKind.OpenParen:
                ReadQuery();
                break;
            case Word.Show:
                ReadShow();
                break;
            case Word.Explain or Word.Desc or Word.Describe:
                ReadExplain();
                break;
            case Word.Help:
                SkipRest();
                break;
            case Word.Checksum:
                Advance();
                if (!Accept(Word.Table))
                    ReadUnknown();
                break;
            default:
                _leadBeforeStatement = _mustLead;
                _mustLead = true;
                ReadLeaderStatement();
                break;
        }
    }

    private void ReadLeaderStatement()
    {
        var first = _current.Id;
        switch (first)
        {
            case Word.Insert or Word.Replace or Word.Update or Word.Delete:
                _hasInserted |= first is Word.Insert or Word.Replace;
                _traits |= StatementTraits.CommitCapable | StatementTraits.CommitsByAutocommit;
                break;
            case Word.Call:
                _traits |= StatementTraits.CommitCapable | StatementTraits.Doubtful | StatementTraits.CallsProcedure;
                _setsItsVariables = true;
                break;
            case Word.Load:
                ReadLoad();
                break;
            case Word.Set:
                Advance();
                ReadSet();
                break;
            case Word.Commit or Word.Rollback or Word.Begin or Word.Start or Word.Xa or Word.Lock or Word.Unlock or Word.Savepoint or Word.Release:
                ReadTransactionStatement(first);
                break;
            case Word.Create or Word.Alter or Word.Drop:
                ReadDefinition(first);
                break;
            case Word.Analyze:
                ReadAnalyze();
                break;
            case Word.Flush or Word.Backup:
                // FLUSH TABLES .. WITH READ LOCK, .. FOR EXPORT, BACKUP LOCK.
                _traits |= DefinitionTraits;
                SkipToLock();
                break;
            case Word.Rename or Word.Truncate or Word.Grant or Word.Revoke or Word.Optimize or Word.Repair or Word.Install or Word.Uninstall
                or Word.Reset or Word.Purge or Word.Change or Word.Stop or Word.Cache or Word.Check:
                _traits |= DefinitionTraits;
                SkipRest();
                break;
            default:
                ReadSessionStatement(first);
                break;
        }
    }

    private void ReadSessionStatement(Word first)
    {
        switch (first)
        {
            case Word.Do:
                _isRead = true;
                Advance();
                NoteReleaseOfLocks();
                break;
            case Word.Use:
                _traits |= StatementTraits.SetsSessionState;
                SkipRest();
                break;
            case Word.Handler:
                ReadHandler();
                break;
            case Word.Prepare:
                _traits |= StatementTraits.PreparesSqlStatement;
                ScanDynamicSql(Word.From);
                break;
            case Word.Execute:
                ReadExecute();
                break;
            case Word.Deallocate:
                _traits |= StatementTraits.UsesSqlStatement;
                SkipRest();
                break;
            case Word.Kill:
                ReadKill();
                break;
            case Word.Get:
                _traits |= StatementTraits.RefersToLastStatement | StatementTraits.SetsUserVariable;
                SkipRest();
                break;
            case Word.Signal or Word.Resignal:
                break;
            case Word.Shutdown:
                _traits |= StatementTraits.CommitCapable; // never sent again: the next leader would go too
                break;
            default:
                ReadUnknown();
                break;
        }
    }

    /// <summary>A compound statement outside a routine, or something this classifier does not know.</summary>
    private void ReadUnknown()
    {
        _mustLead = true;
        _traits |= StatementTraits.Doubtful | StatementTraits.CommitCapable;
        _traits |= StoredBody.TraitsOf(_sql[_current.Start..], _options, _options.Views ?? HiddenViews.None);
        ScanBody();
    }

    private void ReadLoad()
    {
        _traits |= StatementTraits.CommitCapable;
        _setsItsVariables = true;
        while (!AtEnd && _current.Id != Word.Infile)
        {
            if (_current.Id == Word.Local)
                _traits |= StatementTraits.LoadsLocalData;
            Advance();
        }
    }

    private void ReadHandler()
    {
        while (!AtEnd)
        {
            if (_current.Id == Word.Open)
                _traits |= StatementTraits.OpensHandler;
            Advance();
        }
    }

    private void ReadExecute()
    {
        Advance();
        _traits |= StatementTraits.CommitCapable | StatementTraits.Doubtful;
        if (_current.Id != Word.Immediate)
            _traits |= StatementTraits.UsesSqlStatement;
        ScanDynamicSql(_current.Id == Word.Immediate ? Word.Immediate : Word.None);
    }

    private void SkipToLock()
    {
        while (!AtEnd)
        {
            if (_current.Id is Word.Lock or Word.For || (_current.Id == Word.Read && _previous.Id == Word.With))
                _traits |= StatementTraits.LocksTables;
            Advance();
        }
    }

    /// <summary>ANALYZE of a table writes its statistics; ANALYZE of a statement executes it.</summary>
    private void ReadAnalyze()
    {
        Advance();
        if (_current.Id == Word.Format)
            SkipFormat();
        switch (_current.Id)
        {
            case Word.Select or Word.With or Word.Values:
            case Word.None when _current.Kind == TokenKind.OpenParen:
                _mustLead = _leadBeforeStatement;
                ReadQuery();
                break;
            default:
                _traits |= StatementTraits.CommitCapable;
                break;
        }
    }

    /// <summary><c>KILL [HARD | SOFT] [CONNECTION | QUERY [ID]] {number | USER name}</c></summary>
    private void ReadKill()
    {
        _traits |= StatementTraits.IsKill;
        Advance();
        bool soft = _current.Id == Word.Soft;
        if (soft || _current.Id == Word.Hard)
            Advance();
        var scope = KillScope.Connection;
        if (Accept(Word.Query))
            scope = Accept(Word.Id) ? KillScope.QueryId : KillScope.Query;
        else
            _ = Accept(Word.Connection);
        Offer(SpecialStatement.Kill);
        if (_current.Id == Word.User && scope != KillScope.QueryId)
        {
            Advance();
            int start = _current.Start;
            SkipRest();
            _value = new TextRange(start, Math.Max(0, _previous.End - start));
            _kill = new KillTarget(scope == KillScope.Query ? KillScope.UserQueries : KillScope.UserConnections, 0, soft);
            return;
        }

        var isParameter = _current.Kind == TokenKind.Placeholder;
        if (isParameter)
            Advance();
        isParameter &= AtEnd;
        ulong id = ReadId();
        _isRead = true;
        ScanRest();
        _kill = new KillTarget(scope, id, soft, isParameter);
        if (id == 0)
            _traits |= StatementTraits.Doubtful;
    }

    /// <summary>The number if nothing else follows it, else 0.</summary>
    private ulong ReadId()
    {
        if (_current.Kind != TokenKind.Number || !System.Buffers.Text.Utf8Parser.TryParse(CurrentValue.Of(_sql), out ulong id, out int used)
            || used != CurrentValue.Length)
            return 0;
        Advance();
        return AtEnd ? id : 0;
    }

    /// <summary>A forbidden assignment outranks everything; the first of the others stays.</summary>
    private void Offer(SpecialStatement special)
    {
        if (special == SpecialStatement.ForbiddenSet || _special == SpecialStatement.None)
            _special = special;
    }
}
