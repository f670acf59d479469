namespace WolfScale.MariaDb.Tuning;

/// <summary>One setting as an option file gives it.</summary>
/// <param name="File">The file.</param>
/// <param name="Line">From 1.</param>
/// <param name="Group">Under which <c>[group]</c>.</param>
/// <param name="Name">The variable, with underscores, in lower case; what only turns it off (<c>skip-log-bin</c>) is told by the value.</param>
/// <param name="Value">Without quotes; <c>ON</c> where the name stands alone.</param>
public sealed record OptionLine(string File, int Line, string Group, string Name, string Value)
{
    /// <summary>Variables whose own name begins as the prefixes do that turn another one off.</summary>
    private static readonly string[] BeginWithSkip =
        ["skip_slave_start", "skip_replication", "skip_name_resolve", "skip_networking", "skip_external_locking", "skip_show_database", "skip_parallel_replication", "skip_grant_tables", "skip_bdb"];

    public override string ToString() => FormattableString.Invariant($"{File}:{Line} {Name} = {Value}");

    /// <returns>Null where the line sets nothing.</returns>
    internal static OptionLine? Parse(string file, int line, string group, string text)
    {
        var trimmed = text.Trim();
        if (trimmed.Length == 0 || trimmed[0] is '#' or ';' or '!' or '[')
            return null;
        var equals = trimmed.IndexOf('=', StringComparison.Ordinal);
        var (name, value) = equals < 0 ? (WithoutComment(trimmed), (string?)null) : (trimmed[..equals].Trim(), Unquote(WithoutComment(trimmed[(equals + 1)..].Trim())));
        name = name.Replace('-', '_').ToLowerInvariant();
        if (name.StartsWith("loose_", StringComparison.Ordinal))
            name = name["loose_".Length..];
        foreach (var (prefix, turns) in ((string, string)[])[("skip_", "OFF"), ("disable_", "OFF"), ("enable_", "ON")])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && !BeginWithSkip.Contains(name))
                return new OptionLine(file, line, group, name[prefix.Length..], turns);
        }

        return new OptionLine(file, line, group, name, value ?? "ON");
    }

    /// <summary>A # ends the line's value unless it is quoted.</summary>
    private static string WithoutComment(string text)
    {
        var quote = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            if (quote != '\0')
                quote = text[i] == quote ? '\0' : quote;
            else if (text[i] is '\'' or '"')
                quote = text[i];
            else if (text[i] == '#')
                return text[..i].Trim();
        }

        return text.Trim();
    }

    private static string Unquote(string text) => text.Length >= 2 && text[0] is '\'' or '"' && text[^1] == text[0] ? text[1..^1] : text;
}
