using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Rewind;

namespace WolfScale.MariaDb.Roles;

/// <summary>Sees to it that a server which is not to serve is closed for writes, with nothing waiting for an ACK.</summary>
internal static class Closing
{
    /// <summary>Plan of a promotion; found open, it was interrupted, and the server may stand half open.</summary>
    public const string PromotionPlan = "promotion";

    /// <summary>Closes a server that must be closed.</summary>
    /// <returns>
    /// True when it stays open and gated, because the quorum is away, and with it everybody who could lead: a demotion would make what waits visible,
    /// un-acknowledged, before anyone knows whether the cluster has it. Nothing is lost by waiting: without an ACK no commit ends and no client is told anything.
    /// </returns>
    public static async Task<bool> HoldsAsync(ServerContext context, CancellationToken cancellationToken)
    {
        var gate = await WriteGate.StatusAsync(context.Server);
        var closing = await IsOpenAsync(context, Demotion.PlanName, cancellationToken) || await IsOpenAsync(context, RewindPlan.PlanName, cancellationToken);
        if (gate.HoldsCommits && !closing && context.MayHold())
            return true;
        if (gate.IsOpen || gate.SemiSyncEnabled || closing || await IsOpenAsync(context, PromotionPlan, cancellationToken))
            await CloseAsync(context);
        return false;
    }

    /// <summary>Whether the server is neither closed, nor open with every commit waiting for its ACK; or was being closed when that was interrupted.</summary>
    public static async Task<bool> IsHalfOpenAsync(ServerContext context, CancellationToken cancellationToken)
    {
        var gate = await WriteGate.StatusAsync(context.Server);
        return gate is { IsOpen: true, HoldsCommits: false } or { IsOpen: false, SemiSyncEnabled: true } || await IsOpenAsync(context, Demotion.PlanName, cancellationToken);
    }

    /// <summary>Closes the server, whatever becomes of the role meanwhile.</summary>
    public static async Task CloseAsync(ServerContext context)
    {
        // A restarted server is read-only already and only has semi-sync on, as its configuration says; the steps are the same.
        context.Board.Enter(DatabasePhase.Demoting, "The server is being closed for writes.");
        await new Demotion(context.Connector, context.Server, context.Plans, context.Logger).RunAsync(context.Stopping);
        await context.Store.ClearAsync(PromotionPlan, context.Stopping);
    }

    private static async Task<bool> IsOpenAsync(ServerContext context, string plan, CancellationToken cancellationToken) =>
        await context.Store.LoadAsync(plan, cancellationToken) is not null;
}
