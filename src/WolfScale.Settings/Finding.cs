namespace WolfScale.Settings;

/// <summary>How much a finding matters.</summary>
public enum Severity
{
    /// <summary>Fine, and worth knowing.</summary>
    Remark,

    /// <summary>The node starts, and somebody may be sorry later.</summary>
    Warning,

    /// <summary>The node does not start.</summary>
    Error,
}

/// <summary>Where a value was given. (A class: collections of it are compiled ahead of time, and every command of wolfctl reads a configuration.)</summary>
/// <param name="Source">The file, or the environment variable.</param>
/// <param name="Line">From 1; 0 where the source has no lines.</param>
/// <param name="Column">From 1; 0 where the source has no lines.</param>
public sealed record SourcePosition(string Source, int Line = 0, int Column = 0)
{
    public override string ToString() => Line > 0 ? $"{Source}:{Line}:{Column}" : Source;
}

/// <summary>One thing that the check of a configuration has to say.</summary>
/// <param name="Severity">How much it matters.</param>
/// <param name="Code">Stable and short, for scripts: <c>unknown_key</c>, <c>missing_key</c>, <c>fsync_off</c>…</param>
/// <param name="Key">The key it is about, <c>section.key</c>, or empty.</param>
/// <param name="Position">Where that key was given; the file itself where it was not.</param>
/// <param name="Message">What is wrong and what to do.</param>
public sealed record Finding(Severity Severity, string Code, string Key, SourcePosition Position, string Message)
{
    public override string ToString() => $"{Position}: {Severity.ToString().ToLowerInvariant()}: {Message}";
}
