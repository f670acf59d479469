using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Positions;

namespace WolfScale.MariaDb.Migration;

/// <summary>
/// When the server's data are replaced: because an operator asked, because the node may do it by itself (<c>cluster.auto_migrate</c>) and nothing else helps, or because
/// it was begun and not finished. Attempts are bounded, with pauses that grow; then an operator is wanted.
/// </summary>
internal sealed partial class Migrations(ServerContext context, MigrationOrders orders)
{
    /// <summary>Failed attempts in a row after which the node stops trying by itself.</summary>
    private const int MostAttempts = 8;

    private static readonly TimeSpan NowAndThen = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>A copy that has held for so long counts as a success: what comes after it is another story.</summary>
    private static readonly TimeSpan Holds = TimeSpan.FromMinutes(10);

    private string _refusal = "";

    /// <summary>Goes on with a migration that was begun, or begins the one that was ordered.</summary>
    /// <returns>How long to wait before the next look; null when there is none.</returns>
    public async Task<TimeSpan?> RunDueAsync()
    {
        var open = await MigrationPlan.LoadAsync(context.Store, context.Stopping);
        if (orders.Take() is { } order)
        {
            orders.Attempts = 0;
            return await AttemptAsync(new MigrationJournal(order.From, 0) { MaxAllowedPacket = open?.Journal.MaxAllowedPacket ?? "" }, null);
        }

        if (open is not { } resumed)
            return null;
        var (journal, step) = resumed;
        if (step == FilesPlan.Step)
        {
            ShowBroken(journal, "If wolfctl migrate --physical does not run any more, run it again: it goes on where it was.");
            return NowAndThen;
        }

        if (!MigrationPlan.NeedsSource(step))
            return await AttemptAsync(journal, step);
        orders.Attempts = Math.Max(orders.Attempts, journal.Attempts);
        if (orders.Attempts >= MostAttempts)
        {
            ShowBroken(journal, $"It was tried {journal.Attempts} times; ask for it again, with wolfctl migrate, when the cause is gone.");
            return NowAndThen;
        }

        if (Rest() is { } rest)
        {
            ShowBroken(journal, "It is tried again.");
            return rest;
        }

        return await AttemptAsync(journal, null);
    }

    /// <summary>
    /// The node was given the lead before it came to an order: its server holds what the others copy, and the order is void. When the node follows again, perhaps weeks later, nobody expects it any more.
    /// </summary>
    public void DropOrder()
    {
        if (orders.Take() is not { } order)
            return;
        var journal = new MigrationJournal(order.From, 1);
        const string Why = "the node was given the lead before the copy was begun; ask for it again when it follows";
        LogFailed(context.Logger, 0, Why);
        context.Board.Update(s => s with { Migration = Failed(s with { Migration = null }, journal, Why) });
    }

    /// <summary>The server wants a copy: takes one, where the node may do that by itself.</summary>
    /// <returns>How long to wait before the next look; null when an operator must say so.</returns>
    public async Task<TimeSpan?> RunByItselfAsync()
    {
        if (!context.Options.AutoMigrate || context.Options.MigrationSources is null || await MigrationPlan.LoadAsync(context.Store, context.Stopping) is not null)
            return null;

        // What was never this cluster's is not the node's to destroy: a server that somebody connected by mistake keeps its data. Looked at anew: the server may have
        // become ours on this very connection.
        if (await PositionReader.HasUserDataAsync(context.Server) && !(await ServerFacts.ReadAsync(context.Server)).WasOurs)
        {
            Refuse("It holds data that were never this cluster's, so auto_migrate leaves it alone: wolfctl migrate --replace-data replaces them.");
            return null;
        }

        if (orders.SucceededAt != 0 && context.Time.GetElapsedTime(orders.SucceededAt) > Holds)
            orders.Attempts = 0;
        if (orders.Attempts >= MostAttempts)
        {
            Refuse($"A copy was taken {orders.Attempts} times and did not help: find out why, then ask for it with wolfctl migrate.");
            return null;
        }

        return Rest() ?? await AttemptAsync(new MigrationJournal("", orders.Attempts), null);
    }

    /// <summary>How long the next attempt is still held back, at most until the next look; null: not at all.</summary>
    private TimeSpan? Rest()
    {
        if (orders.FailedAt == 0)
            return null;
        var rest = Pause(orders.Attempts) - context.Time.GetElapsedTime(orders.FailedAt);
        return rest <= TimeSpan.Zero ? null : rest < NowAndThen ? rest : NowAndThen;
    }

    private async Task<TimeSpan> AttemptAsync(MigrationJournal journal, string? step)
    {
        if (step is null)
            journal = journal with { Attempts = journal.Attempts + 1, Position = "", Lsn = 0 };
        orders.Attempts = journal.Attempts;
        try
        {
            var source = step is null ? Source(journal) : new NoSource(journal.From);
            await new MigrationPlan(context, source).RunAsync(journal, step, context.Stopping);
        }
        catch (Exception e) when (e is DumpException || (e is MySqlException && context.Server.IsOpen))
        {
            await FailAsync(journal, e.Message);
            return Rest() ?? NowAndThen;
        }

        // Nothing learned about the server before holds any more.
        orders.FailedAt = 0;
        orders.SucceededAt = context.Time.GetTimestamp();
        throw new PreflightOutdatedException();
    }

    private IMigrationSource Source(MigrationJournal journal)
    {
        var sources = context.Options.MigrationSources ?? throw new DumpException("This node does not know how to reach others.");
        return journal.From.Length > 0
            ? sources.Named(journal.From)
            : sources.Choose(journal.Attempts) ?? throw new DumpException("no other node is ACTIVE, so there is none to copy from");
    }

    /// <summary>
    /// Before the first statement that destroys anything no journal is open, and none is opened by a failure: then the server is what it was. What was asked for by
    /// hand is answered with its failure; the node itself comes back to it because the server still wants a copy.
    /// </summary>
    private async Task FailAsync(MigrationJournal journal, string error)
    {
        orders.FailedAt = context.Time.GetTimestamp();
        LogFailed(context.Logger, journal.Attempts, error);
        if (await MigrationPlan.LoadAsync(context.Store, context.Stopping) is { } began)
        {
            // The step stays: what is whole stays whole.
            journal = began.Journal with { Error = error };
            await context.Store.SaveAsync(new PlanRecord(MigrationPlan.PlanName, began.Step, journal.ToJson()), context.Stopping);
            ShowBroken(journal, "It is tried again.");
            return;
        }

        context.Board.Update(s => s with
        {
            Phase = DatabasePhase.Waiting,
            Reason = $"A copy of another node's data could not be begun: {error}",
            Migration = Failed(s, journal, error) with { StartedAt = context.Time.GetUtcNow() },
        });
    }

    private void ShowBroken(MigrationJournal journal, string more) => context.Board.Update(s => s with
    {
        Phase = DatabasePhase.NeedsMigration,
        Up = true,
        Fit = false,
        HoldsCommits = false,
        AppliedLsn = 0,
        Reason = $"The server's data are not whole: replacing them by a copy of another node's {(journal.Error.Length > 0 ? $"failed ({journal.Error})" : "was interrupted")}. {more}",
        Migration = Failed(s, journal, journal.Error),
    });

    private MigrationProgress Failed(DatabaseState state, MigrationJournal journal, string error) =>
        (state.Migration ?? new MigrationProgress(journal.From, MigrationPhase.Failed, 0, 0, 0, journal.Attempts, context.Time.GetUtcNow(), ""))
            with { Phase = MigrationPhase.Failed, Attempt = journal.Attempts, Error = error };

    private void Refuse(string why)
    {
        if (_refusal == why)
            return;
        _refusal = why;
        LogRefused(context.Logger, why);
        context.Board.Update(s => s with { Migration = Failed(s, new MigrationJournal("", orders.Attempts), why) });
    }

    private static TimeSpan Pause(int attempts)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(attempts - 1, 10));
        return pause < LongestPause ? pause : LongestPause;
    }

    /// <summary>A copy that is whole already needs none.</summary>
    private sealed class NoSource(string name) : IMigrationSource
    {
        public string Name => name.Length > 0 ? name : "another node";

        public Task CheckAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<IMigrationStream> OpenAsync(CancellationToken cancellationToken) => throw new DumpException("The copy is whole.");
    }

    [LoggerMessage(3063, LogLevel.Error, "Replacing the server's data failed (attempt {Attempt}): {Error}")]
    private static partial void LogFailed(ILogger logger, int attempt, string error);

    [LoggerMessage(3064, LogLevel.Error, "The server is not rebuilt by itself: {Why}")]
    private static partial void LogRefused(ILogger logger, string why);
}
