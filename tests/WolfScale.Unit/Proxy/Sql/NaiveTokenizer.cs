using System.Text.RegularExpressions;

namespace WolfScale.Unit.Proxy.Sql;

/// <summary>
/// The tokenizer's twin for utf8, default sql_mode and text that is well formed: one regular expression over Latin-1, where each character
/// is a byte.
/// </summary>
internal static partial class NaiveTokenizer
{
    public static List<string> Tokens(string sql)
    {
        var tokens = new List<string>();
        bool executable = false;
        for (int position = 0; position < sql.Length;)
        {
            var match = Token().Match(sql, position);
            string text = match.Value;
            position += match.Length;
            if (match.Groups["skip"].Success)
                continue;
            if (match.Groups["open"].Success)
            {
                executable = true;
                continue;
            }

            if (executable && text == "*" && position < sql.Length && sql[position] == '/')
            {
                executable = false;
                position++;
                continue;
            }

            tokens.Add(text);
        }

        return tokens;
    }

    [GeneratedRegex(
        """
        \G(?:
          (?<skip>[\x20\t-\r]+ | \#[^\n]* | --(?=[\x00-\x20\x7F]|$)[^\n]* | /\*(?!!|M!)(?s:.*?)\*/ )
        | (?<open>/\*M?!(?![0-9]{5}))
        | [xXbBnN]?'(?:[^'\\]|\\.|'')*'
        | "(?:[^"\\]|\\.|"")*"
        | `(?:[^`]|``)*`
        | @@?(?:`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
        | @@[a-zA-Z0-9_$\x80-\xFF]+
        | @[a-zA-Z0-9_$.\x80-\xFF]+
        | (?<=(?<![0-9\s.])\.)[a-zA-Z0-9_$\x80-\xFF]+
        | 0x[0-9a-fA-F]+(?![a-zA-Z0-9_$\x80-\xFF])
        | [0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?
        | [0-9]+[eE][+-]?[0-9]+
        | (?<![a-zA-Z0-9_$\x80-\xFF`])\.[0-9]+(?:[eE][+-]?[0-9]+)?
        | [a-zA-Z0-9_$\x80-\xFF]+
        | \\N
        | :=
        | (?s:.)
        )
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.Singleline)]
    private static partial Regex Token();
}
