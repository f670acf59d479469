using Microsoft.Extensions.Logging;

namespace WolfScale.Server.Http.Data;

/// <summary>What the HTTP API says in the log: event ids 4400 to 4499.</summary>
internal static partial class DataLog
{
    [LoggerMessage(4400, LogLevel.Information, "{Method} {Path} was refused: {Status} {Code} (request {RequestId})")]
    public static partial void Refused(ILogger logger, string method, string path, int status, string code, string requestId);

    [LoggerMessage(4401, LogLevel.Warning, "{Method} {Path} failed: {Status} {Code}: {Detail} (request {RequestId})")]
    public static partial void Failed(ILogger logger, string method, string path, int status, string code, string detail, string requestId);

    [LoggerMessage(4402, LogLevel.Error, "{Method} {Path} failed unexpectedly (request {RequestId})")]
    public static partial void Broken(ILogger logger, string method, string path, string requestId, Exception error);

    [LoggerMessage(4403, LogLevel.Information, "Old Idempotency-Keys were not deleted, and are next minute: {Reason}")]
    public static partial void NotExpired(ILogger logger, string reason);

    [LoggerMessage(4404, LogLevel.Information, "Sessions of the HTTP API from before a reload did not close in order: {Reason}")]
    public static partial void NotClosed(ILogger logger, string reason);
}
