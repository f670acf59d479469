using System.Globalization;
using System.Text.RegularExpressions;

namespace WolfScale.Conformance.Harness;

/// <summary>
/// The reviewed list of what a client may see differently through the proxy. It is the whole of it: everything else in a program's output is compared
/// byte for byte. docs/proxy.md has the same list for people. An entry is for what must differ, not for what happens to.
/// </summary>
internal static partial class Differences
{
    private const int SessionStateChanged = 0x4000;

    private static readonly (string Why, Regex Field)[] Fields =
    [
        ("Every connection has another id. Programs print it in the first form, the mariadb client's \\s in the second, Connector/J in every error.", ConnectionId()),
        ("The proxy listens on another port than the server.", Port()),
        ("The mariadb client says how long a statement took, and in \\s how the server's uptime and counters stand.", Elapsed()),
        ("Which cipher is chosen is between the client and whoever ends its TLS, OpenSSL in MariaDB or .NET in the proxy. That there is one is compared.", Cipher()),
    ];

    /// <summary>The output without those fields.</summary>
    /// <param name="output">What a program printed.</param>
    /// <param name="isPooled">Connections are pooled: the id that a client is greeted with is the proxy's own, and CONNECTION_ID() tells that of the connection it has at that moment.</param>
    public static string Remove(string output, bool isPooled)
    {
        if (isPooled)
            output = OwnId().Replace(output, match => match.Groups[1].Value + "<differs>");
        foreach (var (_, field) in Fields)
            output = field.Replace(output, match => match.Groups[1].Value + "<differs>" + match.Groups[2].Value);
        // WolfScale has its servers report the GTID of every transaction (session_track_system_variables = last_gtid); the proxy hears it and keeps it
        // from clients that did not ask for it, as a MariaDB without WolfScale would.
        return Status().Replace(output, match => match.Groups[1].Value
            + (int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) & ~SessionStateChanged).ToString(CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"(connection id:\s*|Connection id:\s*|\(conn=)\d+(\)?)")]
    private static partial Regex ConnectionId();

    [GeneratedRegex(@"(TCP port:\s*|host socket 127\.0\.0\.1:|\(port=)\d+(\)?)")]
    private static partial Regex Port();

    [GeneratedRegex(@"^(.*rows? in set.*\(|.*row[s]? affected.*\(|Empty set \(|Query OK.*\(|Uptime:\s*|Threads: ).+?(\)?)$", RegexOptions.Multiline)]
    private static partial Regex Elapsed();

    [GeneratedRegex(@"((?:Cipher in use is|cipher:) )[A-Z0-9_-]+()")]
    private static partial Regex Cipher();

    [GeneratedRegex(@"(id is the server's: )\w+")]
    private static partial Regex OwnId();

    /// <summary>As the program for mysql2 prints a result's status flags.</summary>
    [GeneratedRegex(@"( status )(\d+)(?= info )")]
    private static partial Regex Status();
}
