namespace WolfScale.EndToEnd.Harness;

/// <summary>Quoting, for sessions without ANSI_QUOTES and NO_BACKSLASH_ESCAPES.</summary>
internal static class Sql
{
    public static string Name(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    public static string Literal(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";
}
