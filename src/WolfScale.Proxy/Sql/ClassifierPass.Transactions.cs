namespace WolfScale.Proxy.Sql;

/// <summary>Statements that begin, end or fence transactions.</summary>
internal ref partial struct ClassifierPass
{
    private void ReadTransactionStatement(Word first)
    {
        Advance();
        switch (first)
        {
            case Word.Commit:
                _traits |= StatementTraits.EndsTransaction | OnlyOpen;
                ReadChainAndRelease();
                break;
            case Word.Rollback:
                ReadRollback();
                break;
            case Word.Begin:
                _ = Accept(Word.Work);
                if (AtEnd)
                    _traits |= StatementTraits.BeginsTransaction | OnlyOpen;
                else
                    ReadUnknown();
                break;
            case Word.Start:
                ReadStart();
                break;
            case Word.Xa:
                ReadXa();
                break;
            case Word.Lock:
                _traits |= StatementTraits.LocksTables | OnlyOpen;
                SkipRest();
                break;
            case Word.Unlock:
                _traits |= OnlyOpen;
                _releases = ReleasedLocks.Tables;
                SkipRest();
                break;
            default:
                SkipRest();
                break;
        }
    }

    private void ReadStart()
    {
        if (!Accept(Word.Transaction))
        {
            // START SLAVE and its kin.
            _traits |= DefinitionTraits;
            SkipRest();
            return;
        }

        _traits |= StatementTraits.BeginsTransaction | OnlyOpen;
        bool readOnly = false;
        while (!AtEnd)
        {
            readOnly |= _current.Id == Word.Only && _previous.Id == Word.Read;
            Advance();
        }

        if (readOnly)
        {
            _traits |= StatementTraits.BeginsReadOnlyTransaction;
            _mustLead = _leadBeforeStatement;
        }
    }

    private void ReadRollback()
    {
        _ = Accept(Word.Work);
        if (_current.Id == Word.To)
        {
            SkipRest();
            return;
        }

        _traits |= StatementTraits.EndsTransaction;
        ReadChainAndRelease();
    }

    /// <summary><c>[WORK] [AND [NO] CHAIN] [[NO] RELEASE]</c></summary>
    private void ReadChainAndRelease()
    {
        while (!AtEnd)
        {
            if (_current.Id == Word.Chain && _previous.Id == Word.And)
                _traits |= StatementTraits.ChainsTransaction;
            if (_current.Id == Word.Release && _previous.Id != Word.No)
                _traits |= StatementTraits.ReleasesConnection;
            Advance();
        }
    }

    private void ReadXa()
    {
        switch (_current.Id)
        {
            case Word.Start or Word.Begin:
                _traits |= StatementTraits.BeginsTransaction;
                break;
            case Word.Prepare or Word.Commit or Word.Rollback:
                // Each is a group of its own in the binary log, XA ROLLBACK of a prepared transaction too.
                _traits |= StatementTraits.EndsTransaction | StatementTraits.CommitCapable;
                break;
        }

        SkipRest();
    }
}
