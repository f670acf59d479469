using System.Collections;
using System.Collections.Immutable;

namespace WolfScale.Server.Configuration;

/// <summary>Reads <c>WOLFSCALE_SECTION__KEY</c> variables, which override the file.</summary>
public static class EnvironmentSource
{
    public const string Prefix = "WOLFSCALE_";

    private const string Separator = "__";

    /// <summary>The variables of this process that name a key, in the order of their names.</summary>
    public static ImmutableArray<GivenValue> Read() => Read(Environment.GetEnvironmentVariables());

    /// <summary>
    /// The variables that name a key. Those without the double underscore (<c>WOLFSCALE_LONG</c>) are somebody else's.
    /// </summary>
    public static ImmutableArray<GivenValue> Read(IDictionary variables) => variables
        .Cast<DictionaryEntry>()
        .Select(entry => (Name: (string)entry.Key, Text: (string?)entry.Value ?? ""))
        .Where(v => v.Name.StartsWith(Prefix, StringComparison.Ordinal) && v.Name.Contains(Separator, StringComparison.Ordinal))
        .OrderBy(v => v.Name, StringComparer.Ordinal)
        .Select(v => Given(v.Name, v.Text))
        .ToImmutableArray();

    /// <summary>The variable that overrides a key.</summary>
    public static string VariableOf(string section, string key) => $"{Prefix}{section}{Separator}{key}".ToUpperInvariant();

    private static GivenValue Given(string name, string text)
    {
        var path = name[Prefix.Length..];
        var split = path.IndexOf(Separator, StringComparison.Ordinal);
        return new GivenValue(
            path[..split].ToLowerInvariant(),
            path[(split + Separator.Length)..].ToLowerInvariant(),
            text,
            new SourcePosition($"environment variable {name}"),
            IsText: true);
    }
}
