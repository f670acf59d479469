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

    /// <summary>Collectors are set up by that page.</summary>
    [Fact]
    public void Every_field_of_a_json_line_is_named_in_the_documentation()
    {
        var line = LogLine.Json(Noon, LogLevel.Critical, "WolfScale.Test", new EventId(2007, "Lost"), "lost", new InvalidOperationException("why"), new Dictionary<string, object?> { ["Node"] = "node-2" }.ToList());
        var written = JsonDocument.Parse(line).RootElement.EnumerateObject().Select(f => f.Name).ToList();

        var section = File.ReadAllText(ConfigurationReferenceTests.Documentation("events.md")).Split("\n## The log beside it\n")[1];
        var named = section.Split('\n').Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split('`')[1]).ToList();
        Assert.Equal(8, written.Count);
        Assert.Equal(written, named); // in the order in which they stand in a line
        Assert.All(Enum.GetValues<LogLevel>().Where(l => l != LogLevel.None), level =>
            Assert.Contains($"`{JsonDocument.Parse(LogLine.Json(Noon, level, "", default, "", null, null)).RootElement.GetProperty("level").GetString()}`", section, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_below_the_level_is_not_written() =>
        Assert.Equal(3, (await LogAsync(LogFormat.Text, LogDetail.Warn, log =>
        {
            Quiet(log);
            Lost(log, 1, "node-2");
            LostLines(log, 1, "node-2");
        })).Length);

    [Fact]
    public async Task After_a_rename_lines_go_on_in_the_old_file_until_it_is_opened_anew()
    {
        using var folder = new TempFolder("log");
        var (file, rotated) = (folder.File("log"), folder.File("log.1"));
        await using (var provider = new NodeLoggerProvider(new LoggingSection { File = file }, new FakeTimeProvider(Noon)))
        {
            var log = provider.CreateLogger("WolfScale.Test");
            Lost(log, 1, "node-1");
            File.Move(file, rotated);
            Lost(log, 2, "node-2");
            while (new FileInfo(rotated).Length < 2 * "2026-05-01T12:00:00.000Z warn  Test[2007] lost 1 of node-1\n".Length)
                await Task.Delay(10, TestContext.Current.CancellationToken);
            Assert.Null(provider.Reopen());
            Lost(log, 3, "node-3");
        }

        Assert.Equal(["node-1", "node-2"], (await File.ReadAllLinesAsync(rotated)).Select(l => l[^6..]));
        Assert.Equal(["node-3"], (await File.ReadAllLinesAsync(file)).Select(l => l[^6..]));
    }

    /// <summary>Nobody may say anything for days, and logrotate compresses the old one meanwhile.</summary>
    [Fact]
    public async Task The_old_file_is_let_go_of_without_another_line()
    {
        using var folder = new TempFolder("log");
        var (file, rotated) = (folder.File("log"), folder.File("log.1"));
        await using var provider = new NodeLoggerProvider(new LoggingSection { File = file }, new FakeTimeProvider(Noon));
        File.Move(file, rotated);
        Assert.Null(provider.Reopen());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (Directory.GetFiles("/proc/self/fd").Any(descriptor => new FileInfo(descriptor).LinkTarget == rotated))
            await Task.Delay(10, limit.Token);
    }

    private static async Task<string[]> LogAsync(LogFormat format, LogDetail level, Action<ILogger> say)
    {
        using var folder = new TempFolder("log");
        var file = folder.File("log");
        await using (var provider = new NodeLoggerProvider(new LoggingSection { Level = level, Format = format, File = file }, new FakeTimeProvider(Noon)))
            say(provider.CreateLogger("WolfScale.Cluster.Transport.PeerLink"));
        return await File.ReadAllLinesAsync(file);
    }

    [LoggerMessage(2007, LogLevel.Warning, "lost {Count} of {Node}")]
    private static partial void Lost(ILogger logger, int count, string node);

    [LoggerMessage(2008, LogLevel.Error, "lost {Count}\nof {Node}")]
    private static partial void LostLines(ILogger logger, int count, string node);

    [LoggerMessage(2009, LogLevel.Information, "nothing of note")]
    private static partial void Quiet(ILogger logger);
}
