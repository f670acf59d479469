using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>What a routine or a trigger does to the session that runs it, of what no server tells.</summary>
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
        var text = Encoding.UTF8.GetBytes(body);
        var tokens = new SqlTokenizer(text, new ClassifierOptions
        {
            AnsiQuotes = sqlMode.Contains("ANSI_QUOTES", StringComparison.OrdinalIgnoreCase),
            NoBackslashEscapes = sqlMode.Contains("NO_BACKSLASH_ESCAPES", StringComparison.OrdinalIgnoreCase),
        });
        var traits = StatementTraits.None;
        var (before, locks) = (Word.None, false); // the word before; FLUSH or BACKUP in this statement
        for (tokens.Next(); tokens.Kind is not (TokenKind.End or TokenKind.Invalid); tokens.Next())
        {
            var meaning = tokens.Kind == TokenKind.Word ? WordTable.Find(text.AsSpan()[tokens.Start..tokens.End]) : default;
            if (tokens.Kind is TokenKind.Word or TokenKind.Name or TokenKind.QuotedName && known.TryFind(tokens.Value.Of(text), out var called))
                traits |= called & Kept;
            if (meaning.Use == WordUse.TakesUserLock)
                traits |= StatementTraits.TakesUserLock;
            locks = (locks && tokens.Kind != TokenKind.Semicolon) || meaning.Id is Word.Flush or Word.Backup;
            if (meaning.Id is Word.Execute or Word.Prepare || (meaning.Id == Word.Role && before == Word.Set) || (locks && meaning.Id is Word.Lock or Word.For))
                traits |= StatementTraits.RunsUnseenText;
            before = meaning.Id;
        }

        return tokens.IsDoubtful ? Kept : traits;
    }
}
