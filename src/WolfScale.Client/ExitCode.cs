namespace WolfScale.Client;

/// <summary>What a script can rely on.</summary>
public static class ExitCode
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
public class RefusedException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}

/// <summary>A node has refused, with <c>application/problem+json</c>.</summary>
/// <param name="message">For the person: the problem's detail.</param>
/// <param name="code">The problem's stable code; empty where the answer had none.</param>
/// <param name="status">The HTTP status.</param>
public sealed class NodeRefusedException(string message, string code, int status) : RefusedException(message)
{
    public string Code { get; } = code;

    public int Status { get; } = status;
}
