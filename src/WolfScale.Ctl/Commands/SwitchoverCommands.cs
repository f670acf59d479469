using System.CommandLine;
using System.Globalization;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl promote [NODE]</c> and <c>demote</c>: planned switchovers, asked of the leader.</summary>
internal static class SwitchoverCommands
{
    public static Command Promote()
    {
        var node = new Argument<string?>("node") { Arity = ArgumentArity.ZeroOrOne, Description = "Who is to lead; without it, the node that is asked" };
        var dryRun = CtlOptions.DryRun();
        var command = new Command("promote", "Moves the lead to a node, and prints how long writes paused") { node, dryRun };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(node), promote: true, parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    public static Command Demote()
    {
        var dryRun = CtlOptions.DryRun();
        var command = new Command("demote", "Moves the lead from the leader to the best-placed other node, and prints how long writes paused") { dryRun };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, null, promote: false, parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string? target, bool promote, bool dryRun, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
        if (promote && target is null)
        {
            if (asked != endpoints.First)
                throw new RefusedException($"{endpoints.First.Address} does not answer, so it cannot lead; name the node that is to lead: wolfctl promote NODE.");
            target = cluster.Node;
        }

        if (target is not null && cluster.Nodes.All(n => n.Id != target))
            throw new RefusedException($"This cluster has no node \"{target}\"; it has {string.Join(", ", cluster.Nodes.Select(n => n.Id))}.");
        var leader = endpoints.Leader(cluster, asked);
        if (target != cluster.Leader && !Consent.Given(
                parsed, dryRun, $"The lead of {Name(cluster)} moves from {cluster.Leader} to {target ?? "the best-placed other node"}. Writes pause meanwhile; transactions that have not ended by then are rolled back."))
            return ExitCode.Done;
        var body = promote
            ? await leader.PostAsync("/admin/promote", new PromoteRequest(target), ApiJson.Default.PromoteRequest, cancellationToken)
            : await leader.PostAsync("/admin/demote", new PromoteRequest(null), ApiJson.Default.PromoteRequest, cancellationToken);
        Terminal.Line(parsed.GetValue(CtlOptions.Json) ? body : Sentence(new Answer(leader, body).Read(ApiJson.Default.SwitchoverDocument), cluster));
        return ExitCode.Done;
    }

    private static string Sentence(SwitchoverDocument outcome, ClusterDocument before) => outcome.Leader == before.Leader
        ? outcome.Reason ?? $"{outcome.Leader} leads already."
        : $"{outcome.Leader} leads, {before.Leader} follows; {Pause(outcome.WritePauseMs)}.";

    /// <summary>For a person: the measured pause, or that none was measured.</summary>
    public static string Pause(long? milliseconds) => milliseconds is { } ms
        ? string.Create(CultureInfo.InvariantCulture, $"writes waited {ms} ms at most")
        : "how long writes waited is not known: the new leader has not said that it takes them, see `wolfctl list servers`";

    private static string Name(ClusterDocument cluster) => cluster.ClusterName is { Length: > 0 } name ? $"cluster {name}" : "the cluster";
}
