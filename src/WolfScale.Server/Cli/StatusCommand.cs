using System.CommandLine;
using System.Text.Json;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale status</c>: the cluster as this node sees it, the node itself marked.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "Shows the cluster as this node sees it") { GlobalOptions.Json };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(GlobalOptions.Json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        var configuration = GlobalOptions.Load(parsed).Configuration;
        using var client = NodeClient.Local(configuration);
        var body = await client.GetTextAsync("/cluster", cancellationToken);
        if (json)
            Terminal.Line(body);
        else
            ClusterTable.Print(JsonSerializer.Deserialize(body, ApiJson.Default.ClusterDocument)!);
        return ExitCode.Done;
    }
}
