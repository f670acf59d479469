using System.Collections;
using System.Collections.Immutable;

namespace WolfScale.Settings;

/// <summary>Reads <c>WOLFSCALE_SECTION__KEY</c> variables, which override the file.</summary>
public static class EnvironmentSource
{
    public const string Prefix = "WOLFSCALE_";

    private const string Separator = "__";

    /// <summary>The variables of this process that name a key, in the order of their names.</summary>
    public static ImmutableArray<GivenValue> Read()
    {
        var variables = new Dictionary<string, string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        return Read(variables);
    }

    /// <summary>
    /// The variables that name a key. Those without the double underscore (<c>WOLFSCALE_LONG</c>) are somebody else's.
    /// </summary>
    public static ImmutableArray<GivenValue> Read(IReadOnlyDictionary<string, string> variables) => variables.Keys
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.Contains(Separator, StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(name => Given(name, variables[name]))
        .ToImmutableArray();

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
