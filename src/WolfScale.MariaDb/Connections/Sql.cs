using System.Text;

namespace WolfScale.MariaDb.Connections;

/// <summary>Quoting for statements that take no parameters.</summary>
public static class Sql
{
    /// <summary>A string literal. Right for a session with utf8mb4 and any <c>sql_mode</c> of ours (no NO_BACKSLASH_ESCAPES).</summary>
    public static string Text(string value)
    {
        var text = new StringBuilder(value.Length + 2).Append('\'');
        foreach (var c in value)
        {
            _ = c switch
            {
                '\'' => text.Append("''"),
                '\\' => text.Append("\\\\"),
                '\0' => text.Append("\\0"),
                _ => text.Append(c),
            };
        }

        return text.Append('\'').ToString();
    }

    /// <summary>A quoted name.</summary>
    public static string Name(string value) => "`" + value.Replace("`", "``", StringComparison.Ordinal) + "`";

    /// <summary>A quoted <c>schema.object</c>.</summary>
    public static string Name(string schema, string name) => Name(schema) + "." + Name(name);

    /// <summary>An account as <c>user@host</c> in catalogue tables, quoted: <c>`user`@`host`</c>.</summary>
    public static string Account(string definer)
    {
        var at = definer.LastIndexOf('@');
        return at < 0 ? Name(definer) : Name(definer[..at]) + "@" + Name(definer[(at + 1)..]);
    }
}
