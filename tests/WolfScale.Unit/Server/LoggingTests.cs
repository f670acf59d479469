using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Server.Logging;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

public partial class LoggingTests
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_text_line_has_time_level_part_and_event() =>
        Assert.Equal(
            "2026-05-01T12:00:00.000Z warn  Cluster.PeerLink[2007] lost 3 of node-2",
            Assert.Single(await LogAsync(LogFormat.Text, LogDetail.Info, log => Lost(log, 3, "node-2"))));

    [Fact]
    public async Task A_json_line_is_one_object_with_the_values_of_the_message()
    {
        var line = JsonDocument.Parse(Assert.Single(await LogAsync(LogFormat.Json, LogDetail.Info, log => LostLines(log, 3, "node-2")))).RootElement;

        Assert.Equal(("error", 2008, "lost 3\nof node-2"), (line.GetProperty("level").GetString(), line.GetProperty("event_id").GetInt32(), line.GetProperty("message").GetString()));
        Assert.Equal("node-2", line.GetProperty("fields").GetProperty("Node").GetString());
    }

    [Fact]
    public async Task What_is_below_the_level_is_not_written() =>
        Assert.Equal(3, (await LogAsync(LogFormat.Text, LogDetail.Warn, log =>
        {
            Quiet(log);
            Lost(log, 1, "node-2");
            LostLines(log, 1, "node-2");
        })).Length);

    private static async Task<string[]> LogAsync(LogFormat format, LogDetail level, Action<ILogger> say)
    {
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            await using (var provider = new NodeLoggerProvider(new LoggingSection { Level = level, Format = format, File = file }, new FakeTimeProvider(Noon)))
                say(provider.CreateLogger("WolfScale.Cluster.Transport.PeerLink"));
            return await File.ReadAllLinesAsync(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [LoggerMessage(2007, LogLevel.Warning, "lost {Count} of {Node}")]
    private static partial void Lost(ILogger logger, int count, string node);

    [LoggerMessage(2008, LogLevel.Error, "lost {Count}\nof {Node}")]
    private static partial void LostLines(ILogger logger, int count, string node);

    [LoggerMessage(2009, LogLevel.Information, "nothing of note")]
    private static partial void Quiet(ILogger logger);
}
