using System.Collections.Frozen;
using System.Text;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Http.Data.Catalogue;

namespace WolfScale.Server.Http.Data.Statements;

internal enum SqlKind
{
    Read,

    /// <summary>INSERT, REPLACE, UPDATE, DELETE, and reads that may write.</summary>
    Change,

    /// <summary>It commits by itself.</summary>
    Definition,
}

/// <param name="Kind">What it is.</param>
/// <param name="Placeholders">How many values it wants.</param>
/// <param name="LeavesNothing">Its session is afterwards as it was: no variable, no lock.</param>
/// <param name="Hint">What its comments tell the proxy.</param>
/// <param name="FirstWordEnd">Characters up to the end of its first word.</param>
internal readonly record struct SqlVerdict(SqlKind Kind, int Placeholders, bool LeavesNothing, RoutingHint Hint, int FirstWordEnd);

/// <summary>
/// Which statements a token's role may send. The account that executes them may do nearly everything, so this is a list of what is allowed, by the words that the proxy's own tokenizer finds; what it cannot read for
/// certain is refused. Nobody may send what belongs to a session (transactions, variables, locks), because the next request has another one; and nobody what concerns one server alone.
/// </summary>
internal static class SqlPolicy
{
    private const StatementTraits Harmless = StatementTraits.CommitCapable | StatementTraits.CommitsByAutocommit;

    private static readonly FrozenSet<string> Reads = FrozenSet.Create("select", "with", "values", "table", "(", "show", "explain", "desc", "describe");
    private static readonly FrozenSet<string> Changes = FrozenSet.Create("insert", "replace", "update", "delete");
    private static readonly FrozenSet<string> Definitions = FrozenSet.Create("create", "alter", "drop", "truncate", "rename");
    private static readonly FrozenSet<string> ForAdmins = FrozenSet.Create("grant", "revoke", "call", "analyze", "optimize", "check", "repair");

    private static readonly FrozenSet<string> Objects = FrozenSet.Create("table", "index", "view", "database", "schema", "sequence");
    private static readonly FrozenSet<string> ObjectsForAdmins = FrozenSet.Create("user", "role", "function", "procedure", "trigger", "event", "package");
    private static readonly FrozenSet<string> BeforeObject = FrozenSet.Create(
        "or", "replace", "online", "offline", "unique", "fulltext", "spatial", "ignore", "if", "exists", "not", "algorithm", "undefined", "merge", "temptable", "sql", "security", "invoker", "definer", "aggregate", "body", "current_user", "current_role", "=", "(", ")", "'", "@");

    private static readonly FrozenSet<string> Engines = FrozenSet.Create("innodb", "aria", "myisam", "memory", "archive", "rocksdb", "columnstore", "mroonga", "blackhole", "sequence");

    private static readonly FrozenSet<string> Shown = FrozenSet.Create(
        "tables", "columns", "fields", "index", "indexes", "keys", "databases", "schemas", "table", "create", "collation", "character", "charset", "engines", "triggers", "warnings", "errors", "count");

    private static readonly FrozenSet<string> Described = FrozenSet.Create(
        "tables", "columns", "statistics", "key_column_usage", "table_constraints", "referential_constraints", "check_constraints", "schemata", "views", "partitions", "character_sets", "collations", "keywords", "sql_functions", "engines");

    /// <exception cref="DataProblemException">This role may not send it, or nobody may.</exception>
    public static SqlVerdict Check(string sql, TokenRole role)
    {
        var bytes = Encoding.UTF8.GetBytes(sql);
        var words = Tokens(bytes);
        if (words.Count == 0)
            throw DataProblemException.BadRequest("empty_statement", "There is no statement in \"sql\".");
        var @class = StatementClassifier.Classify(bytes, default);
        if (@class.Has(StatementTraits.MultiStatement))
            throw DataProblemException.BadRequest("one_statement", "Send one statement at a time.");
        if (@class.Has(StatementTraits.RefersToLastStatement | StatementTraits.RefersToInsertId))
            throw new DataProblemException(403, "statement_not_allowed", "This statement is not for the HTTP API", "LAST_INSERT_ID() and its like speak of the session's last statement, and the session is another one each time: the answer to a write has last_insert_id.");
        var kind = Kind(words[0].Text, @class, role);
        if (kind != SqlKind.Read && role < TokenRole.Write)
            throw Forbidden("This statement writes, or may do so by a function that it calls: it needs a token of role write.");
        if (kind != SqlKind.Definition && words[0].Text != "show" && words.Exists(w => w.Kind == TokenKind.UserVariable))
            throw new DataProblemException(403, "statement_not_allowed", "This statement is not for the HTTP API", "User variables belong to a session, and the next request has another one: send values in \"params\".");
        CheckWords(words, kind, role);
        if (words[0].Text == "show" && role < TokenRole.Admin)
            CheckShow(words);
        if (kind == SqlKind.Definition && Definitions.Contains(words[0].Text))
            CheckDefinition(words, role);
        return new SqlVerdict(kind, words.Count(w => w.Kind == TokenKind.Placeholder), (@class.Traits & ~Harmless) == 0, @class.Hint, Encoding.UTF8.GetCharCount(bytes, 0, words[0].End));
    }

    /// <summary>
    /// Names of what an INSERT, REPLACE, UPDATE or DELETE may write to: all that stand where its tables do, words of the language and aliases among them.
    /// </summary>
    /// <param name="sql">A statement that <see cref="Check"/> has let pass.</param>
    /// <returns>Schemas, null where none is named, and names; null where it is another statement.</returns>
    public static IReadOnlyList<(string? Schema, string Name)>? Written(string sql)
    {
        var words = Tokens(Encoding.UTF8.GetBytes(sql));
        var end = words[0].Text switch
        {
            "insert" or "replace" => words.FindIndex(w => w.Kind == TokenKind.OpenParen || (w.Kind == TokenKind.Word && w.Text is "values" or "select" or "set" or "with")),
            "update" => IndexOutside(words, "set"),
            "delete" => IndexOutside(words, "where", "order", "limit", "returning"),
            _ => 0,
        };
        if (end == 0)
            return null;
        var named = new HashSet<(string?, string)>();
        for (var i = 1; i < (end < 0 ? words.Count : end); i++)
        {
            if (words[i].IsName && words[i].Text.Length > 0)
                _ = named.Add((i >= 3 && words[i - 1].Kind == TokenKind.Dot && words[i - 2].IsName ? words[i - 2].Name : null, words[i].Name));
        }

        return [.. named];
    }

    /// <summary>The first of these words that stands in no parentheses; -1 for none.</summary>
    private static int IndexOutside(List<SqlToken> words, params ReadOnlySpan<string> wanted)
    {
        var depth = 0;
        for (var i = 0; i < words.Count; i++)
        {
            depth += words[i].Kind switch { TokenKind.OpenParen => 1, TokenKind.CloseParen => -1, _ => 0 };
            if (depth == 0 && words[i].Kind == TokenKind.Word && wanted.Contains(words[i].Text))
                return i;
        }

        return -1;
    }

    /// <summary>
    /// Refuses a semicolon anywhere but at the end and in a string or a quoted name. The connector cuts a prepared text at semicolons by a reading of its own, which is not MariaDB's everywhere (comments, what follows a closing
    /// quote), and would execute every piece. Where MariaDB sees a string there, the first piece has an open quote, and nothing is executed.
    /// </summary>
    private static void CheckSemicolons(byte[] sql, List<(int Start, int End)> quoted, int end)
    {
        var next = 0;
        for (var i = 0; i < end; i++)
        {
            while (next < quoted.Count && quoted[next].End <= i)
                next++;
            if (sql[i] == (byte)';' && (next == quoted.Count || i < quoted[next].Start))
                throw DataProblemException.BadRequest("one_statement", "Send one statement at a time, and no semicolon in a comment.");
        }
    }

    private static List<SqlToken> Tokens(byte[] sql)
    {
        var tokens = new List<SqlToken>();
        var quoted = new List<(int Start, int End)>();
        var reader = new SqlTokenizer(sql, default);
        for (reader.Next(); reader.Kind != TokenKind.End; reader.Next())
        {
            if (reader.Kind == TokenKind.Invalid)
                break;
            if (reader.Kind is TokenKind.String or TokenKind.QuotedName)
                quoted.Add((reader.Start, reader.End));
            var name = reader.Kind is TokenKind.Word or TokenKind.Name or TokenKind.QuotedName ? Encoding.UTF8.GetString(reader.Value.Of(sql)) : "";
            tokens.Add(new SqlToken(reader.Kind, reader.Kind switch
            {
                TokenKind.Word or TokenKind.Name or TokenKind.QuotedName => name.ToLowerInvariant(),
                TokenKind.String => "'",
                TokenKind.OpenParen => "(",
                TokenKind.CloseParen => ")",
                TokenKind.Dot => ".",
                TokenKind.Equal => "=",
                TokenKind.UserVariable => "@",
                _ => "",
            }, name, reader.End));
        }

        if (reader.IsDoubtful || reader.Kind == TokenKind.Invalid)
        {
            throw DataProblemException.BadRequest(
                "unreadable_statement", "The statement cannot be read for certain: a string or comment without its end, a NUL, or a comment that only some versions of MariaDB execute (/*!…*/).");
        }

        while (tokens is [.., { Kind: TokenKind.Semicolon }])
            tokens.RemoveAt(tokens.Count - 1);
        if (tokens.Count > 0 && !Definitions.Contains(tokens[0].Text)) // routines have statements in them, and are not prepared
            CheckSemicolons(sql, quoted, sql.AsSpan().TrimEnd("; \t\r\n"u8).Length);
        return tokens;
    }

    private static SqlKind Kind(string first, StatementClass @class, TokenRole role)
    {
        if (Reads.Contains(first))
            return @class.Has(StatementTraits.CommitCapable | StatementTraits.Doubtful) ? SqlKind.Change : SqlKind.Read;
        if (Changes.Contains(first))
            return SqlKind.Change;
        if (Definitions.Contains(first))
            return SqlKind.Definition;
        if (ForAdmins.Contains(first))
            return role == TokenRole.Admin ? SqlKind.Definition : throw Forbidden($"{first.ToUpperInvariant()} needs a token of role admin.");
        throw new DataProblemException(
            403, "statement_not_allowed", "This statement is not for the HTTP API",
            $"{(first.Length > 40 ? first[..40] : first).ToUpperInvariant()} belongs to a session or to one server: use a MySQL client at the proxy. A batch of POST /write/… is one transaction.");
    }

    private static void CheckWords(List<SqlToken> words, SqlKind kind, TokenRole role)
    {
        var isChange = kind != SqlKind.Read;
        var isSchemaWord = kind == SqlKind.Definition || words[0].Text == "show";
        for (var i = 0; i < words.Count; i++)
        {
            var (word, next) = (words[i], i + 1 < words.Count ? words[i + 1] : default);
            if (word.Kind == TokenKind.Word || (word.IsName && word.Text == "load_file"))
                CheckWord(words, i, next, role);
            if (!word.IsName || !ProtectedSchemas.Contains(word.Text) || !(isSchemaWord || next.Kind == TokenKind.Dot))
                continue;
            var isOwn = word.Text.StartsWith("wolfscale", StringComparison.Ordinal);
            if (role == TokenRole.Admin && (!isChange || (!isOwn && kind == SqlKind.Definition && !Definitions.Contains(words[0].Text))))
                continue; // an administrator reads everything, and may GRANT on mysql.*
            if (!isChange && word.Text == "information_schema" && next.Kind == TokenKind.Dot && i + 2 < words.Count && Described.Contains(words[i + 2].Text))
                continue;
            throw ProtectedSchemas.Refusal(word.Text);
        }
    }

    /// <summary>Words that reach out of the database.</summary>
    private static void CheckWord(List<SqlToken> words, int i, SqlToken next, TokenRole role)
    {
        switch (words[i].Text)
        {
            case "outfile" or "dumpfile" or "soname" or "tablespace":
            case "load_file" when next.Kind == TokenKind.OpenParen:
            case "directory" when i > 0 && words[i - 1].Text is "data" or "index":
                throw new DataProblemException(403, "statement_not_allowed", "This statement is not for the HTTP API", $"{words[i].Text.ToUpperInvariant()} concerns files of one server.");
            case "engine" when words[0].Text is "create" or "alter":
                var named = next.Kind == TokenKind.Equal ? i + 2 < words.Count ? words[i + 2] : default : next;
                if (named.Text is not null && !Engines.Contains(named.Text))
                    throw new DataProblemException(403, "statement_not_allowed", "This statement is not for the HTTP API", $"Tables of engine {(named.Text.Length > 40 ? named.Text[..40] : named.Text)} are not made through the HTTP API: it may reach other servers, or files.");
                break;
            case "temporary" when words[0].Text is "create" or "drop":
                throw new DataProblemException(403, "statement_not_allowed", "This statement is not for the HTTP API", "A temporary table ends with its session, and the next request has another one.");
            case "into" when role < TokenRole.Write:
            case "lock" or "get_lock" when role < TokenRole.Write:
            case "for" when role < TokenRole.Write && next.Text == "update":
                throw Forbidden($"{words[i].Text.ToUpperInvariant()} locks or writes something: it needs a token of role write.");
        }
    }

    private static void CheckShow(List<SqlToken> words)
    {
        var shown = words.Skip(1).FirstOrDefault(w => w.Text is not ("full" or "extended"));
        var what = shown.Text ?? "";
        if (!Shown.Contains(what) || (what == "create" && (words.Count < 3 || words[2].Text is not ("table" or "view" or "database" or "schema" or "sequence"))))
            throw Forbidden("This SHOW tells of the server or of its accounts: it needs a token of role admin.");
    }

    private static void CheckDefinition(List<SqlToken> words, TokenRole role)
    {
        if (words[0].Text == "truncate")
            return;
        var hasDefiner = false;
        foreach (var word in words.Skip(1))
        {
            if (Objects.Contains(word.Text) && (!hasDefiner || role == TokenRole.Admin))
                return;
            if (ObjectsForAdmins.Contains(word.Text) && word.Kind == TokenKind.Word)
            {
                if (role == TokenRole.Admin)
                    return;
                throw Forbidden($"{words[0].Text.ToUpperInvariant()} {word.Text.ToUpperInvariant()} needs a token of role admin: what it makes is executed with the rights of WolfScale's account.");
            }

            hasDefiner |= word.Text == "definer";
            if (!BeforeObject.Contains(word.Text) && word.Kind == TokenKind.Word && !hasDefiner)
                break;
        }

        throw hasDefiner
            ? Forbidden("DEFINER needs a token of role admin.")
            : new DataProblemException(403, "statement_not_allowed", "This statement is not for the HTTP API", "Of definitions, tables, indexes, views, databases and sequences are for role write; users, roles and routines for role admin; the rest for nobody.");
    }

    private static DataProblemException Forbidden(string detail) => new(403, "forbidden", "The token does not reach so far", detail);

    /// <param name="Name">As it was written: on the servers' disks, letters may tell tables apart.</param>
    private readonly record struct SqlToken(TokenKind Kind, string Text, string Name, int End)
    {
        public bool IsName => Kind is TokenKind.Word or TokenKind.Name or TokenKind.QuotedName;
    }
}
