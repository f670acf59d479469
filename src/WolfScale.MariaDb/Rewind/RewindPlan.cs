using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Plans;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// Takes a server back to the ancestor (design: Rejoin ladder, first rung). Each step may be done again after a crash at any point:
/// <code>
///   (saved)     the tail is in a file; the journal is open, from here on it decides
///   1 open      marker row 'open'                                    sql_log_bin=0
///   2 undo      all row events reversed + marker row 'undone', ONE transaction: happens once or not at all
///   3 reset     nothing but the tail was written meanwhile? then RESET MASTER
///   4 state     gtid_binlog_state = the ancestor's                   refused before 3 (measured)
///   5 position  gtid_slave_pos = the ancestor                        refused before 3 (error 1947, measured)
///   (closed)    the journal is closed; the marker means nothing any more
/// </code>
/// </summary>
internal sealed partial class RewindPlan(ServerConnector connector, AdminConnection server, PlanRunner plans, IPlanStore store, ILogger logger)
{
    public const string PlanName = "rewind";

    /// <summary>
    /// Step of a journal that cannot be closed: the tail is undone, and yet the server has more. Its GTIDs no longer say what it holds, so nothing may be
    /// concluded from them, least of all a second undo, until its data are replaced.
    /// </summary>
    private const string FailedStep = "failed";

    /// <summary>The open journal, or null.</summary>
    public static async Task<(RewindJournal Journal, string Step)?> LoadAsync(IPlanStore store, CancellationToken cancellationToken) =>
        await store.LoadAsync(PlanName, cancellationToken) is { } plan ? (RewindJournal.FromJson(plan.Data), plan.Step) : null;

    /// <summary>Runs a rewind to its end, from the first step or from the one a crash interrupted.</summary>
    /// <returns>Null when the server stands at the ancestor; else why it cannot get there in place.</returns>
    /// <exception cref="MySqlException">The server went away, or was busy: the journal is still open, run it again.</exception>
    public async Task<string?> RunAsync(RewindJournal journal, string? from, CancellationToken cancellationToken)
    {
        if (from == FailedStep && await Undo.ReadMarkerAsync(server, journal.Id) is not null)
            return journal.Failure;
        try
        {
            if (from == FailedStep)
                throw new RewindImpossibleException(Replaced);
            if (from is null)
                LogBegin(journal.Groups, journal.Ancestor, journal.File);
            else
                LogResume(journal.Ancestor, from);
            await plans.RunAsync(
                PlanName,
                journal.ToJson(),
                [
                    new("open", token => OpenAsync(journal, token)),
                    new("undo", token => UndoAsync(journal, token)),
                    new("reset", token => ResetAsync(journal, token)),
                    new("state", _ => StateAsync(journal)),
                    new("position", _ => PositionAsync(journal)),
                ],
                from,
                cancellationToken);
            LogEnd(journal.Ancestor, journal.Groups, journal.File);
            return null;
        }
        catch (RewindImpossibleException e) when (!e.IsUndone)
        {
            await store.ClearAsync(PlanName, cancellationToken);
            return e.Message;
        }
        catch (RewindImpossibleException e)
        {
            await store.SaveAsync(new PlanRecord(PlanName, FailedStep, (journal with { Failure = e.Message }).ToJson()), cancellationToken);
            return e.Message;
        }
    }

    private const string Replaced = "the server's data were replaced while a rewind was under way; its position is compared anew";

    private async Task OpenAsync(RewindJournal journal, CancellationToken cancellationToken)
    {
        await RequireQuietAsync(journal, isUndone: false, cancellationToken);
        await Undo.OpenMarkerAsync(server, journal.Id);
    }

    private async Task UndoAsync(RewindJournal journal, CancellationToken cancellationToken)
    {
        switch (await Undo.ReadMarkerAsync(server, journal.Id))
        {
            case "undone":
                return;
            case null:
                // The step before has written it, durably: this is another data directory. The journal says nothing about it.
                throw new RewindImpossibleException(Replaced);
        }

        await RequireQuietAsync(journal, isUndone: false, cancellationToken);
        using var file = new TailReader(journal.File);
        var scan = file.Scan(Undo.MaxEventBytes(long.Parse(await server.ScalarAsync("SELECT @@max_allowed_packet") ?? "0", System.Globalization.CultureInfo.InvariantCulture)));
        try
        {
            await Undo.RunAsync(server, journal.Id, file, scan, cancellationToken);
        }
        catch (MySqlException e) when (server.IsOpen && !ServerErrors.IsOfTheMoment(e.Number))
        {
            // The COMMIT may have been done although its answer is an error: the marker, which is part of it, knows. Undone twice would be silently wrong.
            if (await Undo.ReadMarkerAsync(server, journal.Id) == "undone")
                return;
            throw new RewindImpossibleException($"undoing them failed and changed nothing: {e.Message}", e);
        }
    }

    private async Task ResetAsync(RewindJournal journal, CancellationToken cancellationToken)
    {
        // A group that was written after the tail was listed is in no file and has not been undone: RESET MASTER would hide it.
        var position = await BinlogPositionAsync();
        if (position.Equals(GtidPosition.Parse(journal.Ancestor)) || position.IsEmpty)
            return; // Done before the crash. Between RESET MASTER and the next step the position is empty.
        await RequireQuietAsync(journal, isUndone: true, cancellationToken);
        foreach (var dump in (await ClientSessions.ListAsync(server)).Where(s => s.IsDump))
            await ClientSessions.KillAsync(server, dump.Id);
        await server.ExecuteAsync("RESET MASTER");
    }

    private async Task StateAsync(RewindJournal journal)
    {
        var position = await BinlogPositionAsync();
        if (!position.IsEmpty && !position.Equals(GtidPosition.Parse(journal.Ancestor)))
            throw WrittenTo(position, journal, isUndone: true);
        if (position.IsEmpty && journal.AncestorState.Length > 0)
            await server.ExecuteAsync($"SET GLOBAL gtid_binlog_state = {Sql.Text(journal.AncestorState)}");
    }

    private async Task PositionAsync(RewindJournal journal)
    {
        await server.ExecuteAsync($"SET GLOBAL gtid_slave_pos = {Sql.Text(journal.Ancestor)}");
        if (await BinlogPositionAsync() is var position && !position.Equals(GtidPosition.Parse(journal.Ancestor)))
            throw WrittenTo(position, journal, isUndone: true);
    }

    /// <summary>The server is as it was when the journal was written: closed, not fed, and its last group is the tail's.</summary>
    private async Task RequireQuietAsync(RewindJournal journal, bool isUndone, CancellationToken cancellationToken)
    {
        _ = await ClientSessions.KillClientsAsync(connector, server, committingToo: true);
        cancellationToken.ThrowIfCancellationRequested();
        var position = await BinlogPositionAsync();
        if (!position.Equals(GtidPosition.Parse(journal.End)))
            throw WrittenTo(position, journal, isUndone);
    }

    private static RewindImpossibleException WrittenTo(GtidPosition position, RewindJournal journal, bool isUndone) => new(
        $"the server went on to '{position}' while a rewind from '{journal.End}' was under way: somebody with the right to pass read_only writes to it")
    {
        IsUndone = isUndone,
    };

    private async Task<GtidPosition> BinlogPositionAsync() => GtidPosition.Parse(await server.ScalarAsync("SELECT @@gtid_binlog_pos") ?? "");

    [LoggerMessage(3030, LogLevel.Warning, "Undoing {Groups} transactions that the cluster does not have, back to '{Ancestor}'. They are saved in {File}.")]
    private partial void LogBegin(int groups, string ancestor, string file);

    [LoggerMessage(3031, LogLevel.Warning, "Going on with an interrupted rewind to '{Ancestor}' at its step '{Step}'.")]
    private partial void LogResume(string ancestor, string step);

    [LoggerMessage(3032, LogLevel.Warning, "The server stands at '{Ancestor}' again; {Groups} transactions were undone and are saved in {File}: read them with mariadb-binlog.")]
    private partial void LogEnd(string ancestor, int groups, string file);
}

/// <summary>The rewind cannot be finished in place; the message completes "… because".</summary>
internal sealed class RewindImpossibleException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Whether the tail has been undone already, so that the server's GTIDs no longer say what it holds.</summary>
    public bool IsUndone { get; init; }
}
