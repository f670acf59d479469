namespace WolfScale.Proxy.Sessions;

/// <summary>What decides how a server reads the text of a statement. Null where nothing but the login has set it.</summary>
internal sealed record ParsingContext(string? Schema, string? SqlMode, string? Charset, string? Collation)
{
    /// <summary>Whether a session can be put under this for a moment, and back under <paramref name="now"/>: a value that only the login has set has no name.</summary>
    public bool CanReturnFrom(ParsingContext now) =>
        this == now || (((Charset is null) == (now.Charset is null)) && ((Collation is null) == (now.Collation is null)));

    /// <summary>The statements that put a session under this. (A session that has a schema cannot be without one; a statement read without one does not mind.)</summary>
    public IEnumerable<ScriptItem> Enter()
    {
        yield return ScriptItem.Query($"SET SESSION sql_mode={(SqlMode is null ? "DEFAULT" : $"'{SqlMode}'")}");
        if (Charset is not null && Collation is not null)
            yield return ScriptItem.Query($"SET SESSION character_set_client='{Charset}', collation_connection='{Collation}'");
        if (Schema is { Length: > 0 })
            yield return Use(Schema);
    }

    public static ScriptItem Use(string schema, System.Text.Encoding? encoding = null) => ScriptItem.Query("USE " + ScriptItem.Quoted(schema), encoding ?? System.Text.Encoding.UTF8);
}
