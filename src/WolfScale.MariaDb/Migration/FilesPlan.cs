using System.Text.Json;
using WolfScale.MariaDb.Plans;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Migration;

/// <summary>
/// A migration whose files somebody else replaces, as root: <c>wolfctl migrate --physical</c>. The node keeps its hands off the server from <see cref="BeginAsync"/> on and counts
/// nothing of what it holds, whatever its position says; it goes on by itself from <see cref="PlacedAsync"/>, when the server holds the copy of the same ticket. Works on the plans
/// of a node that runs, and of one that does not.
/// </summary>
public static class FilesPlan
{
    internal const string Step = "files";
    private const string Next = "position";

    /// <summary>The last copy that was put in place; no plan that is open.</summary>
    private const string PlacedName = "placed files";

    /// <summary>Before the server is stopped. Asking again with the same ticket changes nothing.</summary>
    /// <param name="store">The node's plans.</param>
    /// <param name="ticket">Of this copy; it stands in the copy as well.</param>
    /// <param name="from">The source, for messages.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task BeginAsync(IPlanStore store, string ticket, string from, CancellationToken cancellationToken)
    {
        var open = await store.LoadAsync(MigrationPlan.PlanName, cancellationToken);
        if (open is null && await WasPlacedAsync(store, ticket, cancellationToken))
            return;
        var earlier = open is null ? null : MigrationJournal.FromJson(open.Data);
        if (earlier?.Ticket == ticket)
            return;
        var before = open is null ? "" : open.Step == Step ? earlier!.Before : JsonSerializer.Serialize(open, MigrationJournalContext.Default.PlanRecord);
        var journal = new MigrationJournal(from, 1) { Ticket = ticket, Before = before };
        await store.SaveAsync(new PlanRecord(MigrationPlan.PlanName, Step, journal.ToJson()), cancellationToken);
    }

    /// <summary>The server runs with the copy.</summary>
    /// <exception cref="DumpException">Another migration was begun meanwhile.</exception>
    public static async Task PlacedAsync(IPlanStore store, string ticket, string position, long lsn, CancellationToken cancellationToken)
    {
        if (await store.LoadAsync(MigrationPlan.PlanName, cancellationToken) is null && await WasPlacedAsync(store, ticket, cancellationToken))
            return;
        var (open, journal) = await FindAsync(store, ticket, cancellationToken);
        _ = GtidPosition.Parse(position);
        if (open.Step != Step)
            return;
        await store.SaveAsync(new PlanRecord(PlacedName, "", ticket), cancellationToken);
        await store.SaveAsync(new PlanRecord(MigrationPlan.PlanName, Next, (journal with { Position = position, Lsn = lsn }).ToJson()), cancellationToken);
    }

    /// <summary>Nothing of the server was touched after all: it is what it was.</summary>
    /// <exception cref="DumpException">Another migration was begun meanwhile.</exception>
    public static async Task AbandonAsync(IPlanStore store, string ticket, CancellationToken cancellationToken)
    {
        var (open, journal) = await FindAsync(store, ticket, cancellationToken);
        if (open.Step != Step)
            throw new DumpException("The copy is in place already.");
        if (journal.Before.Length > 0 && JsonSerializer.Deserialize(journal.Before, MigrationJournalContext.Default.PlanRecord) is { } before)
            await store.SaveAsync(before, cancellationToken);
        else
            await store.ClearAsync(MigrationPlan.PlanName, cancellationToken);
    }

    /// <summary>Whoever asks was interrupted before it heard that all was done.</summary>
    private static async Task<bool> WasPlacedAsync(IPlanStore store, string ticket, CancellationToken cancellationToken) =>
        await store.LoadAsync(PlacedName, cancellationToken) is { } last && last.Data == ticket;

    private static async Task<(PlanRecord Plan, MigrationJournal Journal)> FindAsync(IPlanStore store, string ticket, CancellationToken cancellationToken)
    {
        if (await store.LoadAsync(MigrationPlan.PlanName, cancellationToken) is { } open && MigrationJournal.FromJson(open.Data) is var journal && journal.Ticket == ticket)
            return (open, journal);
        throw new DumpException("The node does not wait for this copy: another migration was begun meanwhile.");
    }
}
