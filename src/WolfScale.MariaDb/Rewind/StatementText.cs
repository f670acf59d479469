using System.Text.RegularExpressions;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Statements as reports may show them: reasons stand in logs and in the open part of the HTTP API.</summary>
internal static partial class StatementText
{
    private const int Longest = 80;

    /// <summary>The beginning of a statement, without anything that could be a password or its hash.</summary>
    public static string ForReport(string sql)
    {
        var text = sql.TrimStart();
        if (Secret().Match(text) is { Success: true } secret)
            text = text[..(secret.Index + secret.Length)] + " …";
        return text.Length > Longest ? text[..Longest] + "…" : text;
    }

    /// <summary>Everything after these words is left out: IDENTIFIED BY and AS and VIA … USING, SET PASSWORD, PASSWORD(), a connection's or a server's PASSWORD.</summary>
    [GeneratedRegex(@"\b(IDENTIFIED|PASSWORD|MASTER_PASSWORD)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Secret();
}
