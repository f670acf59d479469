using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy.Sql;

/// <summary>
/// <c>classification.txt</c>: a statement on a line of its own, and what the classifier says of it on the indented line below.
/// <c>WOLFSCALE_REWRITE=1</c> writes the indented lines anew, so that a change of behaviour is reviewed as a diff.
/// <c>## </c> begins a remark, <c>@@options</c> sets the options of what follows, <c>{0A}</c> is a byte.
/// </summary>
public partial class ClassificationTableTests
{
    [Fact]
    public void Statements_are_classified_as_the_table_says()
    {
        string expected = File.ReadAllText(TablePath());
        string actual = Rewrite(expected);
        if (Environment.GetEnvironmentVariable("WOLFSCALE_REWRITE") == "1")
            File.WriteAllText(TablePath(), actual);
        else
            Assert.Equal(expected, actual);
    }

    [Fact]
    public void The_table_is_large_enough_to_mean_something() => Assert.True(Statements().Count() >= 250);

    /// <summary>Every statement of the table with its options.</summary>
    internal static IEnumerable<(byte[] Sql, ClassifierOptions Options)> Statements()
    {
        var options = default(ClassifierOptions);
        foreach (string line in File.ReadLines(TablePath()))
        {
            if (line.StartsWith("@@options", StringComparison.Ordinal))
                options = Options(line);
            else if (IsStatement(line))
                yield return (Bytes(line), options);
        }
    }

    internal static string Describe(StatementClass found, ReadOnlySpan<byte> sql)
    {
        var text = new StringBuilder(found.Route.ToString());
        if (found.Hint != RoutingHint.None)
            text.Append(" hint=").Append(found.Hint);
        if (found.Special != SpecialStatement.None)
            text.Append(" special=").Append(found.Special);
        if (found.Value.Length > 0)
            text.Append(" value=[").Append(Encoding.Latin1.GetString(found.Value.Of(sql))).Append(']');
        if (found.Kill != default)
            text.Append(CultureInfo.InvariantCulture, $" kill={found.Kill.Scope}:{found.Kill.Id}{(found.Kill.Soft ? ":soft" : "")}");
        if (found.Unscoped.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" unscoped={found.Unscoped.Start}");
        if (found.Traits != StatementTraits.None)
            text.Append(" | ").Append(found.Traits.ToString().Replace(",", "", StringComparison.Ordinal));
        return text.ToString();
    }

    private static string Rewrite(string table)
    {
        var result = new StringBuilder();
        var options = default(ClassifierOptions);
        foreach (string line in table.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("    ", StringComparison.Ordinal))
                continue;
            result.Append(line).Append('\n');
            if (line.StartsWith("@@options", StringComparison.Ordinal))
                options = Options(line);
            else if (IsStatement(line))
                result.Append("    ").Append(Describe(StatementClassifier.Classify(Bytes(line), options), Bytes(line))).Append('\n');
        }

        return result.ToString();
    }

    private static bool IsStatement(string line) => line.Length > 0 && !line.StartsWith("    ", StringComparison.Ordinal)
        && !line.StartsWith("## ", StringComparison.Ordinal) && !line.StartsWith("@@options", StringComparison.Ordinal);

    private static byte[] Bytes(string line) => Encoding.Latin1.GetBytes(
        HexByte().Replace(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(line)), m => ((char)Convert.ToByte(m.Groups[1].Value, 16)).ToString()));

    private static ClassifierOptions Options(string line)
    {
        var words = line.Split(' ').Skip(1).ToHashSet(StringComparer.Ordinal);
        return new ClassifierOptions
        {
            Charset = words.Contains("latin1") ? ClientCharset.SingleByte : words.Contains("gbk") ? ClientCharset.AsciiUnsafe : ClientCharset.Utf8,
            AnsiQuotes = words.Contains("ansi_quotes"),
            NoBackslashEscapes = words.Contains("no_backslash_escapes"),
            HasTemporaryTables = words.Contains("temporary_tables"),
            InSystemSchema = words.Contains("system_schema"),
        };
    }

    private static string TablePath()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "tests", "WolfScale.Unit", "Proxy", "Sql", "classification.txt");
            if (File.Exists(candidate))
                return candidate;
        }

        throw new FileNotFoundException("classification.txt is not above the test program");
    }

    [GeneratedRegex(@"\{([0-9A-F]{2})\}")]
    private static partial Regex HexByte();
}
