using System.Globalization;
using System.Threading.Channels;

namespace WolfScale.Server.Logging;

/// <summary>
/// Writes finished lines in the background, so that a full disk or a slow terminal never holds up a commit. The queue is bounded:
/// what does not fit is dropped and counted, and the count is the next line written.
/// </summary>
internal sealed class LogWriter : IAsyncDisposable
{
    private const int QueuedLines = 8192;

    private readonly Channel<string?> _lines = Channel.CreateBounded<string?>(
        new BoundedChannelOptions(QueuedLines) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private TextWriter _output; // the loop's, once it runs
    private TextWriter? _next;
    private readonly Task _running;
    private long _dropped;

    public LogWriter(TextWriter output)
    {
        _output = output;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Queues a line; never blocks.</summary>
    public void Write(string line)
    {
        if (!_lines.Writer.TryWrite(line))
            _ = Interlocked.Increment(ref _dropped);
    }

    /// <summary>What is queued from here on goes to another output; the one before is closed.</summary>
    public void Follow(TextWriter output)
    {
        Interlocked.Exchange(ref _next, output)?.Dispose(); // nothing was written to that one yet
        _ = _lines.Writer.TryWrite(null); // a look, even where nobody says anything; a full queue is being read anyway
    }

    /// <summary>Writes what is queued, then closes the output.</summary>
    public async ValueTask DisposeAsync()
    {
        _ = _lines.Writer.TryComplete();
        await _running;
        await _output.DisposeAsync();
        _next?.Dispose(); // came after the last look
    }

    private async Task RunAsync()
    {
        while (await _lines.Reader.WaitToReadAsync())
        {
            try
            {
                while (_lines.Reader.TryRead(out var line))
                {
                    if (Volatile.Read(ref _next) is not null)
                        await ChangeOverAsync();
                    if (line is not null)
                        await _output.WriteLineAsync(line);
                }

                if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
                    await _output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"({dropped} log lines dropped: the log could not be written fast enough)"));
                await _output.FlushAsync();
            }
            catch (IOException)
            {
                // A log that cannot be written (disk full, closed terminal) must not stop the node; the next line tries again.
            }
        }
    }

    private async Task ChangeOverAsync()
    {
        var before = _output;
        _output = Interlocked.Exchange(ref _next, null)!;
        try
        {
            await before.DisposeAsync();
        }
        catch (IOException)
        {
            // What could not be written there any more is lost; the log goes on.
        }

        // Nobody may have renamed it: then it is the same file, and what was written to it since it was opened again stays. (FileMode.Append takes its place once, on opening.)
        if (_output is StreamWriter { BaseStream: { CanSeek: true } file })
            _ = file.Seek(0, SeekOrigin.End);
    }
}
