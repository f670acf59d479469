using System.Text;

namespace WolfScale.Server.Configuration;

/// <summary>The commented configuration file that <c>wolfscale init</c> writes: every key with its default, and what it is for.</summary>
public static class ConfigurationTemplate
{
    /// <summary>As it stands, with every default.</summary>
    internal static string Text { get; } = ReadText();

    /// <summary>
    /// The text, with fresh secrets. <paramref name="values"/> (<c>section.key</c> → TOML literal) replaces defaults; a key that stands
    /// commented out in the template is switched on by a value.
    /// </summary>
    public static string Render(IReadOnlyDictionary<string, string> values)
    {
        using var reader = new StringReader(Text);
        var text = new StringBuilder();
        var section = "";
        var unused = values.Keys.ToHashSet();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('['))
                section = line[1..line.IndexOf(']', StringComparison.Ordinal)];
            var key = KeyOf(line);
            if (key.Length > 0 && values.TryGetValue($"{section}.{key}", out var value))
            {
                _ = unused.Remove($"{section}.{key}");
                var comment = line.IndexOf(" # ", StringComparison.Ordinal);
                line = $"{key} = {value}" + (comment > 0 ? line[comment..] : "");
            }

            _ = text.Append(line).Append('\n');
        }

        return unused.Count == 0 ? text.ToString() : throw new ArgumentException($"The template has no key {string.Join(", ", unused)}.", nameof(values));
    }

    /// <summary>A TOML string.</summary>
    public static string Literal(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static string ReadText()
    {
        using var stream = typeof(ConfigurationTemplate).Assembly.GetManifestResourceStream("WolfScale.Server.Configuration.template.toml")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The key that a line of it sets, commented out or not; "" where it sets none.</summary>
    internal static string KeyOf(string line)
    {
        var equals = line.IndexOf(" = ", StringComparison.Ordinal);
        var key = equals > 0 ? line[..equals].TrimStart('#', ' ') : "";
        return key.All(c => char.IsAsciiLetterLower(c) || c == '_') ? key : "";
    }
}
