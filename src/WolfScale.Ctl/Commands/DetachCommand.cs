using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.Cluster;
using WolfScale.Cluster.History;
using WolfScale.Cluster.State;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Plans;

namespace WolfScale.Ctl.Commands;

/// <summary>
/// <c>wolfctl detach</c>: gives the MariaDB of a stopped node back to its administrator. The node must not run, because it would take the server in hand
/// again; a member that is to go for good leaves first. Nothing is asked of the node but that, so it works where everything else is broken.
/// </summary>
internal static class DetachCommand
{
    internal const string Plans = "mariadb-plan/";

    public static Command Create()
    {
        var dryRun = CtlOptions.DryRun();
        var command = new Command("detach", "Gives the MariaDB of this node, which must be stopped, back: semi-sync off, feed removed, open for writes, so that nothing hangs without WolfScale") { dryRun };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, bool dryRun, CancellationToken cancellationToken)
    {
        var configuration = GlobalOptions.Load(parsed).Configuration;
        if (!configuration.Database.Enabled)
            throw new RefusedException("This node is a witness (database.enabled = false): it has no MariaDB.");
        StoppedFiles.RefuseForeignRoot(configuration.DataDirectory, "detach");
        try
        {
            await using var node = await StoppedNode.OpenAsync(configuration.DataDirectory, configuration.Node.Id, TimeProvider.System);
            RefuseHalfDone(node);
            var database = LocalServer.Options(configuration);
            var before = await Detachment.LookAsync(database, cancellationToken);
            if (!Consent.Given(parsed, dryRun, [.. await DescribeAsync(parsed, configuration, before, cancellationToken)]))
                return ExitCode.Done;
            var after = await Detachment.RunAsync(database, Plan(node, "events")?.Data, cancellationToken);
            node?.History.Record(EventKinds.Operator, "an operator has given MariaDB back: it takes writes without WolfScale", ("command", "detach"), ("gtid", after.GtidPosition));
            foreach (var remark in after.Remarks)
                Terminal.Error(remark);
            Terminal.Line(parsed.GetValue(CtlOptions.Json)
                ? JsonSerializer.Serialize(new DetachDocument(configuration.Node.Id, after.IsOpen, after.SemiSync, after.HasFeed, after.GtidPosition), DetachJson.Default.DetachDocument)
                : $"{configuration.Node.Id}'s MariaDB takes writes, and waits for nobody. Before its next restart take WolfScale's settings out of its configuration (read_only, rpl_semi_sync_master_enabled, skip_slave_start; /etc/mysql/mariadb.conf.d/99-wolfscale.cnf): they would close it again.");
            return ExitCode.Done;
        }
        catch (Exception e) when (e is ClusterStartException or DatabaseException)
        {
            throw new RefusedException($"MariaDB was not given back: {e.Message.TrimEnd('.')}.");
        }
    }

    /// <summary>A server in the middle of a rewind or a migration holds data that are nobody's.</summary>
    private static void RefuseHalfDone(StoppedNode? node)
    {
        foreach (var name in (string[])["rewind", "migration"])
        {
            if (Plan(node, name) is not null)
                throw new RefusedException($"MariaDB was not given back: a {name} of its data has begun and is not finished, so they are not whole. Start the node, and it finishes; or restore a backup.");
        }
    }

    private static async Task<List<string>> DescribeAsync(ParseResult parsed, NodeConfiguration configuration, DetachmentReport server, CancellationToken cancellationToken)
    {
        var lines = new List<string>
        {
            $"The MariaDB of {configuration.Node.Id} ({server.Version}, at {(server.GtidPosition.Length > 0 ? server.GtidPosition : "no GTID")}) is given back: {(server.HasFeed ? "the connection wolfscale is removed, " : "")}semi-sync goes off, events run, and it takes writes.",
        };
        if (server.WaitingCommits > 0)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{server.WaitingCommits} commits wait in it for an acknowledgement: they commit, and nobody else has them."));
        using var endpoints = Endpoints.Open(parsed);
        var others = (await endpoints.StatusesAsync([], configuration, cancellationToken)).Where(s => s.Id != configuration.Node.Id).ToList();
        if (others.FirstOrDefault(s => s.AcceptsWrites) is { } leader)
            lines.Add($"{leader.Id} leads the cluster and takes writes as well: from then on there are TWO writable servers, which go apart. Whoever writes to this one must know that the cluster does not see it.");
        else if (configuration.Cluster.Peers is [_, ..])
            lines.Add("No other node of the cluster is seen to take writes. If one does, there are two writable servers from then on, which go apart.");
        return lines;
    }

    private static PlanRecord? Plan(StoppedNode? node, string name) =>
        node?.State.Get(Plans + name) is { } text ? JsonSerializer.Deserialize(text, DetachJson.Plans.PlanRecord) : null;
}

/// <summary><c>detach --json</c>: how the server stands afterwards.</summary>
internal sealed record DetachDocument(string Node, bool TakesWrites, bool SemiSync, bool Feed, string GtidPosition);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DetachDocument))]
[JsonSerializable(typeof(PlanRecord))]
internal sealed partial class DetachJson : JsonSerializerContext
{
    /// <summary>As the node writes them, with the names as they are.</summary>
    public static DetachJson Plans { get; } = new(new JsonSerializerOptions());
}
