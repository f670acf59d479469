using WolfScale.MariaDb.Preflight;

namespace WolfScale.Server.Configuration;

/// <summary>The statements that create WolfScale's account, with what it needs and no more.</summary>
public static class AccountSql
{
    /// <summary>
    /// The statements, under <c>sql_log_bin = 0</c>: an account that is created on each server separately must not be a transaction
    /// of that server, or the cluster would find one that it never committed (an errant one).
    /// </summary>
    public static string Statements(string user, string password, IEnumerable<string>? hosts = null)
    {
        var lines = new List<string>
        {
            "-- WolfScale's account. Run this as root on EACH server: it is not replicated, on purpose.",
            "SET SESSION sql_log_bin = 0;",
        };
        foreach (var host in hosts ?? ["localhost", "127.0.0.1"])
        {
            var account = $"'{Quote(user)}'@'{Quote(host)}'";
            lines.Add($"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{Quote(password)}';");
            lines.AddRange(PrivilegeRules.GrantStatements(account).Select(grant => grant + ";"));
        }

        lines.Add("SET SESSION sql_log_bin = 1;");
        return string.Join('\n', lines) + "\n";
    }

    private static string Quote(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
}
