using System.Net;
using Microsoft.Extensions.Logging;

namespace WolfScale.Proxy;

internal static partial class ProxyLog
{
    [LoggerMessage(5000, LogLevel.Information, "The proxy listens on {Address}")]
    public static partial void Listening(ILogger logger, IPEndPoint address);

    [LoggerMessage(5001, LogLevel.Error, "A session of the proxy failed and was closed; this is a defect of WolfScale, please report it")]
    public static partial void Fault(ILogger logger, Exception fault);

    [LoggerMessage(5002, LogLevel.Warning, "Accepting a client failed: {Reason}. See the limit of open files (ulimit -n).")]
    public static partial void AcceptFailed(ILogger logger, string reason);

    [LoggerMessage(5003, LogLevel.Warning, "A connection of the proxy was closed, because what came over it is not the MySQL protocol: {What}")]
    public static partial void NotUnderstood(ILogger logger, string what);

    [LoggerMessage(5004, LogLevel.Information, "The TLS handshake with a client failed: {Reason}")]
    public static partial void TlsFailed(ILogger logger, string reason);

    [LoggerMessage(5005, LogLevel.Warning, "A client that speaks the compressed protocol was cut off: {Reason}")]
    public static partial void CompressionFailed(ILogger logger, string reason);
}
