using System.CommandLine;
using System.Globalization;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl remove NODE</c>, asked of the leader, and <c>leave</c>, asked of the node that goes.</summary>
internal static class MembershipCommands
{
    public static Command Remove()
    {
        var node = new Argument<string>("node") { Description = "The dead node" };
        var force = new Option<bool>("--force") { Description = "Remove it although it lives, or, in mode \"available\", although it may" };
        var confirm = new Option<string?>("--confirm") { Description = "The cluster's name, to show that it is the right one", HelpName = "CLUSTER_NAME" };
        var dryRun = CtlOptions.DryRun();
        var command = new Command("remove", "Takes a dead node out of the cluster, so that its vote no longer counts") { node, force, confirm, dryRun };
        command.SetAction((parsed, cancellationToken) => RemoveAsync(
            parsed, new RemoveRequest(parsed.GetValue(node), parsed.GetValue(force)), parsed.GetValue(confirm), parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    public static Command Leave()
    {
        var dryRun = CtlOptions.DryRun();
        var command = new Command("leave", "The node that is asked leaves the cluster for good; a leader hands over first") { dryRun };
        command.SetAction((parsed, cancellationToken) => LeaveAsync(parsed, parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, RemoveRequest request, string? confirm, bool dryRun, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
        var leader = endpoints.Leader(cluster, asked);
        var plan = await AskAsync(request with { DryRun = true });
        var outcome = plan.Read(ApiJson.Default.DepartureDocument);
        var name = Name(cluster);
        if (dryRun || !parsed.GetValue(CtlOptions.Json))
            Report(parsed, plan, $"{outcome.Node} is taken out of cluster {name}. {Left(outcome)} Its data stays where it is; a node that comes back with the cluster's addresses asks to join again.");
        if (dryRun)
            return ExitCode.Done;
        Consent.Named(confirm, name);
        var done = await AskAsync(request);
        Report(parsed, done, $"{outcome.Node} is no longer a member of {name}.");
        return ExitCode.Done;

        async Task<Answer> AskAsync(RemoveRequest what) =>
            new(leader, await leader.PostAsync("/admin/remove", what, ApiJson.Default.RemoveRequest, cancellationToken));
    }

    private static async Task<int> LeaveAsync(ParseResult parsed, bool dryRun, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var node = endpoints.First;
        var cluster = new Answer(node, await node.GetTextAsync("/cluster", cancellationToken)).Read(ApiJson.Default.ClusterDocument);
        var plan = await AskAsync(new LeaveRequest(DryRun: true));
        var outcome = plan.Read(ApiJson.Default.DepartureDocument);
        var first = cluster.Leader == outcome.Node ? " It leads, and hands over first." : "";
        var sentence = $"{outcome.Node} leaves cluster {Name(cluster)} for good.{first} {Left(outcome)} Its MariaDB keeps its data and takes no writes; `wolfscale join HOST:PORT` brings it back.";
        if (dryRun && parsed.GetValue(CtlOptions.Json))
            Terminal.Line(plan.Body);
        if (!Consent.Given(parsed, dryRun, sentence))
            return ExitCode.Done;
        Report(parsed, await AskAsync(new LeaveRequest()), $"{outcome.Node} has left.");
        return ExitCode.Done;

        async Task<Answer> AskAsync(LeaveRequest what) =>
            new(node, await node.PostAsync("/admin/leave", what, ApiJson.Default.LeaveRequest, cancellationToken));
    }

    /// <summary>A cluster without a name is called by its id.</summary>
    private static string Name(ClusterDocument cluster) => cluster.ClusterName is { Length: > 0 } name ? name : cluster.ClusterId ?? "(no name)";

    private static string Left(DepartureDocument outcome) => string.Create(
        CultureInfo.InvariantCulture, $"{Count(outcome.Voters, "voter")} remain{(outcome.Voters == 1 ? "s" : "")}, of which {outcome.ToleratedFailures} may be lost while writes go on.");

    private static string Count(int number, string noun) => string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");

    private static void Report(ParseResult parsed, Answer answer, string sentence) => Terminal.Line(parsed.GetValue(CtlOptions.Json) ? answer.Body : sentence);
}
