namespace WolfScale.MariaDb.Connections;

/// <summary>Numbers of the server's errors that are expected somewhere (Knowledge Base, "MariaDB Error Codes").</summary>
public static class ServerErrors
{
    /// <summary>ER_CON_COUNT_ERROR: max_connections are taken.</summary>
    public const int TooManyConnections = 1040;

    /// <summary>ER_MASTER_FATAL_ERROR_READING_BINLOG: among others, the binlog does not hold the position asked for.</summary>
    public const int BinlogPositionRefused = 1236;

    /// <summary>ER_BAD_DB_ERROR.</summary>
    public const int NoSuchSchema = 1049;

    /// <summary>ER_NO_SUCH_TABLE.</summary>
    public const int NoSuchTable = 1146;

    /// <summary>ER_SPECIFIC_ACCESS_DENIED_ERROR: the account lacks a privilege.</summary>
    public const int AccessDenied = 1227;

    /// <summary>ER_OPTION_PREVENTS_STATEMENT: read_only, or event_scheduler=DISABLED.</summary>
    public const int OptionPreventsStatement = 1290;

    /// <summary>ER_NO_SUCH_THREAD: the connection is gone already.</summary>
    public const int NoSuchThread = 1094;

    /// <summary>ER_LOCK_DEADLOCK.</summary>
    public const int Deadlock = 1213;

    /// <summary>ER_LOCK_WAIT_TIMEOUT.</summary>
    public const int LockWaitTimeout = 1205;

    /// <summary>ER_NO_BINARY_LOGGING.</summary>
    public const int NoBinaryLogging = 1381;

    /// <summary>
    /// Whether an error says something of the moment and nothing of the data: locks that others hold, a full disk (also that of tmpdir), no memory, a thread that somebody has killed. The same statement may go through later.
    /// </summary>
    public static bool IsOfTheMoment(int number) => number is LockWaitTimeout or Deadlock
        or 3 or 1021 or 1026 // EE_WRITE, ER_DISK_FULL, ER_ERROR_ON_WRITE
        or 5 or 1037 or 1038 or 1041 or 1135 // EE_OUTOFMEMORY, ER_OUTOFMEMORY, ER_OUT_OF_SORTMEMORY, ER_OUT_OF_RESOURCES, ER_CANT_CREATE_THREAD
        or 1053 or 1317 or 1927; // ER_SERVER_SHUTDOWN, ER_QUERY_INTERRUPTED, ER_CONNECTION_KILLED

    /// <summary>WARN_NO_MASTER_INFO: there is no replication connection of that name.</summary>
    public const int NoSuchReplication = 1617;
}
