using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Positions;
using WolfScale.MariaDb.Preflight;
using WolfScale.MariaDb.Rewind;
using WolfScale.MariaDb.Roles;

namespace WolfScale.MariaDb.Migration;

/// <summary>
/// Replaces the server's data by a copy of another node's (design: Rejoin ladder, second rung). After a crash up to the end of 2 everything is begun anew, from 3 on it is
/// gone on with:
/// <code>
///   (begun)       the journal is open: the server's data are worth nothing
///   1 clear       clients killed; prepared XA transactions rolled back; a schema that marks the server; RESET MASTER and an empty position; every user's schema dropped
///   2 load        the dump, by the mariadb client, under sql_log_bin=0; whole by its last line, or the attempt has failed
///   3 accounts    from where they were loaded into schema mysql, all but WolfScale's own
///   4 position    RESET MASTER, gtid_binlog_state, gtid_slave_pos = the dump's; the mark removed
///   5 catch up    this node's log has come to the position
///   (closed)      the comparison with the log says where the server stands (rule C2), and the feed starts there
/// </code>
/// Should the journal be lost in between (the node's data directory is emptied), the server holds a user's schema and an empty position: Unrelated, and nothing is fed to it.
/// </summary>
internal sealed partial class MigrationPlan(ServerContext context, IMigrationSource source)
{
    public const string PlanName = "migration";

    private const string LoadStep = "load";
    private const string LargestPacket = "1073741824";

    /// <summary>Steps that need no source any more: the copy is whole.</summary>
    private static readonly string[] AfterLoad = ["accounts", "position", "catch up"];

    private static readonly TimeSpan LogPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(500);

    private MigrationJournal _journal = new("", 0);
    private DateTimeOffset _startedAt;

    public static async Task<(MigrationJournal Journal, string Step)?> LoadAsync(IPlanStore store, CancellationToken cancellationToken) =>
        await store.LoadAsync(PlanName, cancellationToken) is { } plan ? (MigrationJournal.FromJson(plan.Data), plan.Step) : null;

    /// <summary>Whether the plan needs a source when it is run from this step.</summary>
    public static bool NeedsSource(string step) => !AfterLoad.Contains(step);

    /// <summary>Runs to the end. The journal is open already where <paramref name="from"/> is a step.</summary>
    /// <exception cref="DumpException">The attempt failed; the journal stays open.</exception>
    /// <exception cref="MySqlException">The server went away: the journal is still open, run it again.</exception>
    public async Task RunAsync(MigrationJournal journal, string? from, CancellationToken cancellationToken)
    {
        _journal = journal;
        _startedAt = context.Time.GetUtcNow();
        Show(MigrationPhase.Preparing);
        if (from is null || NeedsSource(from))
        {
            await CheckPrivilegesAsync();
            await source.CheckAsync(cancellationToken);
            LogBegin(context.Logger, source.Name, journal.Attempts);
            from = null;
        }
        else
        {
            LogResume(context.Logger, from, journal.Position);
        }

        await context.Plans.RunAsync(
            PlanName,
            () => _journal.ToJson(),
            [
                new("clear", ClearAsync),
                new(LoadStep, LoadAsync),
                new("accounts", _ => AccountsAsync()),
                new("position", PositionAsync),
                new("catch up", CatchUpAsync),
            ],
            from,
            cancellationToken);
        Show(MigrationPhase.Done);
        LogEnd(context.Logger, _journal.Position, _journal.Lsn);
    }

    /// <exception cref="DumpException">WolfScale's account may not write what it must; the message holds the statement that cures it.</exception>
    private async Task CheckPrivilegesAsync()
    {
        if (PrivilegeRules.MissingForMigration(context.Facts) is { } grant)
            throw new DumpException($"WolfScale's account lacks privileges that loading a copy needs. As root on this server: SET sql_log_bin=0; {grant};");
        if (await context.Server.ScalarAsync("SELECT @@global.read_only") is "0" or "OFF")
            throw new DumpException("The server is open for writes.");
    }

    private async Task ClearAsync(CancellationToken cancellationToken)
    {
        Show(MigrationPhase.Clearing);
        await context.Feed.StopAsync();
        // From here on this journal alone says what the server holds.
        await context.Store.ClearAsync(RewindPlan.PlanName, cancellationToken);
        await UnloggedWrites.ForgetAsync(context.Store, cancellationToken);
        _ = await ClientSessions.KillClientsAsync(context.Connector, context.Server, committingToo: true);
        await PreparedTransactions.RollBackAsync(context.Server);
        await context.Server.ExecuteAsync($"CREATE DATABASE IF NOT EXISTS `{DumpFormat.IncomingSchema}`");
        await ResetAsync("", "");
        await context.Server.ExecuteAsync("SET SESSION foreign_key_checks = 0");
        foreach (var schema in await DumpedTable.SchemasAsync(context.Server))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await context.Server.ExecuteAsync($"DROP DATABASE IF EXISTS {Sql.Name(schema)}", DumpFormat.Longest);
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        await using var dump = await source.OpenAsync(cancellationToken);
        if (_journal.MaxAllowedPacket.Length == 0)
        {
            _journal = _journal with { MaxAllowedPacket = await context.Server.ScalarAsync("SELECT @@global.max_allowed_packet") ?? LargestPacket };
            await context.Store.SaveAsync(new PlanRecord(PlanName, LoadStep, _journal.ToJson()), cancellationToken);
        }

        // A row that a replica applies may be longer as a statement than the server takes from clients.
        await context.Server.ExecuteAsync($"SET GLOBAL max_allowed_packet = {LargestPacket}");
        try
        {
            await CopyAsync(dump, cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new DumpException($"the copy of {source.Name} broke off: {e.Message}", e);
        }

        _journal = _journal with { Position = dump.Position, Lsn = dump.Lsn, Error = "" };
    }

    private async Task CopyAsync(IMigrationStream dump, CancellationToken cancellationToken)
    {
        using var client = ClientProgram.Start(
            "mariadb",
            context.Options,
            reads: true,
            "--batch",
            "--binary-mode",
            "--skip-reconnect",
            "--init-command=SET SESSION sql_log_bin=0, foreign_key_checks=0, unique_checks=0, innodb_strict_mode=0, wait_timeout=31536000, net_read_timeout=31536000, lock_wait_timeout=60, max_statement_time=0");
        await using var abort = cancellationToken.Register(client.Kill);
        using var incoming = new IncomingDump();
        var began = context.Time.GetTimestamp();
        var reported = began;
        Show(MigrationPhase.Loading, 0, dump.EstimatedBytes);
        try
        {
            await incoming.CopyAsync(dump.Content, client.Input, Report, cancellationToken);
        }
        catch (IOException)
        {
            // The stream broke, or the client ended before it did, and says why.
            if (await client.EndsAsync(ClientPatience, cancellationToken))
                await client.EndAsync(cancellationToken);
            throw;
        }

        client.Input.Close();
        await client.EndAsync(cancellationToken);

        void Report(long bytes)
        {
            if (context.Time.GetElapsedTime(reported) < ReportEvery)
                return;
            reported = context.Time.GetTimestamp();
            Show(MigrationPhase.Loading, bytes, dump.EstimatedBytes, (long)(bytes / context.Time.GetElapsedTime(began).TotalSeconds));
        }
    }

    private async Task AccountsAsync()
    {
        Show(MigrationPhase.Finishing);
        await CopiedAccounts.ApplyAsync(context.Server, context.Options.User);
        await context.Server.ExecuteAsync("FLUSH TABLES", DumpFormat.Longest); // tables without transactions are on the disk before the position says so
        if (_journal.MaxAllowedPacket.Length > 0)
            await context.Server.ExecuteAsync($"SET GLOBAL max_allowed_packet = {_journal.MaxAllowedPacket}");
    }

    private async Task PositionAsync(CancellationToken cancellationToken)
    {
        if (_journal.Ticket.Length > 0)
        {
            await CheckFilesAsync();
            // Whatever was to be undone was in the files that are gone.
            await context.Store.ClearAsync(RewindPlan.PlanName, cancellationToken);
            await UnloggedWrites.ForgetAsync(context.Store, cancellationToken);
        }

        await ResetAsync(_journal.Position, _journal.Position);
        await context.Server.ExecuteAsync($"DROP DATABASE IF EXISTS `{DumpFormat.IncomingSchema}`");
        var position = await PositionReader.ReadAsync(context.Server);
        if (position.Current.ToString() != _journal.Position)
            throw new DumpException($"the server stands at '{position.Current}' and not at '{_journal.Position}' after its position was set: somebody with the right to pass read_only writes to it");
    }

    /// <summary>A fresh log may lack the entries up to the copy's position for a moment: without them the server would be taken for one that has strayed.</summary>
    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(LogPatience);
        try
        {
            await context.Log.WaitForCommitAsync(_journal.Lsn, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The comparison says what is the matter.
        }
    }

    /// <summary>
    /// Files that somebody else was to put in place: the server holds the copy, by its ticket, or had its position set from it before a crash. Its position alone says
    /// nothing: that of the files before may be the same.
    /// </summary>
    /// <exception cref="DumpException">It holds something else.</exception>
    private async Task CheckFilesAsync()
    {
        var found = await context.Server.ScalarAsync($"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{DumpFormat.IncomingSchema}' AND TABLE_NAME = '{DumpFormat.TicketTable}'") is null
            ? "none"
            : await context.Server.ScalarAsync($"SELECT ticket FROM `{DumpFormat.IncomingSchema}`.`{DumpFormat.TicketTable}`");
        if (found == _journal.Ticket || (found == "none" && (await PositionReader.ReadAsync(context.Server)).Current.ToString() == _journal.Position))
            return;
        throw new DumpException($"The server does not hold the copy that its files were to be replaced by (it holds {found}, and not {_journal.Ticket}): run wolfctl migrate again.");
    }

    /// <summary>In this order: gtid_binlog_state and gtid_slave_pos are refused before RESET MASTER (measured).</summary>
    private async Task ResetAsync(string state, string position)
    {
        foreach (var dump in (await ClientSessions.ListAsync(context.Server)).Where(s => s.IsDump))
            await ClientSessions.KillAsync(context.Server, dump.Id);
        await context.Server.ExecuteAsync("RESET MASTER", DumpFormat.Longest);
        if (state.Length > 0)
            await context.Server.ExecuteAsync($"SET GLOBAL gtid_binlog_state = {Sql.Text(state)}");
        await context.Server.ExecuteAsync($"SET GLOBAL gtid_slave_pos = {Sql.Text(position)}");
    }

    private void Show(MigrationPhase phase, long bytes = -1, long estimated = -1, long rate = -1) => context.Board.Update(s =>
    {
        var before = s.Migration ?? new MigrationProgress(source.Name, phase, 0, 0, 0, _journal.Attempts, _startedAt, _journal.Error);
        return s with
        {
            Phase = phase == MigrationPhase.Done ? s.Phase : DatabasePhase.Migrating,
            Up = true,
            Fit = false,
            HoldsCommits = false,
            Reason = $"The server's data are being replaced by a copy of {source.Name}.",
            AppliedLsn = 0,
            Position = "",
            Migration = before with
            {
                From = source.Name,
                Phase = phase,
                Bytes = bytes >= 0 ? bytes : phase < MigrationPhase.Loading ? 0 : before.Bytes,
                EstimatedBytes = estimated >= 0 ? estimated : before.EstimatedBytes,
                BytesPerSecond = rate >= 0 ? rate : phase < MigrationPhase.Loading ? 0 : before.BytesPerSecond,
                Attempt = _journal.Attempts,
                StartedAt = _startedAt,
                Error = _journal.Error,
            },
        };
    });

    [LoggerMessage(3060, LogLevel.Warning, "The server's data are being replaced by a copy of {Source} (attempt {Attempt}).")]
    private static partial void LogBegin(ILogger logger, string source, int attempt);

    [LoggerMessage(3061, LogLevel.Warning, "Going on with an interrupted migration at its step '{Step}'; the copy at '{Position}' is whole.")]
    private static partial void LogResume(ILogger logger, string step, string position);

    [LoggerMessage(3062, LogLevel.Warning, "The server holds a copy at GTID position '{Position}' (LSN {Lsn}); it is compared with the log, which takes over from there.")]
    private static partial void LogEnd(ILogger logger, string position, long lsn);
}
