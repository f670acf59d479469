namespace WolfScale.Server.Cli;

/// <summary>What a script can rely on.</summary>
internal static class ExitCode
{
    /// <summary>Done, healthy.</summary>
    public const int Done = 0;

    /// <summary>Refused, or it could not be done: one line on standard error says what, and what to do.</summary>
    public const int Refused = 1;

    /// <summary>Usage, or an invalid configuration.</summary>
    public const int Invalid = 2;

    /// <summary>Nobody could be reached.</summary>
    public const int Unreachable = 3;

    /// <summary>The outcome is unknown: timed out.</summary>
    public const int Unknown = 4;
}

/// <summary>An expected refusal: ends the command with its message on standard error, and no stack trace.</summary>
public sealed class RefusedException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
