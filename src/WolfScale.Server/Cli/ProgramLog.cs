using WolfScale.Server.Logging;

namespace WolfScale.Server.Cli;

/// <summary>The log of a program that stays.</summary>
internal static class ProgramLog
{
    /// <exception cref="RefusedException">The log file cannot be written.</exception>
    public static NodeLoggerProvider Open(LoggingSection settings)
    {
        try
        {
            return new NodeLoggerProvider(settings, TimeProvider.System);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"logging.file = \"{settings.File}\" cannot be written as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }
    }
}
