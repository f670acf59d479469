using System.CommandLine;
using Spectre.Console;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl reload</c>: one node reads its configuration again.</summary>
internal static class ReloadCommand
{
    public static Command Create()
    {
        var command = new Command("reload", "The node reads its configuration again, takes over what can change while it runs, and tells what wants a restart; as SIGHUP does");
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var answer = new Answer(endpoints.First, await AskAsync(endpoints.First, cancellationToken));
        if (parsed.GetValue(CtlOptions.Json))
            Terminal.Line(answer.Body);
        else
            Tell(answer.Read(ApiJson.Default.ReloadDocument));
        return ExitCode.Done;
    }

    /// <summary>The token is read from the very file that is to be read again: where it is another than the node's, only the signal helps.</summary>
    private static async Task<string> AskAsync(NodeClient node, CancellationToken cancellationToken)
    {
        try
        {
            return await node.PostAsync("/admin/reload", new ReloadRequest(), ApiJson.Default.ReloadRequest, cancellationToken);
        }
        catch (NodeRefusedException e) when (e.Status == 401)
        {
            throw new RefusedException($"{e.Message} Where the token was just changed in its file, the node does not know it yet: `systemctl reload wolfscale` (SIGHUP) on its machine makes it read the file.");
        }
    }

    private static void Tell(ReloadDocument done)
    {
        if (done.Changed.IsEmpty && done.NeedRestart.IsEmpty)
            Terminal.Line($"{done.Node} runs with what its file says; certificates were read again.");
        else
            Terminal.Out.Write(Table(done));
        foreach (var warning in done.Warnings)
            Terminal.Line(warning);
        if (!done.NeedRestart.IsEmpty)
            Terminal.Line($"What wants a restart is as before until {done.Node} is restarted.");
    }

    private static Table Table(ReloadDocument done)
    {
        var table = Terminal.Table("KEY", "FROM", "TO", "STATE");
        foreach (var (keys, state) in ((IEnumerable<ReloadedKey>, string)[])[(done.Changed, "[green]in force[/]"), (done.NeedRestart, "[yellow]wants a restart[/]")])
        {
            foreach (var key in keys)
                _ = table.AddRow(key.Key, Terminal.Cell(key.From), Terminal.Cell(key.To), state);
        }

        return table;
    }
}
