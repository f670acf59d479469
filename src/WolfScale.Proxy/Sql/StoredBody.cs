using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>What a routine, a trigger or a compound statement does to the session that runs it, of what no server tells.</summary>
internal static class StoredBody
{
    public const StatementTraits Kept = StatementTraits.TakesUserLock | StatementTraits.RunsUnseenText;

    /// <param name="body">Its text; empty where it may not be seen.</param>
    /// <param name="sqlMode">That it is read under.</param>
    /// <param name="known">What it may call.</param>
    public static StatementTraits TraitsOf(string body, string sqlMode, HiddenViews known)
    {
        if (body.Length == 0)
            return Kept;
        return TraitsOf(Encoding.UTF8.GetBytes(body), new ClassifierOptions
        {
            AnsiQuotes = sqlMode.Contains("ANSI_QUOTES", StringComparison.OrdinalIgnoreCase),
            NoBackslashEscapes = sqlMode.Contains("NO_BACKSLASH_ESCAPES", StringComparison.OrdinalIgnoreCase),
        }, known);
    }

    /// <param name="text">Of a routine, or a compound statement of a client's own.</param>
    /// <param name="options">What it is read under.</param>
    /// <param name="known">What it may call.</param>
    public static StatementTraits TraitsOf(ReadOnlySpan<byte> text, ClassifierOptions options, HiddenViews known)
    {
        var tokens = new SqlTokenizer(text, options);
        var traits = StatementTraits.None;
        var (before, locks) = (Word.None, false); // the word before; FLUSH or BACKUP in this statement
        var (beginsAssignment, assigns) = (false, false); // behind SET or a comma; behind an @@name that is behind one
        for (tokens.Next(); tokens.Kind is not (TokenKind.End or TokenKind.Invalid); tokens.Next())
        {
            var isName = tokens.Kind is TokenKind.Word or TokenKind.Name or TokenKind.QuotedName;
            if (isName && known.TryFind(tokens.Value.Of(text), out var called))
                traits |= called & Kept;
            if (isName && WordTable.Find(tokens.Value.Of(text)).Use == WordUse.TakesUserLock)
                traits |= StatementTraits.TakesUserLock; // also in quotes
            var word = tokens.Kind == TokenKind.Word ? WordTable.Find(tokens.Value.Of(text)).Id : Word.None;
            locks = (locks && tokens.Kind != TokenKind.Semicolon) || word is Word.Flush or Word.Backup;
            if (word is Word.Execute or Word.Prepare || (word == Word.Role && before == Word.Set) || (locks && word is Word.Lock or Word.For))
                traits |= StatementTraits.RunsUnseenText;
            if (assigns && tokens.Kind is TokenKind.Equal or TokenKind.Assign)
                traits |= StatementTraits.RunsUnseenText; // SET @@name without a scope, which no server reports
            assigns = beginsAssignment && tokens.Kind == TokenKind.SystemVariable;
            beginsAssignment = word == Word.Set || tokens.Kind == TokenKind.Comma;
            before = word;
        }

        return tokens.IsDoubtful ? Kept : traits;
    }
}
