using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Cluster;
using WolfScale.Cluster.Recovery;
using WolfScale.Consensus;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl recover --force</c>, on a survivor that is stopped: see <see cref="ClusterRecovery"/> for why it is safe, and against what.</summary>
internal static class RecoverCommand
{
    public static Command Create()
    {
        var force = new Option<bool>("--force") { Description = "Yes, the majority is gone for good", Required = true };
        var confirm = new Option<string?>("--confirm") { Description = "The cluster's name, to show that it is the right one", HelpName = "CLUSTER_NAME" };
        var dryRun = CtlOptions.DryRun();
        var command = new Command("recover", "UNSAFE. Where a majority is gone for good: makes this node, which must be stopped, the only voter; the others may come back as learners") { force, confirm, dryRun };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(confirm), parsed.GetValue(dryRun), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string? confirm, bool dryRun, CancellationToken cancellationToken)
    {
        var configuration = GlobalOptions.Load(parsed).Configuration;
        StoppedFiles.RefuseForeignRoot(configuration.DataDirectory, "recover");
        var options = new ClusterOptions
        {
            NodeId = configuration.Node.Id,
            DataDirectory = configuration.DataDirectory,
            BindAddress = configuration.Node.BindAddress,
            AdvertiseAddress = configuration.AdvertiseAddress,
            NeverLeader = configuration.Cluster.NeverLeader,
            Witness = !configuration.Database.Enabled,
            SegmentBytes = (long)configuration.Wal.SegmentSizeMb << 20,
        };
        try
        {
            var plan = await ClusterRecovery.ExamineAsync(options);
            using var endpoints = Endpoints.Open(parsed);
            var answering = (await endpoints.StatusesAsync(plan.Members.Select(m => m.Address), configuration, cancellationToken))
                .Where(s => s.ClusterId == plan.ClusterId.ToString() && s.Id != plan.NodeId).DistinctBy(s => s.Id).ToList();
            RecoveryRules.Check(plan, answering);
            var name = plan.ClusterName.Length > 0 ? plan.ClusterName : plan.ClusterId.ToString();
            var json = parsed.GetValue(CtlOptions.Json);
            foreach (var line in Describe(plan, answering, name))
                (json ? Console.Error : Console.Out).WriteLine(line);
            if (!dryRun)
            {
                Consent.Named(confirm, name);
                plan = await ClusterRecovery.RecoverAsync(options, TimeProvider.System, NullLogger.Instance);
            }

            if (json)
            {
                Terminal.Line(JsonSerializer.Serialize(
                    new RecoveryDocument(!dryRun, plan.NodeId, name, plan.LastLsn, plan.LastTerm, [.. Expelled(plan).Select(m => m.Key.Id)], [.. answering.Select(a => a.Id)]), RecoveryJson.Default.RecoveryDocument));
            }
            else
            {
                Terminal.Line(dryRun ? "Nothing was done (--dry-run)." : $"Done. Start {plan.NodeId} now: it leads {name} alone. Then start fresh nodes, or the lost ones; they join as learners.");
            }

            return ExitCode.Done;
        }
        catch (ClusterStartException e)
        {
            throw new RefusedException($"Nothing was recovered: {e.Message}.");
        }
    }

    private static IEnumerable<string> Describe(RecoveryPlan plan, List<NodeReport> answering, string name)
    {
        yield return $"{plan.NodeId} becomes the only voter of cluster {name}.";
        yield return string.Create(CultureInfo.InvariantCulture, $"Kept: all of its log, to LSN {plan.LastLsn} of term {plan.LastTerm}; also its end, of which nobody can say whether it was acknowledged.");
        yield return "Lost: every acknowledged write that is not in this log. Of a node that follows in step that is what happened in its last moments; of one that lagged, all since.";
        if (plan.WasLeaving)
            yield return $"{plan.NodeId} was leaving when it ended. If the others had let it go already, they went on without it, and what they acknowledged since is lost too.";
        yield return $"Expelled: {string.Join(", ", Expelled(plan).Select(m => $"{m.Key.Id} at {m.Address}"))}. One that comes back gives up its vote, is rewound to this log, its own writes saved in files, and joins as a learner.";
        yield return answering.Count == 0
            ? "No other node answers. If another survivor is stopped, compare first: `wolfctl wal verify` there; the log with the later term, then the later LSN, is the one to recover."
            : string.Create(CultureInfo.InvariantCulture, $"Answering, with no longer log: {string.Join(", ", answering.Select(a => $"{a.Id} (LSN {a.LastLsn} of term {a.LastTerm})"))}.");
        yield return "Be sure that the lost nodes do not run somewhere out of reach: a majority of them would go on by itself, and what it acknowledges is rewound when it is found.";
    }

    private static IEnumerable<Member> Expelled(RecoveryPlan plan) => plan.Members.Where(m => m.Key.Id != plan.NodeId);
}

/// <summary>When a recovery would be wrong, as far as can be known.</summary>
internal static class RecoveryRules
{
    /// <param name="plan">What the survivor's files say.</param>
    /// <param name="answering">The other nodes of the cluster that answer.</param>
    /// <exception cref="RefusedException">It would be wrong.</exception>
    public static void Check(RecoveryPlan plan, IReadOnlyCollection<NodeReport> answering)
    {
        if (answering.FirstOrDefault(s => s.Leader is not null) is { } led)
            throw new RefusedException($"Nothing was recovered: {led.Id} answers and says that {led.Leader} leads. The cluster has a majority; start {plan.NodeId}, and it follows.");
        var voters = plan.Members.Where(m => m.IsVoter).Select(m => m.Key.Id).ToHashSet(StringComparer.Ordinal);
        var living = answering.Count(s => s.Failure is null && voters.Contains(s.Id)) + (voters.Contains(plan.NodeId) ? 1 : 0);
        if (living > voters.Count / 2)
            throw new RefusedException($"Nothing was recovered: with {plan.NodeId}, {living} of {voters.Count} voters live, which is a majority. Start {plan.NodeId}: a leader is elected, and nothing is lost.");
        if (answering.MaxBy(s => (s.LastTerm, s.LastLsn)) is { } longest && (longest.LastTerm, longest.LastLsn).CompareTo((plan.LastTerm, plan.LastLsn)) > 0)
        {
            throw new RefusedException(string.Create(
                CultureInfo.InvariantCulture,
                $"Nothing was recovered: {longest.Id} holds more (LSN {longest.LastLsn} of term {longest.LastTerm}) than {plan.NodeId} (LSN {plan.LastLsn} of term {plan.LastTerm}), and that would be lost. Stop {longest.Id} and recover there."));
        }
    }
}

/// <summary><c>recover --json</c>.</summary>
internal sealed record RecoveryDocument(bool Done, string Node, string Cluster, long LastLsn, long LastTerm, ImmutableArray<string> Expelled, ImmutableArray<string> Answering);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RecoveryDocument))]
internal sealed partial class RecoveryJson : JsonSerializerContext;
