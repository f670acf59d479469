using System.Diagnostics;
using System.Text.Json;
using WolfScale.Cluster.State;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Migration;
using WolfScale.MariaDb.Plans;

namespace WolfScale.Ctl.Commands;

/// <summary>The node whose server's files are replaced.</summary>
internal abstract class FilesNode : IFilesNode, IAsyncDisposable
{
    /// <summary>One that does not run, and does not start while this object lives.</summary>
    /// <exception cref="Cluster.ClusterStartException">It runs.</exception>
    /// <exception cref="RefusedException">There is none.</exception>
    public static async Task<FilesNode> OpenStoppedAsync(NodeConfiguration configuration)
    {
        // The node's own user must be able to open whatever is written here by root.
        var give = () => GiveBack(configuration.DataDirectory);
        return await StoppedNode.OpenAsync(configuration.DataDirectory, configuration.Node.Id, TimeProvider.System) is { } node
            ? new StoppedFilesNode(node, give)
            : throw new RefusedException($"There is no node in {configuration.DataDirectory} yet: start it once, so that it is a member of its cluster.");
    }

    /// <summary>The cluster that it belongs to.</summary>
    public abstract string? ClusterId { get; }

    public abstract Task BeginAsync(string ticket, string from, CancellationToken cancellationToken);

    public abstract Task PlacedAsync(string ticket, string position, long lsn, CancellationToken cancellationToken);

    public abstract Task AbandonAsync(string ticket, CancellationToken cancellationToken);

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void GiveBack(string dataDirectory)
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var chown = Process.Start("chown", ["-R", $"--reference={dataDirectory}", dataDirectory]);
        chown.WaitForExit();
    }

    private sealed class StoppedFilesNode(StoppedNode node, Action give) : FilesNode
    {
        private readonly StoppedPlans _plans = new(node.State);

        public override string? ClusterId => node.State.Get("cluster.id");

        public override Task BeginAsync(string ticket, string from, CancellationToken cancellationToken) => FilesPlan.BeginAsync(_plans, ticket, from, cancellationToken);

        public override Task PlacedAsync(string ticket, string position, long lsn, CancellationToken cancellationToken) => FilesPlan.PlacedAsync(_plans, ticket, position, lsn, cancellationToken);

        public override Task AbandonAsync(string ticket, CancellationToken cancellationToken) => FilesPlan.AbandonAsync(_plans, ticket, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await node.DisposeAsync();
            give();
        }
    }

    /// <summary>A stopped node's plans, as it writes them itself.</summary>
    private sealed class StoppedPlans(IStateStore state) : IPlanStore
    {
        public ValueTask<PlanRecord?> LoadAsync(string name, CancellationToken cancellationToken) =>
            ValueTask.FromResult(state.Get(DetachCommand.Plans + name) is { } text ? JsonSerializer.Deserialize(text, DetachJson.Plans.PlanRecord) : null);

        public ValueTask SaveAsync(PlanRecord plan, CancellationToken cancellationToken)
        {
            state.Put(DetachCommand.Plans + plan.Name, JsonSerializer.Serialize(plan, DetachJson.Plans.PlanRecord));
            return ValueTask.CompletedTask;
        }

        public ValueTask ClearAsync(string name, CancellationToken cancellationToken)
        {
            state.Put(DetachCommand.Plans + name, null);
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>One that runs, asked over its HTTP API.</summary>
internal sealed class RunningNode(NodeClient node, NodeReport report, bool replaceData) : FilesNode
{
    public override string? ClusterId => report.ClusterId;

    public override Task BeginAsync(string ticket, string from, CancellationToken cancellationToken) =>
        AskAsync(new MigrateFilesRequest(ticket, "begin", from, replaceData, null, 0), cancellationToken);

    public override Task PlacedAsync(string ticket, string position, long lsn, CancellationToken cancellationToken) =>
        AskAsync(new MigrateFilesRequest(ticket, "placed", null, false, position, lsn), cancellationToken);

    public override Task AbandonAsync(string ticket, CancellationToken cancellationToken) =>
        AskAsync(new MigrateFilesRequest(ticket, "abandon", null, false, null, 0), cancellationToken);

    private async Task AskAsync(MigrateFilesRequest request, CancellationToken cancellationToken) =>
        _ = await node.PostAsync("/admin/migrate/files", request, ApiJson.Default.MigrateFilesRequest, cancellationToken);
}
