using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Positions;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Physical;

/// <summary>
/// Replaces the local server's files by another node's. It takes the rights to stop and start the server and to move its files, which the node's own process need not have, so it runs
/// in <c>wolfctl</c>:
/// <code>
///   1 receive   into DATADIR.wolfscale/incoming-TICKET, while the server runs as it is; whole by its last line
///   2 prepare   mariadb-backup --prepare: the redo log is applied
///   3 settle    WolfScale's account and the like are this server's own again, no position, the ticket; owner, mode; synced
///   (journal)   from here on a crash is gone on with; before, all is begun anew and nothing was touched
///   4 begin     the node is told: it keeps its hands off, and counts nothing of what the server holds until 8, by its own journal
///   5 stop      until nobody holds a lock on the files
///   6 exchange  two renames: DATADIR to …/old, …/incoming-TICKET to DATADIR
///   7 start
///   8 placed    the node finds the ticket in the server, sets the position, compares with the log (rule C2), feeds
/// </code>
/// Whatever happens in between, DATADIR is whole and old, or missing (and no server starts), or whole and new; never a mixture.
/// <para>
/// Two at once would delete each other's copy, and in the worst moment, between the two renames, leave the server without any files. So <see cref="RunAsync"/> takes a lock and this object keeps it until
/// it is disposed of: until the files of before are deleted, too, which stand where the next one's copy comes. The lock (flock) ends with the process, however that ends.
/// </para>
/// </summary>
public sealed class PhysicalMigration(DatabaseOptions options, IFilesNode node, ServerCommands commands, Action<PhysicalProgress> show) : IDisposable
{
    private const double SpareSpace = 1.1;
    private const string LockFile = "physical-copy.lock";

    private static readonly TimeSpan StopPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(500);

    private FileStream? _alone;

    /// <summary>Whether the exchange of a copy was begun and not finished: it needs no source. Another run may finish it until <see cref="RunAsync"/> holds the lock.</summary>
    public bool IsInterrupted => PhysicalJournal.Load(options) is not null;

    /// <summary>The folder of what is to be deleted when the node is in step; null before the exchange.</summary>
    public string? OldFiles { get; private set; }

    /// <summary>Takes the copy, and returns when the server runs with it and the node knows.</summary>
    /// <param name="open">Opens the source's stream; asked once, and not where the copy is there already.</param>
    /// <param name="replaceData">Whether data that the server holds may be destroyed.</param>
    /// <param name="cancellationToken">Breaks it off; what was begun is gone on with by the next run.</param>
    /// <exception cref="DumpException">It is refused, or failed; the message says how things stand.</exception>
    public async Task RunAsync(Func<CancellationToken, Task<PhysicalStream>> open, bool replaceData, CancellationToken cancellationToken)
    {
        try
        {
            _alone ??= Alone();
            var journal = PhysicalJournal.Load(options) ?? await CopyAsync(open, replaceData, cancellationToken);
            await ExchangeAsync(journal, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PosixException or MySqlException)
        {
            throw new DumpException($"{e.Message} (As {Environment.UserName}; replacing MariaDB's files takes root, or MariaDB's own user.)", e);
        }
    }

    /// <summary>The node is in step: the old files go.</summary>
    /// <exception cref="InvalidOperationException">Nothing was run here: the folder may be another run's.</exception>
    public void DeleteOldFiles()
    {
        if (_alone is null)
            throw new InvalidOperationException("The lock is not held.");
        if (OldFiles is { } folder)
            DeleteLeftovers(folder);
    }

    /// <summary>Lets the next one run.</summary>
    public void Dispose() => _alone?.Dispose();

    private FileStream Alone()
    {
        _ = Directory.CreateDirectory(options.DataDirectory);
        var path = Path.Combine(options.DataDirectory, LockFile);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.None);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new DumpException($"Another wolfctl migrate --physical works for this node already (it holds {path}): wait for it, or end it. What it has begun is gone on with by the next one.", e);
        }
    }

    private async Task<PhysicalJournal> CopyAsync(Func<CancellationToken, Task<PhysicalStream>> open, bool replaceData, CancellationToken cancellationToken)
    {
        Show("asking the source");
        await using var server = await AdminConnection.OpenAsync(options, 0, null, cancellationToken);
        var facts = await DataFileFacts.ReadAsync(server);
        if (!replaceData && await PositionReader.HasUserDataAsync(server))
            throw new DumpException("This node's server holds data, which a migration destroys. Say so explicitly (--replace-data) if that is meant.");
        if (await server.ScalarAsync("SELECT @@global.read_only") is "0" or "OFF")
            throw new DumpException("The server is open for writes: this node leads, or nobody looks after the server. Give the lead away first.");
        _ = DataFileFacts.Estimate(facts.DataDirectory);
        var owner = await OwnerAsync(facts.DataDirectory, cancellationToken);
        var ticket = Guid.NewGuid().ToString("N");
        var own = await CopiedFiles.OwnAsync(options, ticket, cancellationToken);

        var stream = await open(cancellationToken);
        await using var content = stream.Content;
        facts.CheckFits(stream.Name, stream.Version, stream.Settings);
        var folder = PhysicalJournal.FolderOf(facts.DataDirectory);
        DeleteLeftovers(folder); // of a run that was broken off before anything was touched
        CheckSpace(facts.DataDirectory, stream.EstimatedBytes);
        var files = PhysicalJournal.IncomingIn(folder, ticket);
        var temporary = files + ".tmp";
        _ = await SystemProgram.RunAsync("install", "coreutils", ["-d", "-m", "700", folder, files, temporary], "", cancellationToken);

        var (lsn, position) = await ReceiveAsync(stream, files, cancellationToken);                                    // 1
        CheckPosition(files, position);
        Show("applying the redo log to the copy", stream.EstimatedBytes);
        _ = await SystemProgram.RunAsync("mariadb-backup", "mariadb-backup", ["--no-defaults", "--prepare", $"--target-dir={files}"], "", cancellationToken); // 2
        Show("making the copy this server's own", stream.EstimatedBytes);
        if (Environment.IsPrivilegedProcess)
            _ = await SystemProgram.RunAsync("chown", "coreutils", ["-R", "--no-dereference", owner, folder], "", cancellationToken);
        await CopiedFiles.ApplyAsync(files, temporary, owner.Split(':')[0], own, cancellationToken);                   // 3
        CopiedFiles.Tidy(files, facts.DataDirectory);
        if (Environment.IsPrivilegedProcess)
            _ = await SystemProgram.RunAsync("chown", "coreutils", ["-R", "--no-dereference", owner, folder], "", cancellationToken);
        _ = await SystemProgram.RunAsync("chmod", "coreutils", [$"--reference={facts.DataDirectory}", files], "", cancellationToken);
        _ = await SystemProgram.RunAsync("sync", "coreutils", ["--file-system", files], "", cancellationToken);
        var journal = new PhysicalJournal(ticket, stream.Name, facts.DataDirectory, position, lsn);
        journal.Save(options);
        return journal;
    }

    /// <summary>
    /// What a killed run has started may work on there for a moment longer: so no two runs use one folder, and what cannot be deleted yet goes with the next run, or at the end.
    /// </summary>
    private static void DeleteLeftovers(string folder)
    {
        try
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // As the summary says.
        }
    }

    private async Task<(long Lsn, string Position)> ReceiveAsync(PhysicalStream stream, string files, CancellationToken cancellationToken)
    {
        using var incoming = new Dump.IncomingDump(PhysicalFormat.EndPrefix, PhysicalFormat.LongestEnd);
        var began = Stopwatch.GetTimestamp();
        var reported = began;
        show(new PhysicalProgress($"copying {stream.Name}", 0, stream.EstimatedBytes, 0));
        await SystemProgram.FeedAsync("mbstream", "mariadb-backup", ["-x", "-C", files], to => incoming.CopyAsync(stream.Content, to, Report, cancellationToken), cancellationToken);
        return PhysicalFormat.Read(incoming.Says);

        void Report(long bytes)
        {
            if (Stopwatch.GetElapsedTime(reported) < ReportEvery)
                return;
            reported = Stopwatch.GetTimestamp();
            show(new PhysicalProgress($"copying {stream.Name}", bytes, stream.EstimatedBytes, (long)(bytes / Stopwatch.GetElapsedTime(began).TotalSeconds)));
        }
    }

    /// <summary>
    /// The backup has noted a position of its own, under the lock that ends it: that of the binlog, which may be behind what the server was seeded with, and never ahead of
    /// what it holds.
    /// </summary>
    private static void CheckPosition(string files, string position)
    {
        var noted = PhysicalFormat.PositionFiles.Select(f => Path.Combine(files, f)).FirstOrDefault(File.Exists) is { } file ? File.ReadAllText(file).Trim().Split('\t') : [];
        if (noted is [_, _, { Length: > 0 } gtids, ..] && Protocol.GtidPosition.Parse(gtids).Gtids.Any(g => Protocol.GtidPosition.Parse(position).Find(g.Domain) is not { } said || said.Sequence < g.Sequence))
            throw new DumpException($"The copy is said to stand at '{position}', and the backup in it says '{gtids}': it is not used.");
    }

    private async Task ExchangeAsync(PhysicalJournal journal, CancellationToken cancellationToken)
    {
        OldFiles = journal.Folder;
        try
        {
            await node.BeginAsync(journal.Ticket, journal.From, cancellationToken);                                    // 4
        }
        catch (Exception) when (Directory.Exists(journal.Incoming) && !Directory.Exists(journal.Old))
        {
            File.Delete(PhysicalJournal.PathIn(options)); // nothing was touched: the next run begins anew
            throw;
        }

        if (Directory.Exists(journal.Incoming))
        {
            try
            {
                Show("stopping MariaDB");
                if (Directory.Exists(journal.DataDirectory))
                    await StopAsync(journal.DataDirectory, cancellationToken);                                         // 5
            }
            catch (DumpException e) when (!Directory.Exists(journal.Old))
            {
                File.Delete(PhysicalJournal.PathIn(options));
                await node.AbandonAsync(journal.Ticket, cancellationToken);
                throw new DumpException($"{e.Message} The server's files are as they were.", e);
            }

            if (Directory.Exists(journal.DataDirectory))                                                               // 6
            {
                if (Directory.Exists(journal.Old))
                    throw new DumpException($"{journal.DataDirectory} was moved to {journal.Old}, and somebody has made it anew since. Move what is there now away, and run this again: {journal.Incoming} takes its place.");
                Directory.Move(journal.DataDirectory, journal.Old);
            }

            Directory.Move(journal.Incoming, journal.DataDirectory);
            Posix.FsyncDirectory(journal.Folder);
            Posix.FsyncDirectory(Path.GetDirectoryName(journal.DataDirectory)!);
        }

        Show("starting MariaDB");
        await StartAsync(cancellationToken);                                                                           // 7
        await node.PlacedAsync(journal.Ticket, journal.Position, journal.Lsn, cancellationToken);                      // 8
        File.Delete(PhysicalJournal.PathIn(options));
    }

    /// <exception cref="DumpException">It does not stop.</exception>
    private async Task StopAsync(string dataDirectory, CancellationToken cancellationToken)
    {
        if (!IsHeld(dataDirectory))
            return;
        try
        {
            _ = await SystemProgram.RunAsync("sh", "dash", ["-c", commands.Stop], "", cancellationToken);
        }
        catch (DumpException) when (!IsHeld(dataDirectory))
        {
            // It is stopped, and that is what counts: by the command of a run that was killed, say.
        }

        await UntilAsync(() => Task.FromResult(!IsHeld(dataDirectory)), StopPatience, $"{commands.Stop} was run, and some server still works on {dataDirectory}.", cancellationToken);
    }

    /// <summary>InnoDB holds a lock of fcntl(2) on its system tablespace while the server runs.</summary>
    private static bool IsHeld(string dataDirectory)
    {
        if (OperatingSystem.IsMacOS())
            throw new PlatformNotSupportedException("This needs Linux.");
        using var file = new FileStream(Path.Combine(dataDirectory, "ibdata1"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        try
        {
            file.Lock(0, 0);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await AnswersAsync())
            _ = await SystemProgram.RunAsync("sh", "dash", ["-c", commands.Start], "", cancellationToken);
        await UntilAsync(AnswersAsync, StartPatience, $"{commands.Start} was run, and MariaDB does not let WolfScale's account in: its error log says more. When it does, run this again.", cancellationToken);

        // The first thing that is done with it: whatever its configuration says, nobody writes to it.
        async Task<bool> AnswersAsync()
        {
            try
            {
                await using var server = await AdminConnection.OpenAsync(options, 0, null, cancellationToken);
                await server.ExecuteAsync("SET GLOBAL read_only = 1");
                return true;
            }
            catch (Exception e) when (e is MySqlException or SocketException or IOException)
            {
                return false;
            }
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo, TimeSpan patience, string otherwise, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Look);
        while (!await isSo())
        {
            if (Stopwatch.GetElapsedTime(began) > patience)
                throw new DumpException(otherwise);
            _ = await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>User and group, as chown(1) takes them.</summary>
    /// <exception cref="DumpException">The folder cannot be renamed.</exception>
    private static async Task<string> OwnerAsync(string dataDirectory, CancellationToken cancellationToken)
    {
        var parent = Path.GetDirectoryName(dataDirectory) ?? throw new DumpException($"{dataDirectory} is a file system's root, and cannot be renamed.");
        var devices = (await SystemProgram.RunAsync("stat", "coreutils", ["-c", "%d", dataDirectory, parent], "", cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (devices[0] != devices[1])
            throw new DumpException($"{dataDirectory} is a mount point, and cannot be renamed: keep the data in a folder below it (datadir), or copy without --physical.");
        return (await SystemProgram.RunAsync("stat", "coreutils", ["-c", "%U:%G", dataDirectory], "", cancellationToken)).Trim();
    }

    private static void CheckSpace(string dataDirectory, long bytes)
    {
        var free = new DriveInfo(Path.GetDirectoryName(dataDirectory)!).AvailableFreeSpace;
        if (free < bytes * SpareSpace)
            throw new DumpException(string.Create(CultureInfo.InvariantCulture, $"The copy takes about {bytes >> 20} MiB beside {dataDirectory}, whose files stay until it is in place, and only {free >> 20} MiB are free there."));
    }

    private void Show(string doing, long bytes = 0) => show(new PhysicalProgress(doing, bytes, bytes, 0));
}
