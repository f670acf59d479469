using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Physical;

/// <summary>
/// A copy of the local server's files at one exact GTID position, made by <c>mariadb-backup</c> and streamed; nothing is stored on the way:
/// <code>
///   follower  1 the feed is held: nothing changes until the copy is over, and the position is read before and after
///   leader    1 clients go on; where the log stands is noted
///             2 the files, and what was written to them meanwhile (mariadb-backup follows the redo log)
///   leader    3 at its end mariadb-backup holds every commit for a moment (BACKUP STAGE BLOCK_COMMIT, which waits for those under way, their ACKs included), reads the position, and
///               takes the redo log up to there: what the copy holds and what the position says are one. The log must have that place, committed, and nothing but transactions
///               of rows since 1: on DDL that is under way mariadb-backup's word is not relied on
///             4 the last line
/// </code>
/// </summary>
public sealed class PhysicalCopy : IAsyncDisposable
{
    /// <summary>Of what mariadb-backup says; the last ones tell why it failed.</summary>
    private const int KeptLines = 4;

    private readonly DatabaseOptions _options;
    private readonly IReplicatedLog _log;
    private readonly AdminConnection _server;
    private readonly Action? _release;
    private readonly CancellationToken _broken;
    private readonly DataFileFacts _facts;
    private readonly Queue<string> _lines = new();
    private ServerPosition _began = null!;
    private long _beganLsn;
    private volatile string _said = "";

    private PhysicalCopy(DatabaseOptions options, IReplicatedLog log, AdminConnection server, DataFileFacts facts, Action? release, CancellationToken broken) =>
        (_options, _log, _server, _facts, _release, _broken) = (options, log, server, facts, release, broken);

    /// <summary>The server's version.</summary>
    public string Version => _facts.Version;

    /// <summary>The settings that its files are bound to.</summary>
    public string Settings => _facts.Settings;

    /// <summary>Its size, about.</summary>
    public long EstimatedBytes { get; private init; }

    private bool IsLeader => _release is null;

    /// <param name="options">Where the server is.</param>
    /// <param name="log">What it is compared with.</param>
    /// <param name="release">Of a follower whose feed is held: lets it go on; called once. Null: a leader.</param>
    /// <param name="broken">Ends when the feed goes on earlier.</param>
    /// <param name="cancellationToken">Gives up opening.</param>
    internal static async Task<PhysicalCopy> OpenAsync(
        DatabaseOptions options, IReplicatedLog log, Action? release, CancellationToken broken, CancellationToken cancellationToken)
    {
        AdminConnection? server = null;
        try
        {
            server = await AdminConnection.OpenAsync(options, 0, null, cancellationToken);
            var facts = await DataFileFacts.ReadAsync(server);
            if (await DataFileFacts.UncopiedTableAsync(server) is { } table)
                throw new DumpException($"The rows of {table} are not in files that mariadb-backup copies: copy without --physical.");
            await PreparedTransactions.RefuseAsync(server);
            var copy = new PhysicalCopy(options, log, server, facts, release, broken)
            {
                EstimatedBytes = DataFileFacts.Estimate(facts.DataDirectory),
                _began = await PositionReader.ReadAsync(server),
                _beganLsn = log.CommitLsn,
            };
            return copy;
        }
        catch (Exception e)
        {
            if (server is not null)
                await server.DisposeAsync();
            release?.Invoke();
            if (e is MySqlException)
                throw new DumpException($"The server cannot be copied now: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Writes the whole copy. Blocks while the reader is slow; <c>mariadb-backup</c> ends with it.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="pace">See <see cref="DumpSink"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DumpException">It is not whole, and what was written must not be used.</exception>
    public Task WriteToAsync(Stream target, Action<long>? pace, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => Write(target, pace, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _release?.Invoke();
    }

    private async Task Write(Stream target, Action<long>? pace, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _broken);
        try
        {
            // A leader's is not held up: at its end mariadb-backup holds all commits until the rest of the redo log is taken from it.
            using var sink = new DumpSink(target, IsLeader ? null : pace);
            await RunAsync(sink, end.Token);                                                            // 2
            var position = await EndAsync();                                                            // 3
            var lsn = await PlaceInLog.FindAsync(position, _log, cancellationToken);
            if (IsLeader && DefinitionCheck.Find(_log, _beganLsn, lsn) is { } group)
            {
                throw new DumpException(
                    $"{group} was committed while the leader was copied: it is DDL, about accounts, or of a table without transactions or a sequence. Copy a follower, which stands still meanwhile, or try again.");
            }

            end.Token.ThrowIfCancellationRequested();
            sink.End(PhysicalFormat.EndPrefix, PhysicalFormat.Standing(lsn, position.Current.ToString())); // 4
        }
        catch (Exception) when (_broken.IsCancellationRequested)
        {
            throw new DumpException("The server was needed otherwise while it was copied: its feed went on, or it was given the lead.");
        }
        catch (MySqlException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DumpException($"The copy of the server broke off: {e.Message}", e);
        }
    }

    private async Task RunAsync(DumpSink sink, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // It writes nothing to its target directory when it streams, and wants one all the same.
        using var program = ClientProgram.StartBackup(_options, Hear, "--stream=mbstream", $"--target-dir={Path.Combine(_options.DataDirectory, "physical-copy")}");
        await using var abort = cancellationToken.Register(program.Kill);
        var buffer = new byte[DumpSink.PieceBytes];
        while (program.Output.Read(buffer) is var read and > 0)
            sink.Write(buffer.AsSpan(0, read));
        try
        {
            await program.EndAsync(cancellationToken);
        }
        catch (DumpException e)
        {
            throw new DumpException($"mariadb-backup could not copy the server: {LastLines}", e);
        }
    }

    private string LastLines
    {
        get
        {
            lock (_lines)
                return string.Join("; ", _lines);
        }
    }

    private void Hear(string line)
    {
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
                _ = _lines.Dequeue();
        }

        if (line.IndexOf(PhysicalFormat.SaysPosition, StringComparison.Ordinal) is var at and >= 0)
            _said = line[(at + PhysicalFormat.SaysPosition.Length)..].TrimEnd().TrimEnd('\'');
    }

    /// <summary>Where the copy stands.</summary>
    private async Task<ServerPosition> EndAsync()
    {
        if (!IsLeader)
        {
            var now = await PositionReader.ReadAsync(_server);
            return now.Current.ToString() == _began.Current.ToString()
                ? now
                : throw new DumpException($"Somebody wrote to the server while it was copied: it stood at '{_began.Current}' and stands at '{now.Current}'.");
        }

        if (_said.Length == 0)
            throw new DumpException("mariadb-backup did not say which position the copy is at: copy a follower.");
        return _began with { Binlog = GtidPosition.Parse(_said) };
    }
}
