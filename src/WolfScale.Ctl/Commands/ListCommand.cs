using System.CommandLine;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl list servers</c>: every node as one that answers sees it.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        var servers = new Command("servers", "ID, address, status, role, LSN, applied LSN and lag of every node");
        servers.SetAction(RunAsync);
        return new Command("list", "Lists what the cluster has") { servers };
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var answer = await endpoints.GetAsync("/cluster", cancellationToken);
        if (parsed.GetValue(CtlOptions.Json))
            Terminal.Line(answer.Body);
        else
            ClusterTable.Print(answer.Read(ApiJson.Default.ClusterDocument));
        return ExitCode.Done;
    }
}
