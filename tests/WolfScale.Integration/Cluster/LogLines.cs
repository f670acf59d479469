using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace WolfScale.Integration.Cluster;

/// <summary>A logger factory that keeps every line, so that a test can ask what a person would have read.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = [];

    public IReadOnlyList<string> Warnings => [.. _lines.Where(l => l.Level >= LogLevel.Warning).Select(l => l.Text)];

    public IReadOnlyList<string> All => [.. _lines.Select(l => $"{l.Level}: {l.Text}")];

    /// <summary>How many lines hold all of these words.</summary>
    public int Count(params string[] words) => _lines.Count(l => words.All(w => l.Text.Contains(w, StringComparison.OrdinalIgnoreCase)));

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _lines.Enqueue((logLevel, formatter(state, exception) + (exception is null ? "" : " " + exception)));
        if (Environment.GetEnvironmentVariable("WOLFSCALE_TEST_LOG") is not null)
            Console.Error.WriteLine($"{DateTime.Now:HH:mm:ss.fff} {_name} {logLevel}: {formatter(state, exception)} {exception}");
    }

    private readonly string _name;

    public LogLines(string name) => _name = name;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
