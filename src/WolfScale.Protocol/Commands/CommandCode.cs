namespace WolfScale.Protocol.Commands;

/// <summary>First byte of a command packet (<c>enum_server_command</c>).</summary>
public enum CommandCode : byte
{
    Sleep = 0,
    Quit = 1,
    InitDatabase = 2,
    Query = 3,
    FieldList = 4,
    Shutdown = 8,
    Statistics = 9,
    ProcessInfo = 10,
    ProcessKill = 12,
    Ping = 14,
    ChangeUser = 17,
    BinlogDump = 18,
    RegisterSlave = 21,
    StatementPrepare = 22,
    StatementExecute = 23,
    StatementSendLongData = 24,
    StatementClose = 25,
    StatementReset = 26,
    SetOption = 27,
    StatementFetch = 28,
    ResetConnection = 31,

    /// <summary>MariaDB's own: one statement, many sets of parameters.</summary>
    StatementBulkExecute = 0xFA,
}
