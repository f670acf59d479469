using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb;

/// <summary>
/// What the local server stores of its accounts' passwords: a session's first local read asks, and its move to another leader. Thousands may move at once,
/// so one reading of the whole list answers many (<see cref="SharedAnswer{T}"/>); none that began before the question, for the account may have been made in
/// between. The last list is kept: it lets sessions move away from a server that is dead. An old one does no harm, because the server
/// that the session logs in at compares with its own.
/// </summary>
public sealed class AccountHashes
{
    /// <summary>So much later is the list that <see cref="Remember"/> wants: it is wanted at every login.</summary>
    public static readonly TimeSpan RememberAfter = TimeSpan.FromSeconds(1);

    /// <summary>A frozen server is given up after this time.</summary>
    public static readonly TimeSpan QuestionLimit = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Func<CancellationToken, Task<IReadOnlyList<(string User, string Stored)>>> _read;
    private readonly TimeProvider _time;
    private readonly SharedAnswer<ILookup<string, byte[]>> _lists;
    private ILookup<string, byte[]>? _last;
    private bool _remembers;

    public AccountHashes(DatabaseOptions options, TimeProvider time)
        : this(cancelled => ReadAsync(options, cancelled), time)
    {
    }

    /// <param name="read">Every account that uses mysql_native_password: its name and what the server stores of its password.</param>
    /// <param name="time">The clock.</param>
    public AccountHashes(Func<CancellationToken, Task<IReadOnlyList<(string User, string Stored)>>> read, TimeProvider time)
    {
        (_read, _time) = (read, time);
        _lists = new SharedAnswer<ILookup<string, byte[]>>(ReadAsync);
    }

    /// <summary>SHA1(SHA1(password)) of the accounts with this user name that use mysql_native_password; empty for an empty password.</summary>
    /// <exception cref="MySqlConnector.MySqlException">The server does not answer, and the account was not in the last list either.</exception>
    /// <exception cref="TimeoutException">As above.</exception>
    public async Task<IReadOnlyList<byte[]>> NativeAsync(string user)
    {
        ILookup<string, byte[]> list;
        try
        {
            list = await _lists.AskAsync();
        }
        catch (Exception) when (_last?.Contains(user) is true)
        {
            list = _last;
        }

        return [.. list[user]];
    }

    /// <summary>Sees to it that the accounts of this moment are known, a little later, also if the server dies then.</summary>
    public void Remember()
    {
        lock (_lock)
        {
            if (_remembers)
                return;
            _remembers = true;
        }

        _ = RememberAsync();
    }

    private async Task RememberAsync()
    {
        await Task.Delay(RememberAfter, _time);
        lock (_lock)
            _remembers = false;
        await ((Task)_lists.AskAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // whoever needs it then asks again, and hears why
    }

    private async Task<ILookup<string, byte[]>> ReadAsync()
    {
        using var limit = new CancellationTokenSource(QuestionLimit, _time);
        var rows = await _read(limit.Token).WaitAsync(QuestionLimit, _time, CancellationToken.None);
        return _last = rows.Select(row => (row.User, Hash: Parse(row.Stored))).Where(row => row.Hash is not null).ToLookup(row => row.User, row => row.Hash!);
    }

    private static async Task<IReadOnlyList<(string User, string Stored)>> ReadAsync(DatabaseOptions options, CancellationToken cancelled)
    {
        await using var server = await AdminConnection.OpenAsync(options, 0, null, cancelled);
        var rows = await server.QueryAsync(
            "SELECT User, JSON_VALUE(Priv, '$.authentication_string') AS Stored FROM mysql.global_priv WHERE IFNULL(JSON_VALUE(Priv, '$.plugin'), '') IN ('', 'mysql_native_password')");
        return [.. rows.Select(row => (row["User"], row["Stored"]))];
    }

    /// <summary>A stored hash is an asterisk and forty hexadecimal digits.</summary>
    private static byte[]? Parse(string stored) => stored switch
    {
        "" => [],
        ['*', .. var digits] when digits.Length == 40 && digits.All(char.IsAsciiHexDigit) => Convert.FromHexString(digits),
        _ => null,
    };
}
