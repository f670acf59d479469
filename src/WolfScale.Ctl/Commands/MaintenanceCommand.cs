using System.CommandLine;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl maintenance on|off</c>: the node gives the lead away and keeps it away.</summary>
internal static class MaintenanceCommand
{
    private enum Wanted
    {
        On,
        Off,
    }

    public static Command Create()
    {
        var wanted = new Argument<Wanted>("on|off");
        wanted.CompletionSources.Clear(); // the enumeration's names are capitals
        wanted.CompletionSources.Add("on", "off");
        var dryRun = CtlOptions.DryRun();
        var command = new Command("maintenance", "The node gives the lead away and keeps it away until it is switched off; it votes and follows as before") { wanted, dryRun };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(wanted) == Wanted.On, parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, bool on, bool dryRun, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var node = endpoints.First;
        var before = new Answer(node, await node.GetTextAsync("/status", cancellationToken)).Read(ApiJson.Default.NodeReport);
        var leads = before.Leader == before.Id;
        var plan = !on ? $"{before.Id} may lead again." : leads
            ? $"{before.Id} gives the lead away, and keeps it away over restarts too. Writes pause meanwhile; transactions that have not ended by then are rolled back."
            : $"{before.Id} keeps the lead away from now on, over restarts too.";
        if ((dryRun || (on && leads)) && !Consent.Given(parsed, dryRun, plan))
            return ExitCode.Done;
        var answer = new Answer(node, await node.PostAsync("/admin/maintenance", new MaintenanceRequest(on), ApiJson.Default.MaintenanceRequest, cancellationToken));
        var done = answer.Read(ApiJson.Default.MaintenanceDocument);
        Terminal.Line(parsed.GetValue(CtlOptions.Json) ? answer.Body : Sentence(done, leads));
        return ExitCode.Done;
    }

    private static string Sentence(MaintenanceDocument done, bool led) => !done.On ? $"{done.Node} is not in maintenance."
        : led ? $"{done.Node} is in maintenance, {done.Leader ?? "another node"} leads; {SwitchoverCommands.Pause(done.WritePauseMs)}."
        : $"{done.Node} is in maintenance.";
}
