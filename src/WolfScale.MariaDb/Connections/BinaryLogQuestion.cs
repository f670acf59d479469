using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb;

/// <summary>
/// Whether the local server's binary log is on, asked over a connection of its own, so that the answer waits for nothing else. A server that has turned its log off does not turn it on again
/// before its restart: one that logs now has logged all that it said OK to before.
/// </summary>
public sealed class BinaryLogQuestion : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly DatabaseOptions _options;
    private readonly TimeProvider _time;
    private readonly SharedAnswer<bool> _answers;
    private AdminConnection? _server; // of the one reading that runs

    public BinaryLogQuestion(DatabaseOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _answers = new SharedAnswer<bool>(ReadAsync);
    }

    /// <summary>Of a moment after the question.</summary>
    /// <exception cref="Exception">The server does not answer.</exception>
    public Task<bool> AskAsync() => _answers.AskAsync();

    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
            await server.DisposeAsync();
    }

    private async Task<bool> ReadAsync()
    {
        try
        {
            if (_server is null)
            {
                using var limit = new CancellationTokenSource(Limit, _time);
                _server = await AdminConnection.OpenAsync(_options, 0, null, limit.Token);
            }

            return await BinaryLog.IsOnAsync(_server, Limit);
        }
        catch
        {
            if (_server is { } broken)
                await broken.DisposeAsync();
            _server = null;
            throw;
        }
    }
}
