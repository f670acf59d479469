using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using WolfScale.Server.Http;

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
        {
            Terminal.Line(body);
            return ExitCode.Done;
        }

        Print(JsonSerializer.Deserialize(body, ApiJson.Default.ClusterDocument)!);
        return ExitCode.Done;
    }

    private static void Print(ClusterDocument cluster)
    {
        var name = cluster.ClusterName is { Length: > 0 } text ? text : "(no name)";
        Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"cluster {name}  mode {cluster.Mode}  term {cluster.Term}  leader {cluster.Leader ?? "none"}  commit LSN {cluster.CommitLsn}"));
        var table = Terminal.Table("", "ID", "ADDRESS", "STATUS", "ROLE", "LSN", "APPLIED", "LAG", "REASON");
        foreach (var node in cluster.Nodes)
        {
            _ = table.AddRow(
                node.Id == cluster.Node ? "*" : " ",
                node.Id.EscapeMarkup(),
                Terminal.Cell(node.Address),
                Terminal.Coloured(node.Status),
                Terminal.Coloured(node.Role),
                Terminal.Cell(node.LastLsn),
                Terminal.Cell(node.AppliedLsn),
                Terminal.Cell(node.LagEntries),
                (node.Reason ?? "").EscapeMarkup());
        }

        Terminal.Out.Write(table);
        foreach (var warning in cluster.Warnings)
            Terminal.Line("warning: " + Warnings.Explain(warning));
    }
}

/// <summary>What weakens the promise, in words.</summary>
internal static class Warnings
{
    public static string Explain(string code) => code switch
    {
        "fsync_off" => "wal.fsync = false: a power cut can lose acknowledged writes",
        "mode_available" => "cluster.mode = \"available\": a write is acknowledged by the leader alone",
        "mode_differs" => "cluster.mode in this node's configuration differs from the cluster's, which is in force",
        _ => code,
    };
}
