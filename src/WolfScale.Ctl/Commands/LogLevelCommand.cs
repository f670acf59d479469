using System.CommandLine;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl log-level LEVEL</c>: of one node, until its process ends.</summary>
internal static class LogLevelCommand
{
    public static Command Create()
    {
        var level = new Argument<LogDetail>("level") { Description = "trace, debug, info, warn or error" };
        level.CompletionSources.Clear(); // as for maintenance
        level.CompletionSources.Add("trace", "debug", "info", "warn", "error");
        var command = new Command("log-level", "Changes the node's log level until it is restarted") { level };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(level).ToString().ToLowerInvariant(), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string level, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var node = endpoints.First;
        var body = await node.PostAsync("/admin/log-level", new LogLevelRequest(level), ApiJson.Default.LogLevelRequest, cancellationToken);
        Terminal.Line(parsed.GetValue(CtlOptions.Json) ? body : $"{node.Address} logs at {level} until it is restarted.");
        return ExitCode.Done;
    }
}
