using System.Text;
using CsCheck;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy.Sql;

/// <summary>A text in pieces is understood as the whole text is.</summary>
public class LongTextTests
{
    private static readonly string[] Fragments =
    [
        "INSERT INTO t VALUES", "(", ")", ",", ";", ";", ";", "'", "'", "\"", "`", "''", "\\", "\\N", "\\'", "@", "@@", "@'", "#", "--", "-", "-- ", "--\t", "\n", "/", "/*", "*/", "*", "/*!", "/*M!", "/*M", "é", "\0", "\x01",
        " ", "a", "1", "x'", "SET", "sql_log_bin", "SQL_LOG_BIN", "session_track_schema", "gtid_seq_no", "server_id", "get_lock", "=", ":=", "/", "\xA0", "'text; text'", "/* ; */", "# ;\n", "-- ;\n",
    ];

    private static readonly Gen<ClassifierOptions> AnyOptions = Gen.Select(Gen.Int[0, 1], Gen.Bool, Gen.Bool).Select((charset, a, b) =>
        new ClassifierOptions { Charset = (ClientCharset)charset, AnsiQuotes = a, NoBackslashEscapes = b });

    private static readonly Gen<byte[]> AnyText = Gen.OneOf(
        Gen.Int[0, Fragments.Length - 1].Array[0, 20].Select(parts => Encoding.Latin1.GetBytes(string.Concat(parts.Select(p => Fragments[p])))),
        Gen.Byte.Array[0, 40]);

    [Fact]
    public void Whether_something_follows_is_what_the_tokenizer_says() => Gen.Select(AnyText, AnyOptions, Gen.Int[1, 9]).Sample(
        (sql, options, size) =>
        {
            sql = [.. sql, (byte)'\n']; // a sign at the end is undecided
            var (text, open) = Read(sql, options, size);
            Assert.True(!text.HasMore || text.OpenAt == (sql.Length % size == 0 ? size : sql.Length % size) || text.OpenAt == size);
            var expected = HasMore(sql.AsSpan(0, open), options);
            if (expected)
                Assert.True(text.HasMore);
            else if (!IsExecuted(sql))
                Assert.False(text.HasMore);
        },
        iter: 200_000);

    [Fact]
    public void What_is_set_is_found_wherever_the_text_is_cut() => Gen.Select(AnyText, Gen.Int[1, 9]).Sample(
        (sql, size) =>
        {
            var search = WordSearch.ForAssignments();
            var found = sql.Chunk(size).Select(piece => search.Read(piece)).FirstOrDefault(name => name is not null);
            Assert.Equal(ForbiddenVariables.Find(sql, out _) >= 0, found is not null);
        },
        iter: 100_000);

    [Theory]
    [InlineData("INSERT INTO t VALUES ('a;b', \"c;d\", `e;f`) -- ; x\n # ; x\n /* ; x */ ; ;; -- x\n", false)]
    [InlineData("INSERT INTO t VALUES (1); SELECT 1", true)]
    [InlineData("INSERT INTO t VALUES ('\\'; SELECT 1', '''; SELECT 1'); - 1", true)]
    [InlineData("INSERT INTO t VALUES (1) /*!50000 ; SELECT 1 */", true)]
    [InlineData("INSERT INTO t VALUES (1-- 1);\n SELECT 1", false)]
    [InlineData("INSERT INTO t VALUES (1--1); SELECT 1", true)]
    public void Texts(string sql, bool hasMore)
    {
        for (var size = 1; size <= sql.Length; size++)
            Assert.Equal(hasMore, Read(Encoding.UTF8.GetBytes(sql), default, size).Text.HasMore);
    }

    [Theory]
    [InlineData("INSERT INTO t VALUES ('sql_log_bin = 0')", false, null, false)]
    [InlineData("INSERT INTO t VALUES ('sql_log_bin = 0')", true, "sql_log_bin", false)]
    [InlineData("INSERT INTO t VALUES ('sql_log_bin = 0'); SELECT 1", false, null, false)]
    [InlineData("INSERT INTO t VALUES (1); SET SQL_log_bin  \t\n  = 0", false, "sql_log_bin", false)]
    [InlineData("INSERT INTO t VALUES (1) # \0; SET sql_log_bin=0\n", false, "sql_log_bin", false)]
    [InlineData("INSERT INTO t VALUES (Get_Lock('a', 1))", false, null, true)]
    public void What_is_found(string sql, bool maySet, string? forbidden, bool namesLock)
    {
        for (var size = 1; size <= sql.Length; size++)
        {
            var text = new LongText(default) { MaySet = maySet };
            foreach (var piece in Encoding.UTF8.GetBytes(sql).Chunk(size))
                text.Read(piece);
            Assert.Equal(forbidden, text.Forbidden is { } name ? Encoding.ASCII.GetString(name) : null);
            Assert.Equal(namesLock, text.NamesLock);
        }
    }

    /// <returns>And where what is open at the end begins.</returns>
    private static (LongText Text, int Open) Read(byte[] sql, ClassifierOptions options, int size)
    {
        var text = new LongText(options);
        var open = 0;
        for (var at = 0; at < sql.Length && !text.HasMore; at += size)
        {
            text.Read(sql.AsSpan(at, Math.Min(size, sql.Length - at)));
            if (text.OpenAt > 0 || at == 0)
                open = at + text.OpenAt;
        }

        while (open < sql.Length && open > 0 && (sql[open - 1] == '@' || (sql[open - 1] == '/' && sql[open] == '*')))
            open--; // it belongs to what is open
        return (text, text.HasMore ? sql.Length : open);
    }

    private static bool HasMore(ReadOnlySpan<byte> sql, ClassifierOptions options)
    {
        var tokens = new SqlTokenizer(sql, options);
        var ended = false;
        for (tokens.Next(); tokens.Kind != TokenKind.End; tokens.Next())
        {
            if (ended && tokens.Kind != TokenKind.Semicolon)
                return true;
            ended |= tokens.Kind == TokenKind.Semicolon;
        }

        return tokens.IsDoubtful;
    }

    private static bool IsExecuted(ReadOnlySpan<byte> sql) => sql.IndexOf("/*!"u8) >= 0 || sql.IndexOf("/*M!"u8) >= 0;
}
