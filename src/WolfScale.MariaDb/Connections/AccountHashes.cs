using System.Globalization;

using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb;

/// <summary>
/// What the local server stores of its accounts' passwords. A connection is opened for each question and closed again: a client's first local read asks,
/// and a move to another leader.
/// </summary>
public sealed class AccountHashes(DatabaseOptions options)
{
    /// <summary>SHA1(SHA1(password)) of the accounts with this user name that use mysql_native_password; empty for an empty password.</summary>
    /// <exception cref="MySqlConnector.MySqlException">The server does not answer.</exception>
    public async Task<IReadOnlyList<byte[]>> NativeAsync(string user)
    {
        await using var server = await AdminConnection.OpenAsync(options, 0, null, CancellationToken.None);
        var rows = await server.QueryAsync(
            $"SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User={Sql.Text(user)} AND IFNULL(JSON_VALUE(Priv, '$.plugin'), '') IN ('', 'mysql_native_password')");
        return [.. rows.Select(row => Parse(row.First)).Where(hash => hash is not null).Select(hash => hash!)];
    }

    /// <summary>A stored hash is an asterisk and forty hexadecimal digits.</summary>
    private static byte[]? Parse(string? stored) => stored switch
    {
        null or "" => [],
        ['*', .. var digits] when digits.Length == 40 && digits.All(char.IsAsciiHexDigit) => Convert.FromHexString(digits),
        _ => null,
    };
}
