using System.Text;
using CsCheck;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy.Sql;

public class ClassifierPropertyTests
{
    private static readonly (byte[] Sql, ClassifierOptions Options)[] Table = [.. ClassificationTableTests.Statements()];

    /// <summary>Statements whose meaning is in their tokens alone: no hints, no doubt about bytes.</summary>
    private static readonly byte[][] Plain =
    [
        .. Table.Where(s => s.Options == default && !new SqlTokenizer(s.Sql, default).IsDoubtfulAtEnd()).Select(s => s.Sql),
    ];

    private static readonly string[] Fragments =
    [
        "SELECT", "SET", "a", "`b`", "'c'", "\"d\"", "@e", "@@f", "(", ")", ",", ";", ".", "=", ":=", "/*!", "/*!50701", "/*M!100600", "*/", "/*", "--",
        "#", "\n", " ", "\\", "\0", "x'", "1", "1.5e", "0x", "FOR", "UPDATE", "WITH", "sql_log_bin", "STATEMENT", "KILL", "@wolfscale_gtid", "é",
        "wolfscale: local", "INSERT", "BEGIN", "NOT ATOMIC", "CREATE", "PROCEDURE", "ANALYZE", "SHOW", "EXPLAIN", "FORMAT", "information_schema.",
    ];

    private static readonly Gen<ClassifierOptions> AnyOptions = Gen.Select(Gen.Int[0, 2], Gen.Bool, Gen.Bool, Gen.Bool).Select((charset, a, b, c) =>
        new ClassifierOptions { Charset = (ClientCharset)charset, AnsiQuotes = a, NoBackslashEscapes = b, HasTemporaryTables = c });

    private static readonly Gen<byte[]> AnyText = Gen.OneOf(
        Gen.Byte.Array[0, 60],
        OneOf(Fragments).Array[0, 25].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))),
        OneOf(Fragments).Array[0, 25].Select(parts => Encoding.UTF8.GetBytes(string.Join(' ', parts))),
        Gen.Select(OneOf(Table), Gen.Int[0, 200], Gen.Byte).Select((statement, at, value) => Spoil(statement.Sql, at, value)));

    [Fact]
    public void Any_bytes_are_classified_within_their_bounds() => Gen.Select(AnyText, AnyOptions).Sample(
        (sql, options) =>
        {
            var found = StatementClassifier.Classify(sql, options);
            _ = found.Value.Of(sql).Length;

            var tokens = new SqlTokenizer(sql, options);
            int end = 0;
            do
            {
                tokens.Next();
                Assert.True(tokens.Start >= end && tokens.End >= tokens.Start && tokens.End <= sql.Length);
                Assert.True(tokens.End > tokens.Start || tokens.Kind == TokenKind.End);
                _ = tokens.Value.Of(sql).Length;
                end = tokens.End;
            }
            while (tokens.Kind != TokenKind.End);
        },
        iter: 20_000);

    /// <summary>One after the other, and all in one pass: the same text, and the same is said of it.</summary>
    [Fact]
    public void Assignments_without_a_scope_are_rewritten_in_one_pass() => Gen.Select(
        Gen.OneOf(
            AnyText,
            OneOf("SET", "SET", " @@a", " @@`b`", " @@session.c", " @@global.d", " @@password", "=1", " := (SELECT @@e)", "=@@f", ",", ",", " g=2", ";", " STATEMENT", " FOR", " SELECT 1", " NAMES utf8", "BEGIN NOT ATOMIC", "/*!40000", "*/")
                .Array[0, 25].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts)))),
        AnyOptions).Sample(
        (sql, options) =>
        {
            var (expected, actual) = (sql.ToArray(), sql.ToArray());
            var found = StatementClassifier.Classify(expected, options);
            while (found.Unscoped.Length > 0)
            {
                expected.AsSpan(found.Unscoped.Start, found.Unscoped.Length).Fill((byte)' ');
                found = StatementClassifier.Classify(expected, options);
            }

            Assert.Equal((Encoding.UTF8.GetString(sql), found), (Encoding.UTF8.GetString(sql), StatementClassifier.ClassifyAndRewrite(actual, options)));
            Assert.Equal(expected, actual);
        },
        iter: 20_000);

    [Theory]
    [InlineData("SET @@a=1, @b=2, @@c=@@d; SET @@e=1", "SET   a=1, @b=2,   c=@@d; SET   e=1")]
    [InlineData("SET @@password=PASSWORD('x')", "SET @@password=PASSWORD('x')")] // an error, and no SET PASSWORD
    [InlineData("SET @@s(a = 0", "SET @@s(a = 0")] // an error too
    [InlineData("SET @@session.a=1, @@global.b=1", "SET @@session.a=1, @@global.b=1")]
    public void What_is_rewritten(string sql, string expected)
    {
        var text = Encoding.UTF8.GetBytes(sql);
        _ = StatementClassifier.ClassifyAndRewrite(text, default);
        Assert.Equal(expected, Encoding.UTF8.GetString(text));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        Classify();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Classify();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        static void Classify()
        {
            for (int i = 0; i < 100; i++)
            {
                foreach (var (sql, options) in Table)
                    _ = StatementClassifier.Classify(sql, options);
            }
        }
    }

    /// <summary>
    /// Between any two tokens; except where MariaDB itself looks at the next byte: around a dot, and before the parenthesis of COUNT and its
    /// like.
    /// </summary>
    [Fact]
    public void A_comment_between_two_tokens_changes_nothing() => Gen.Select(
        OneOf(Plain), OneOf("/**/", " /* FOR UPDATE */ ", "\n-- ' INTO\n", "# \"\n", "/*!50701 ; */", "/*!*/"), Gen.Int[0, 40]).Sample(
        (sql, comment, at) =>
        {
            var tokens = Tokens(sql);
            at %= Math.Max(1, tokens.Count);
            if (at == 0 || tokens[at].Kind is TokenKind.OpenParen or TokenKind.Dot || tokens[at - 1].Kind == TokenKind.Dot || HasVersionComment(sql))
                return;
            int place = tokens[at - 1].End;
            byte[] changed = [.. sql[..place], .. Encoding.UTF8.GetBytes(comment), .. sql[place..]];
            AssertSame(sql, changed);
        },
        iter: 20_000);

    [Fact]
    public void The_case_of_words_changes_nothing() => Gen.Select(OneOf(Plain), Gen.ULong).Sample(
        (sql, which) =>
        {
            var changed = sql.ToArray();
            foreach (var (kind, start, end) in Tokens(sql))
            {
                for (int i = start; i < end && kind is TokenKind.Word or TokenKind.Name; i++)
                {
                    if (char.IsAsciiLetter((char)changed[i]) && ((which >> (i & 63)) & 1) != 0)
                        changed[i] ^= 0x20;
                }
            }

            AssertSame(sql, changed);
        },
        iter: 20_000);

    [Fact]
    public void In_quotes_a_statement_is_inert() => Gen.Select(OneOf(Plain), OneOf('\'', '"', '`')).Sample(
        (sql, quote) =>
        {
            string text = Encoding.Latin1.GetString(sql).Replace("\0", "", StringComparison.Ordinal);
            text = quote == '`' ? text : text.Replace("\\", "\\\\", StringComparison.Ordinal);
            text = text.Replace($"{quote}", $"{quote}{quote}", StringComparison.Ordinal);
            var found = StatementClassifier.Classify(Encoding.Latin1.GetBytes($"SELECT {quote}{text}{quote}"), default);
            Assert.Equal(default(StatementClass) with { Route = StatementRoute.Local }, found);
        },
        iter: 5_000);

    [Fact]
    public void In_a_plain_comment_a_statement_is_inert() => OneOf(Plain).Sample(
        sql =>
        {
            string text = Encoding.Latin1.GetString(sql).Replace("*/", "", StringComparison.Ordinal);
            var found = StatementClassifier.Classify(Encoding.Latin1.GetBytes($"SELECT /* {text} */ 1"), default);
            Assert.Equal(StatementRoute.Local, found.Route);
            Assert.Equal(StatementTraits.None, found.Traits);
        },
        iter: 2_000);

    [Fact]
    public void The_naive_twin_finds_the_same_tokens()
    {
        var word = OneOf(
            "SELECT", "a", "for", "update", "t.update", "`a``b`", "'it''s'", "'\\''", "\"x\"", "x'4F'", "@a", "@a.b", "@@x", "@@session.y", "1", "1.5", "1.5for",
            "1e5for", "1for", "0x1F", "0x1G", ".5", "a.b.c", "(", ")", ",", ";", "=", ":=", "<=>", "\\N", "?", "--1", "-- c\n", "#c\n", "/* c */", "/*! d */",
            "/*!40 */", "é", "_utf8'x'", "*", "{", "}", "$a", "a$", "1a.b", "`a`.`b`", "`a`.c", "1.");
        word.Array[0, 12].Sample(
            parts =>
            {
                string sql = string.Join(' ', parts);
                byte[] bytes = Encoding.UTF8.GetBytes(sql);
                var expected = NaiveTokenizer.Tokens(Encoding.Latin1.GetString(bytes));
                var actual = Tokens(bytes).Where(t => t.Kind != TokenKind.End).Select(t => Encoding.Latin1.GetString(bytes[t.Start..t.End]));
                Assert.Equal(expected, actual);
            },
            iter: 20_000);
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static void AssertSame(byte[] sql, byte[] changed)
    {
        var before = StatementClassifier.Classify(sql, default);
        var after = StatementClassifier.Classify(changed, default);
        Assert.Equal((before.Route, before.Traits, before.Special, before.Kill), (after.Route, after.Traits, after.Special, after.Kill));
    }

    private static bool HasVersionComment(byte[] sql) => sql.AsSpan().IndexOf("/*!"u8) >= 0 || sql.AsSpan().IndexOf("/*M!"u8) >= 0;

    private static byte[] Spoil(byte[] sql, int at, byte value)
    {
        var spoiled = sql.ToArray();
        if (spoiled.Length > 0)
            spoiled[at % spoiled.Length] = value;
        return spoiled;
    }

    private static List<(TokenKind Kind, int Start, int End)> Tokens(byte[] sql)
    {
        var found = new List<(TokenKind, int, int)>();
        var tokens = new SqlTokenizer(sql, default);
        do
        {
            tokens.Next();
            found.Add((tokens.Kind, tokens.Start, tokens.End));
        }
        while (tokens.Kind != TokenKind.End);
        return found;
    }
}

internal static class TokenizerExtensions
{
    public static bool IsDoubtfulAtEnd(this SqlTokenizer tokens)
    {
        do
            tokens.Next();
        while (tokens.Kind != TokenKind.End);
        return tokens.IsDoubtful;
    }
}
