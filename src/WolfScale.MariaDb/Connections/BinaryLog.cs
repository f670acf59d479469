using MySqlConnector;

namespace WolfScale.MariaDb.Connections;

/// <summary>Whether a server writes its binary log at this moment.</summary>
internal static class BinaryLog
{
    /// <summary>
    /// <c>@@log_bin</c> tells what was configured: it stays ON when the server has turned its log off (measured on 10.11). BINLOG_GTID_POS asks the log itself, and refuses with 1381 where
    /// there is none; of a file that does not exist it answers NULL without opening one, and it waits for no commit.
    /// </summary>
    public static async Task<bool> IsOnAsync(AdminConnection server, TimeSpan? limit = null)
    {
        try
        {
            _ = await server.ScalarAsync("SELECT BINLOG_GTID_POS('-', 4)", limit);
            return true;
        }
        catch (MySqlException e) when (e.Number == ServerErrors.NoBinaryLogging)
        {
            return false;
        }
    }
}
