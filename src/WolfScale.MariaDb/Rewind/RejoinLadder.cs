using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// What to do with a server that holds groups the cluster does not have (design: Rejoin ladder): save them, undo them where that is exact, else ask
/// for a copy of a member's data.
/// </summary>
internal sealed partial class RejoinLadder(ServerContext context)
{
    private static readonly TimeSpan NowAndThen = TimeSpan.FromSeconds(2);

    /// <summary>The position that was last found hopeless, and why: the same tail is not saved and judged again and again.</summary>
    private (string Position, string Reason)? _hopeless;

    /// <summary>Goes on with a rewind that was interrupted.</summary>
    /// <returns>How long to wait before the next look, zero for at once; null when no rewind is under way.</returns>
    public async Task<TimeSpan?> ResumeAsync(CancellationToken cancellationToken)
    {
        if (await RewindPlan.LoadAsync(context.Store, cancellationToken) is not { } open)
            return null;
        await context.Feed.StopAsync();
        return await RewindAsync(open.Journal, open.Step);
    }

    /// <summary>Brings a server back whose groups the cluster does not have.</summary>
    /// <returns>How long to wait before the next look; zero for at once.</returns>
    public async Task<TimeSpan> RunAsync(StandingReport report, CancellationToken cancellationToken)
    {
        var end = report.Position.Binlog.ToString();
        if (_hopeless is { } known && known.Position == end)
            return NeedsMigration(end, known.Reason);

        var (ancestor, tail) = report.Standing switch
        {
            Standing.AheadOfLog ahead => (ahead.Ancestor, ahead.Groups),
            Standing.Diverged diverged => (diverged.Ancestor, diverged.Tail),
            _ => throw new InvalidOperationException($"Nothing is to be undone in {report.Standing}."),
        };
        context.Board.Enter(DatabasePhase.Rewinding, $"{tail.Length} transactions that the cluster does not have are being undone.");
        await context.Feed.StopAsync();
        var file = Path.Combine(context.Options.DataDirectory, FileName(tail));
        if (await SaveAsync(report.History!.FirstFile, tail, file, cancellationToken) is { } obstacle)
        {
            context.Board.Enter(DatabasePhase.Waiting, obstacle);
            return NowAndThen;
        }
        file = SavedTails.Settle(file, NameEnd(tail));

        LogSaved(tail.Length, tail[0], tail[^1], file);
        context.Options.History?.Diverged(new RewoundTail(file, tail.Length, ancestor.ToString(), end));

        var problems = await JudgeAsync(file);
        if (problems.Count > 0)
        {
            return NeedsMigration(end,
                $"{tail.Length} transactions ({tail[0]} to {tail[^1]}) that the cluster does not have cannot be undone exactly: {string.Join("; ", problems)}. "
                + $"They are saved in {file}. Copy a member's data to this server.");
        }

        var journal = new RewindJournal(
            Guid.NewGuid().ToString("N"), ancestor.ToString(), StateAt(report.History!, ancestor), end, file, tail.Length);
        return await RewindAsync(journal, null);
    }

    /// <returns>Why it could not be done yet; null when the tail is saved, durably.</returns>
    private async Task<string?> SaveAsync(string firstFile, ImmutableArray<Gtid> tail, string file, CancellationToken cancellationToken)
    {
        SavedTails.RemoveUnfinished(context.Options.DataDirectory);
        var binlog = await ServerBinlog.OpenAsync(context.Server, context.Options);
        try
        {
            await Task.Factory.StartNew(
                () => TailSaver.Save(binlog, firstFile, tail, file, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return null;
        }
        catch (DatabaseException e)
        {
            return e.Message;
        }
        catch (Exception e) when (e is PosixException or UnauthorizedAccessException or IOException { InnerException: not System.Net.Sockets.SocketException })
        {
            // Nothing is undone before it is saved.
            return $"{tail.Length} transactions that the cluster does not have cannot be saved in {file}, so they are not undone: {e.Message} Make room, or mend the folder.";
        }
    }

    /// <summary>Runs the rewind of a journal, from a step or from the first one, whatever becomes of the role meanwhile.</summary>
    private async Task<TimeSpan> RewindAsync(RewindJournal journal, string? step)
    {
        context.Board.Enter(DatabasePhase.Rewinding, $"{journal.Groups} transactions that the cluster does not have are being undone.");
        var plan = new RewindPlan(context.Connector, context.Server, context.Plans, context.Store, context.Logger);
        if (await plan.RunAsync(journal, step, context.Stopping) is { } reason)
        {
            return NeedsMigration(
                journal.End,
                $"{journal.Groups} transactions that the cluster does not have, saved in {journal.File}, could not be undone: {reason}. Copy a member's data to this server.");
        }

        context.Options.History?.Rewound(new RewoundTail(journal.File, journal.Groups, journal.Ancestor, journal.End));
        return TimeSpan.Zero;
    }

    /// <summary>Everything that speaks against an exact undo.</summary>
    private async Task<IReadOnlyList<string>> JudgeAsync(string file)
    {
        if (new FileInfo(file).Length > context.Options.MaxRewindBytes)
            return [$"they are {new FileInfo(file).Length >> 20} MiB long, more than is undone in place"];
        var packet = long.Parse(await context.Server.ScalarAsync("SELECT @@max_allowed_packet") ?? "0", CultureInfo.InvariantCulture);
        using var reader = new TailReader(file);
        var scan = reader.Scan(Undo.MaxEventBytes(packet));
        return [.. scan.Problems, .. await TableRules.CheckAsync(context.Server, scan.Tables)];
    }

    /// <summary><c>gtid_binlog_state</c> at the ancestor: the state at the file's start, and the groups up to there.</summary>
    private static string StateAt(FoundHistory history, GtidPosition ancestor)
    {
        var state = history.StartState.ToList();
        foreach (var group in history.History.Groups)
        {
            if (ancestor.Find(group.Domain) is not { } last || group.Sequence > last.Sequence)
                continue;
            _ = state.RemoveAll(g => g.Domain == group.Domain && g.ServerId == group.ServerId);
            state.Add(group);
        }

        // A seeded server's ancestor stands in no binlog of its own.
        foreach (var gtid in ancestor.Gtids.Where(g => !state.Contains(g)))
        {
            _ = state.RemoveAll(g => g.Domain == gtid.Domain && g.ServerId == gtid.ServerId);
            state.Add(gtid);
        }

        return string.Join(',', state);
    }

    private TimeSpan NeedsMigration(string position, string reason)
    {
        if (_hopeless?.Reason != reason)
            LogNeedsMigration(reason);
        _hopeless = (position, reason);
        context.Board.Enter(DatabasePhase.NeedsMigration, reason);
        return NowAndThen;
    }

    // The time is in the name, because the same GTIDs may be discarded again in a later term, with another content.
    private string FileName(ImmutableArray<Gtid> tail) => string.Create(
        CultureInfo.InvariantCulture,
        $"discarded-{context.Time.GetUtcNow():yyyyMMdd-HHmmss-fff}{NameEnd(tail)}");

    private static string NameEnd(ImmutableArray<Gtid> tail) => $"-{tail[0]}-to-{tail[^1]}.binlog";

    private void LogSaved(int groups, Gtid first, Gtid last, string file) => LogSaved(context.Logger, groups, first, last, file);

    private void LogNeedsMigration(string reason) => LogNeedsMigration(context.Logger, reason);

    [LoggerMessage(3033, LogLevel.Warning, "{Groups} transactions ({First} to {Last}) that the cluster does not have are saved in {File}.")]
    private static partial void LogSaved(ILogger logger, int groups, Gtid first, Gtid last, string file);

    [LoggerMessage(3034, LogLevel.Error, "The server cannot rejoin in place (NEEDS_MIGRATION): {Reason}")]
    private static partial void LogNeedsMigration(ILogger logger, string reason);
}
