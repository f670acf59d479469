using Microsoft.Extensions.Logging;

namespace WolfScale.Server.Logging;

/// <summary>The node's log: standard error or a file, text or JSON, with a level that can be changed while it runs.</summary>
internal sealed class NodeLoggerProvider : ILoggerProvider, IAsyncDisposable
{
    /// <summary>The web server makes an activity and a scope for each request as long as anybody listens to this. What it would say in earnest, it says in another category too.</summary>
    private const string EachRequest = "Microsoft.AspNetCore.Hosting.Diagnostics";

    private readonly LogWriter _writer;
    private readonly string _file;
    private LogDetail _detail;
    private volatile LogFormat _format;
    private readonly bool _journal;
    private readonly TimeProvider _time;
    private volatile int _level;

    /// <exception cref="RefusedException">The log file cannot be written.</exception>
    public NodeLoggerProvider(LoggingSection settings, TimeProvider time)
    {
        (_file, _detail, _format, _time) = (settings.File, settings.Level, settings.Format, time);
        _level = (int)Level(settings.Level);
        _journal = settings.File.Length == 0 && Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 };
        _writer = new LogWriter(settings.File.Length == 0 ? new StreamWriter(Console.OpenStandardError()) { AutoFlush = false } : Open(settings.File));
    }

    /// <summary>The least level that is written.</summary>
    public LogLevel MinimumLevel
    {
        get => (LogLevel)_level;
        set => _level = (int)value;
    }

    /// <summary>Text or JSON, from the next line on.</summary>
    public LogFormat Format
    {
        get => _format;
        set => _format = value;
    }

    /// <summary>Opens the file anew, where there is one: somebody (logrotate) has renamed it, and wants the rest elsewhere.</summary>
    /// <returns>Why the log goes on in the file that it had; null when it does not.</returns>
    public string? Reopen()
    {
        if (_file.Length == 0)
            return null;
        try
        {
            _writer.Follow(Open(_file));
            return null;
        }
        catch (RefusedException e)
        {
            return $"{e.Message} The log goes on in the file that was opened before, whatever that is called now.";
        }
    }

    /// <summary>Takes over what a configuration that was read again says. `wolfctl log-level` lasts until that is something else than before.</summary>
    public void Follow(LoggingSection settings)
    {
        if (settings.Level != _detail)
            MinimumLevel = Level(settings.Level);
        (_detail, Format) = (settings.Level, settings.Format);
    }

    public static LogLevel Level(LogDetail detail) => detail switch
    {
        LogDetail.Trace => LogLevel.Trace,
        LogDetail.Debug => LogLevel.Debug,
        LogDetail.Info => LogLevel.Information,
        LogDetail.Warn => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    public ILogger CreateLogger(string categoryName) => new NodeLogger(this, categoryName);

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    /// <summary>Nothing: the factory calls this, and the last lines still have to be written by <see cref="DisposeAsync"/>.</summary>
    public void Dispose()
    {
    }

    private static StreamWriter Open(string file)
    {
        try
        {
            return new StreamWriter(file, append: true) { AutoFlush = false };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"logging.file = \"{file}\" cannot be written as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }
    }

    private bool IsEnabled(string category, LogLevel level) =>
        level != LogLevel.None && (int)level >= _level && (_level <= (int)LogLevel.Debug || (level >= LogLevel.Warning ? category != EachRequest : !category.StartsWith("Microsoft.", StringComparison.Ordinal)));

    private void Write(LogLevel level, string category, EventId id, string message, Exception? exception, object? state)
    {
        var time = _time.GetUtcNow();
        var line = _format == LogFormat.Json
            ? LogLine.Json(time, level, category, id, message, exception, state)
            : LogLine.Text(time, level, category, id, message, exception);
        _writer.Write(_journal ? LogLine.JournalPrefix(level) + line : line);
    }

    private sealed class NodeLogger(NodeLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => provider.IsEnabled(category, logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                provider.Write(logLevel, category, eventId, formatter(state, exception), exception, state);
        }
    }
}
