using MySqlConnector;

namespace WolfScale.Server.Http.Data.Sessions;

/// <summary>What an error of MariaDB, or of the proxy (docs/proxy.md), is over HTTP.</summary>
internal static class MariaDbErrors
{
    public const int NoSuchTable = 1146;
    public const int NoSuchSchema = 1049;
    public const int DuplicateKey = 1062;

    /// <summary>The proxy lost the leader while the statement could commit.</summary>
    public const int OutcomeUnknownCode = 1180;

    private const int RolledBack = 1213;
    private const int LockWait = 1205;
    private const int NoLeader = 1053;
    private const int ConnectionKilled = 1927;
    private const int OptionPrevents = 1290;

    /// <summary>Whether the session goes on after it as before: an ordinary refusal.</summary>
    public static bool LeavesSessionWhole(MySqlException e) =>
        e.Number is > 1000 and < 2000 or > 3000 and < 5000 && e.Number is not (NoLeader or OutcomeUnknownCode or ConnectionKilled or OptionPrevents or RolledBack or 1040 or 1152 or 1153 or 1184 or 1159 or 1160 or 1161);

    /// <summary>The cached description of a table may be out of date.</summary>
    public static bool SpeaksOfSchema(int number) =>
        number is 1054 or NoSuchTable or NoSuchSchema or 1136 or 1146 or 1364 or 1366 or 1265 or 1906 or 1288 or 4078 or 1264 or 1292 or 1406;

    /// <param name="e">The error.</param>
    /// <param name="mayHaveWritten">The statement, or the transaction's COMMIT, may have committed when its connection was lost.</param>
    public static DataProblemException Translate(MySqlException e, bool mayHaveWritten) => e.Number switch
    {
        OutcomeUnknownCode => OutcomeUnknown(e),
        NoLeader when IsOurs(e) => new DataProblemException(503, "no_leader", "No node accepts writes", e.Message) { MariaDbError = e.Number, RetryAfterSeconds = 1 },
        OptionPrevents when IsOurs(e) || e.Message.Contains("--read-only", StringComparison.Ordinal) =>
            new DataProblemException(503, "no_leader", "No node accepts writes", "The leader has just changed; nothing was executed.") { MariaDbError = e.Number, RetryAfterSeconds = 1 },
        RolledBack or LockWait => new DataProblemException(503, "rolled_back", "The transaction was rolled back", $"{e.Message}. Nothing was written: send the request again.") { MariaDbError = e.Number, RetryAfterSeconds = 1 },
        1040 => new DataProblemException(503, "busy", "Too many connections", e.Message) { MariaDbError = e.Number, RetryAfterSeconds = 1 },
        1062 or 1169 or 1586 or 1451 or 1452 or 1216 or 1217 or 1557 or 1761 or 1762 or 4025 => Of(e, 409, "constraint_violation", "A constraint of the table forbids it"),
        1064 or 1149 => Of(e, 400, "sql_syntax", "MariaDB cannot read the statement"),
        1044 or 1045 or 1142 or 1143 or 1227 or 1370 or 1698 => Of(e, 403, "database_refuses", "WolfScale's account may not do that"),
        1792 => Of(e, 403, "read_only", "This request may only read"),
        NoSuchTable => Of(e, 404, "unknown_table", "There is no such table"),
        NoSuchSchema => Of(e, 404, "unknown_database", "There is no such database"),
        1054 => Of(e, 422, "unknown_column", "There is no such column"),
        1048 or 1264 or 1265 or 1292 or 1364 or 1366 or 1367 or 1406 or 1411 or 1425 or 1690 or 1906 or 1267 or 1270 or 3140 or 4078 => Of(e, 422, "invalid_value", "The table cannot hold this"),
        1153 or 1301 => Of(e, 413, "too_large", "It is larger than MariaDB takes"),
        _ when LeavesSessionWhole(e) => Of(e, 422, "database_error", "MariaDB refuses it"),
        _ when mayHaveWritten => OutcomeUnknown(e),
        _ => new DataProblemException(503, "connection_lost", "The connection to the database was lost", $"{e.Message}. Nothing was written: send the request again.") { RetryAfterSeconds = 1 },
    };

    /// <summary>The session could not be opened: nothing was executed.</summary>
    public static DataProblemException OfOpening(MySqlException e, string user, string server) => e.Number switch
    {
        1045 or 1698 or 1130 => new DataProblemException(
            503, "database_login", "WolfScale's account cannot log in through the proxy",
            $"{e.Message}. The HTTP API logs in as {user} (database.user), over TCP, at {server}: the account must exist there for this node's address, with the same password on all nodes.") { MariaDbError = e.Number },
        NoLeader or 1040 => Translate(e, mayHaveWritten: false),
        _ => new DataProblemException(503, "no_leader", "The database cannot be reached", $"{e.Message}. Nothing was executed.") { RetryAfterSeconds = 1 },
    };

    private static bool IsOurs(MySqlException e) => e.Message.StartsWith("WolfScale:", StringComparison.Ordinal);

    private static DataProblemException Of(MySqlException e, int status, string code, string title) => new(status, code, title, e.Message) { MariaDbError = e.Number };

    private static DataProblemException OutcomeUnknown(MySqlException e) => new(
        504, "outcome_unknown", "Whether it was written is not known",
        "The connection to the leader was lost while the write could commit. Look at the data before you repeat it; with an Idempotency-Key the same request can be sent again without being written twice.")
    {
        MariaDbError = e.Number > 0 ? e.Number : null,
    };
}
