namespace WolfScale.Proxy.Sql;

/// <summary>Words that the classifier acts on. The text of each is its name in snake case: <c>SqlCalcFoundRows</c> is <c>sql_calc_found_rows</c>.</summary>
internal enum Word : byte
{
    None,

    // They begin a statement.
    Select, With, Values, Table, Insert, Replace, Update, Delete, Load, Call, Do, Set, Use, Commit, Rollback, Begin, Start, Savepoint, Release,
    Xa, Lock, Unlock, Handler, Prepare, Execute, Deallocate, Kill, Help, Show, Explain, Desc, Describe, Analyze, Checksum, Create, Alter, Drop,
    Rename, Truncate, Grant, Revoke, Optimize, Repair, Flush, Install, Uninstall, Reset, Purge, Change, Stop, Cache, Check, Signal, Resignal,
    Get, Shutdown, Backup,

    // They tell what a read does.
    Into, For, Share, Procedure, SqlCalcFoundRows, Rowcount, Value, Recursive, Rollup, Ties, Query, From, Join, As, Of, JsonTable, Columns, Point,

    // They belong to one statement.
    Session, Local, Global, Names, Character, Char, Charset, Password, Role, Default, Transaction, Statement, Immediate, Read, Only, Work,
    Temporary, Chain, No, And, To, Open, Infile, Hard, Soft, Connection, Id, User, Format, Extended, Partitions, Index, Off, False,
    Function, Trigger, Event, Package, View, Sequence, Then, Else, Loop, Repeat, Row,

    // What SHOW shows.
    Wolfscale, Status, Full, Warnings, Errors, Count, Tables, Databases, Schemas, Fields, Indexes, Keys, Triggers, Collation, Privileges,
}

/// <summary>What a word may be when an opening parenthesis follows it.</summary>
internal enum WordUse : byte
{
    /// <summary>A stored function of that name may exist, and may write.</summary>
    Unknown,

    /// <summary>Reserved, or used by the grammar in this way: never a stored function.</summary>
    Syntax,

    /// <summary>A function of MariaDB's own that reads at most.</summary>
    Function,

    /// <summary>The same, but with a blank before the parenthesis MariaDB looks for a stored function (unless sql_mode has IGNORE_SPACE).</summary>
    AdjacentFunction,

    /// <summary>A function of MariaDB's own with the right number of arguments, else perhaps a stored one.</summary>
    SpatialConstructor,

    /// <summary>GET_LOCK.</summary>
    TakesUserLock,

    /// <summary>Tells of user-level locks, which are on the leader.</summary>
    UserLock,

    /// <summary>Depends on the statement before it.</summary>
    LastStatement,

    /// <summary>Tells of one server, or waits for it.</summary>
    ServerLocal,

    /// <summary>NEXTVAL and its kin: LASTVAL is per session, the others write.</summary>
    Sequence,
    LastValueOfSequence,
}
