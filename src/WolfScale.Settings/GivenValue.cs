using System.Collections.Immutable;

namespace WolfScale.Settings;

/// <summary>A value as it was given, before anybody knows whether it may stand there.</summary>
/// <param name="Section">The section's name; empty for a key above all sections.</param>
/// <param name="Key">The key's name.</param>
/// <param name="Value">
/// string, long, double, bool, <c>ImmutableArray&lt;object&gt;</c>, <c>ImmutableArray&lt;GivenTable&gt;</c>, or null for a kind no key has (a date).
/// </param>
/// <param name="Position">Where the value's key stands.</param>
/// <param name="IsText">Given as bare text by an environment variable: numbers and lists are read from it.</param>
public sealed record GivenValue(string Section, string Key, object? Value, SourcePosition Position, bool IsText = false)
{
    /// <summary><c>section.key</c>.</summary>
    public string Path => Section.Length > 0 ? $"{Section}.{Key}" : Key;
}

/// <summary>One table of an array of tables.</summary>
public sealed record GivenTable(ImmutableArray<GivenValue> Values, SourcePosition Position);
