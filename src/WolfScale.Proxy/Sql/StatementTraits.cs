namespace WolfScale.Proxy.Sql;

/// <summary>What a statement does to its session and transaction.</summary>
[Flags]
public enum StatementTraits : long
{
    None = 0,
    BeginsTransaction = 1 << 0,

    /// <summary>Always together with <see cref="BeginsTransaction"/>.</summary>
    BeginsReadOnlyTransaction = 1 << 1,

    /// <summary>COMMIT, ROLLBACK (not TO SAVEPOINT), XA PREPARE, COMMIT and ROLLBACK.</summary>
    EndsTransaction = 1 << 2,

    /// <summary>AND CHAIN: another transaction begins at once.</summary>
    ChainsTransaction = 1 << 3,

    /// <summary>RELEASE: the server closes the connection.</summary>
    ReleasesConnection = 1 << 4,

    /// <summary>
    /// May make something durable: autocommit DML, DDL and everything that commits implicitly, CALL, COMMIT, an unknown function.
    /// When its answer is lost, its outcome is not known.
    /// </summary>
    CommitCapable = 1 << 5,

    /// <summary>
    /// Together with <see cref="CommitCapable"/>: what it can commit is the session's open transaction and nothing else (COMMIT, BEGIN,
    /// LOCK TABLES). Outside a transaction it makes nothing durable.
    /// </summary>
    CommitsOnlyOpenTransaction = 1 << 6,

    /// <summary>Session variables, NAMES, the default schema, the role: to be repeated on every backend of the session.</summary>
    SetsSessionState = 1 << 7,

    SetsGlobalVariable = 1 << 8,
    SetsUserVariable = 1 << 9,
    UsesUserVariable = 1 << 10,
    CreatesTemporaryTable = 1 << 11,

    /// <summary>GET_LOCK.</summary>
    TakesUserLock = 1 << 12,
    OpensHandler = 1 << 13,
    LocksTables = 1 << 14,

    /// <summary>PREPARE.</summary>
    PreparesSqlStatement = 1 << 15,

    /// <summary>EXECUTE, DEALLOCATE PREPARE.</summary>
    UsesSqlStatement = 1 << 16,
    MultiStatement = 1 << 17,

    /// <summary>SHOW WARNINGS, FOUND_ROWS(), LAST_INSERT_ID(): belongs where the statement before it was executed.</summary>
    RefersToLastStatement = 1 << 18,

    /// <summary>What it does cannot be told from its text, or not by this classifier.</summary>
    Doubtful = 1 << 19,

    /// <summary>LOAD DATA LOCAL: the server asks the client for a file.</summary>
    LoadsLocalData = 1 << 20,
    IsKill = 1 << 21,

    /// <summary>
    /// Together with <see cref="CommitCapable"/>: INSERT, UPDATE, DELETE, REPLACE. Within a transaction it commits nothing (of transactional tables).
    /// Of several statements it says nothing.
    /// </summary>
    CommitsByAutocommit = 1 << 22,

    /// <summary>
    /// LAST_INSERT_ID(), then together with <see cref="RefersToLastStatement"/>: of the session's last insert, which the leader made, however many local reads came after it. Alone: LASTVAL(),
    /// of a sequence's last value in this session.
    /// </summary>
    RefersToInsertId = 1 << 23,

    /// <summary>SET timestamp: the session's clock stands still.</summary>
    SetsClock = 1 << 24,

    /// <summary>SET timestamp = DEFAULT or 0: it runs again. Of several assignments the last counts.</summary>
    ResetsClock = 1 << 25,

    /// <summary>SET STATEMENT … FOR: what the server reports of variables holds for this statement alone.</summary>
    SetsForItself = 1 << 26,

    /// <summary>CALL: one of its results may be that of the OUT parameters.</summary>
    CallsProcedure = 1 << 27,

    /// <summary>SET session_track_system_variables, session_track_schema, session_track_state_change: what the server reports, which the proxy depends on.</summary>
    SetsTracking = 1 << 28,

    /// <summary>SET ROLE. The server does not report it.</summary>
    SetsRole = 1 << 29,

    /// <summary>SET TRANSACTION without SESSION or GLOBAL: of the next transaction alone.</summary>
    SetsNextTransaction = 1 << 30,

    /// <summary>
    /// It runs, or prepares, what its text does not show (dynamic SQL, a routine with dynamic SQL): that may lock tables, take locks and set the role, which no server tells.
    /// </summary>
    RunsUnseenText = 1L << 31,

    /// <summary>LAST_INSERT_ID(expression): gives it a value.</summary>
    SetsInsertId = 1L << 32,
}
