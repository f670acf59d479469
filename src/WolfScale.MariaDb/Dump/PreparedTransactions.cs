using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Dump;

/// <summary>
/// XA transactions that are prepared and neither committed nor rolled back. Their rows are in no snapshot, and a dump does not bring them along: on the receiver their XA COMMIT, which
/// the log brings, would find nothing, and as a leader it would have lost what XA PREPARE promised. On a server whose data are replaced they hold locks that nobody gives up.
/// </summary>
internal static class PreparedTransactions
{
    /// <summary>Whether there are any.</summary>
    /// <exception cref="DumpException">There are: the server cannot be copied now.</exception>
    public static async Task RefuseAsync(AdminConnection server)
    {
        if (await server.QueryAsync("XA RECOVER") is [_, ..] prepared)
        {
            throw new DumpException(
                $"The server holds {prepared.Count} prepared XA transactions, which a copy would not bring along as they are: commit or roll them back through the leader (XA RECOVER lists them), and try again.");
        }
    }

    /// <summary>Rolls all of them back: the data that they belong to are about to be dropped.</summary>
    public static async Task RollBackAsync(AdminConnection server)
    {
        foreach (var prepared in await server.QueryAsync("XA RECOVER FORMAT='SQL'"))
            await server.ExecuteAsync($"XA ROLLBACK {prepared["data"]}", DumpFormat.Longest);
    }
}
