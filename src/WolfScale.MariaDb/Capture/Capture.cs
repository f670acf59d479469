using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>
/// WolfScale as the semi-sync replica of the local server, for one leadership term: every event group goes into the log, and every commit
/// is released when the quorum holds it.
/// <code>
///   capture thread   server ─▶ events ─▶ groups ─▶ batch ─▶ Propose                          (blocks in recv(2) when idle)
///   committing thread                      commit LSN advances ─▶ one ACK for all it covers ─▶ server
/// </code>
/// No other thread has part in a commit. What is lost with a connection comes again on the next one, because it begins before the last
/// commit known to be released (<see cref="ResumePoint"/>), and no position outlives its connection (<see cref="AckQueue"/>).
/// </summary>
public sealed partial class Capture : ICapture
{
    /// <summary>A server that is down for hours is mentioned this often, not at each try.</summary>
    private static readonly TimeSpan QuietPeriod = TimeSpan.FromSeconds(30);

    private readonly CaptureOptions _options;
    private readonly ILeaderLog _log;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CaptureAttachment _attachment;
    private readonly CaptureCounters _counters;
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CaptureFault?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop;
    private readonly Lock _gate = new();
    private GroupWriter? _writer;
    private ReplicationConnection? _connection;
    private AckQueue? _acks;
    private long _commitLsn;
    private int _started;

    public Capture(CaptureOptions options, ILeaderLog log, ILoggerFactory loggers, TimeProvider? time = null, CommitStages? stages = null)
    {
        _options = options;
        _counters = new CaptureCounters(stages ?? new CommitStages());
        _log = log;
        _logger = loggers.CreateLogger<Capture>();
        _time = time ?? TimeProvider.System;
        _attachment = new CaptureAttachment(options.Server, _time, _logger);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(log.Ended);
    }

    /// <summary>
    /// Completes when the stream is live and the server counts us, and us alone, as its semi-sync replica: from then on no commit passes
    /// without the quorum. Fails with <see cref="CaptureException"/> on a final fault; is cancelled when the term ends before.
    /// </summary>
    public Task Attached => _attached.Task;

    /// <summary>The last group that stands in the log, committed or not, as far as this capture knows; null before the first.</summary>
    public Gtid? LastCapturedGtid => _writer?.LastProposed ?? (_log.Log.LastGroupAtOrBefore(_log.Log.LastLsn) is { } last ? last.Gtid.ToGtid() : null);

    public long ConnectionId
    {
        get
        {
            lock (_gate)
                return _connection?.ConnectionId ?? 0;
        }
    }

    /// <summary>The latest fault, final or overcome since; null when there was none.</summary>
    public CaptureFault? LastFault { get; private set; }

    /// <summary>What was done so far.</summary>
    public CaptureStatistics Statistics => _counters.Snapshot(_acks?.Count ?? 0);

    /// <summary>From the arrival of a commit's last event to its ACK.</summary>
    public LatencyHistogram CommitLatency => _counters.Commit;

    /// <summary>
    /// Captures until the term or <paramref name="cancellationToken"/> ends, reconnecting as often as it takes. May be called once.
    /// </summary>
    /// <returns>Null when it was ended from outside; the fault where capture cannot go on with this server.</returns>
    public Task<CaptureFault?> RunAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
            throw new InvalidOperationException("A capture runs once: a new term needs a new one.");
        var fromCaller = cancellationToken.Register(_stop.Cancel);
        var fromStop = _stop.Token.Register(AbortConnection);
        new Thread(Run) { Name = $"capture {_log.Term}", IsBackground = true }.Start();
        return EndAsync();

        async Task<CaptureFault?> EndAsync()
        {
            try
            {
                return await _ended.Task;
            }
            finally
            {
                await fromCaller.DisposeAsync();
                await fromStop.DisposeAsync();
                _stop.Dispose();
            }
        }
    }

    /// <summary>Ends the capture, if it still runs.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _started, 1) == 0)
        {
            _stop.Dispose();
            return;
        }

        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    private void Run()
    {
        CommitPathThread.Prefer();
        CaptureFault? final = null;
        using var writer = new GroupWriter(_log, _options, _counters);
        _writer = writer;
        try
        {
            using var subscription = _log.SubscribeCommit(OnCommit);
            ReadCommitLsn();
            final = RunUntilEnded(writer);
        }
        catch (Exception e)
        {
            final = new CaptureFault(CaptureFaultKind.Internal, $"Capture failed: {e.Message}");
            LogInternal(_logger, e);
        }

        if (final is not null && !_stop.IsCancellationRequested)
        {
            LastFault = final;
            LogFinal(_logger, _options.Server, final.Message);
            if (_attached.TrySetException(new CaptureException(final)))
                _ = _attached.Task.Exception; // Observed here: nobody has to wait for it.
            _ended.SetResult(final);
            return;
        }

        _ = _attached.TrySetCanceled(CancellationToken.None);
        _ended.SetResult(null);
    }

    /// <returns>The final fault, or null at the end of the term.</returns>
    private CaptureFault? RunUntilEnded(GroupWriter writer)
    {
        var delay = _options.MinRetryDelay;
        CaptureFault? logged = null;
        var loggedAt = 0L;
        while (!_stop.IsCancellationRequested)
        {
            var began = _time.GetTimestamp();
            var fault = RunConnections(writer);
            if (_stop.IsCancellationRequested || fault is null)
                return null;
            LastFault = fault;
            if (fault.IsFinal)
                return fault;
            if (_time.GetElapsedTime(began) > _options.SilenceTimeout)
                delay = _options.MinRetryDelay;
            if (fault != logged || _time.GetElapsedTime(loggedAt) > QuietPeriod)
            {
                (logged, loggedAt) = (fault, _time.GetTimestamp());
                LogRetry(_logger, _options.Server, fault.Message, (long)delay.TotalMilliseconds);
            }

            _ = _stop.Token.WaitHandle.WaitOne(delay);
            delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, _options.MaxRetryDelay.Ticks));
        }

        return null;
    }

    /// <summary>Tries the places where the stream may begin, each on a connection of its own.</summary>
    private CaptureFault? RunConnections(GroupWriter writer)
    {
        try
        {
            var places = ResumePoint.Find(_log.Log);
            for (var i = 0; ; i++)
            {
                try
                {
                    RunConnection(writer, places[i]);
                }
                catch (ServerErrorException e) when (e.Error.Code == PositionRefused && IsAboutGtid(e.Error.Message))
                {
                    if (i + 1 < places.Count)
                        continue;
                    return new CaptureFault(
                        CaptureFaultKind.Diverged,
                        $"The server's binary log does not go on from the replicated log's last group ({places[i].Start}): {e.Error.Message}. It must not lead, and is rewound or re-seeded.");
                }
            }
        }
        catch (Exception e) when (_stop.IsCancellationRequested || e is TermEndedException)
        {
            return null;
        }
        catch (CaptureException e)
        {
            return e.Fault;
        }
        catch (Exception e) when (e is SocketException or IOException or ServerErrorException)
        {
            return new CaptureFault(CaptureFaultKind.Connection, e is SocketException { SocketErrorCode: SocketError.TimedOut }
                ? $"The server did not answer within {_options.SilenceTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s."
                : e.Message);
        }
        catch (ProtocolException e)
        {
            return new CaptureFault(CaptureFaultKind.Protocol, e.Message);
        }
        catch (WalStoppedException e)
        {
            return new CaptureFault(CaptureFaultKind.Log, e.Message);
        }
    }

    /// <summary>Error 1236: the dump cannot begin, or go on, for a reason that stands in the message.</summary>
    private const int PositionRefused = 1236;

    private static bool IsAboutGtid(string message) => message.Contains("GTID", StringComparison.Ordinal) || message.Contains("slave state", StringComparison.Ordinal);

    /// <summary>One connection, from connect to its end. Returns only by an exception.</summary>
    private void RunConnection(GroupWriter writer, ResumePoint place)
    {
        using var connection = new ReplicationConnection();
        using var ended = new CancellationTokenSource();
        AckQueue? acks = null;
        try
        {
            Publish(connection, null);
            connection.Open(_options.Server, _options.SilenceTimeout);
            acks = new AckQueue(connection.Socket, _time, _counters, _log.Ended);
            Publish(connection, acks);
            StartDump(connection, place);
            var stream = new BinlogReader(connection, semiSync: true, new CaptureStream(place, writer, acks, _counters, _time));
            var isLive = false;
            while (stream.ReadEvent())
            {
                // The first event shows that the server accepts the position and counts us: it has a semi-sync header.
                if (isLive)
                    continue;
                isLive = true;
                _counters.Connected();
                LogLive(_logger, _options.Server, place.Start, connection.ConnectionId);
                _ = AttachAsync(ended.Token);
            }

            throw new EndOfStreamException("The server ended the dump.");
        }
        finally
        {
            acks?.Close();
            writer.Reset();
            Publish(null, null);
            ended.Cancel();
        }
    }

    private void StartDump(ReplicationConnection connection, ResumePoint place)
    {
        var heartbeatNs = (long)_options.HeartbeatPeriod.TotalNanoseconds;
        if (connection.QueryRow("SELECT @@GLOBAL.binlog_checksum, @@GLOBAL.gtid_domain_id, @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_slave_pos")
            is not [var checksum, { } domain, var binlog, var applied])
        {
            throw new ProtocolException("The server does not tell its GTID settings: it is not MariaDB.");
        }

        if (checksum != "CRC32")
            throw CaptureStream.ChecksumOff();
        place.CheckServer(uint.Parse(domain, CultureInfo.InvariantCulture), GtidPosition.Parse(binlog), GtidPosition.Parse(applied));
        connection.Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"SET @master_heartbeat_period={heartbeatNs}, @master_binlog_checksum=@@GLOBAL.binlog_checksum, @mariadb_slave_capability=4, "
            + $"@slave_connect_state='{place.Start}', @slave_gtid_strict_mode=1, @slave_gtid_ignore_duplicates=0, @rpl_semi_sync_slave=1"));

        // A fresh id for each connection: two dumps under one id stall the whole server until the older is gone (measured).
        var serverId = 0xE000_0000u + (uint)RandomNumberGenerator.GetInt32(0x1FFF_FFFF);
        connection.RegisterSlave(serverId, _options.ReplicaHost);
        connection.StartDump(new BinlogDumpCommand(4, BinlogDumpFlags.SendAnnotateRows, serverId, ""));
    }

    private async Task AttachAsync(CancellationToken connectionEnded)
    {
        try
        {
            await _attachment.WaitAsync(connectionEnded);
            if (_attached.TrySetResult())
                LogAttached(_logger, _options.Server, _log.Term);
        }
        catch (OperationCanceledException)
        {
            // The connection ended first; the next one asks again.
        }
    }

    /// <summary>
    /// The commit LSN of the term's beginning. It is of this term if the term has not ended after it was read, because the end is announced before
    /// anything of a later term can be observed; later values come from the subscription alone.
    /// </summary>
    private void ReadCommitLsn()
    {
        var commitLsn = _log.Log.CommitLsn;
        if (!_log.Ended.IsCancellationRequested)
            OnCommit(commitLsn);
    }

    private void OnCommit(long commitLsn)
    {
        AckQueue? acks;
        lock (_gate)
        {
            _commitLsn = Math.Max(_commitLsn, commitLsn);
            acks = _acks;
        }

        acks?.Release(commitLsn);
    }

    private void Publish(ReplicationConnection? connection, AckQueue? acks)
    {
        long commitLsn;
        lock (_gate)
        {
            _connection = connection;
            _acks = acks;
            commitLsn = _commitLsn;
        }

        acks?.Release(commitLsn);
        if (_stop.IsCancellationRequested)
            connection?.Abort();
    }

    private void AbortConnection()
    {
        ReplicationConnection? connection;
        lock (_gate)
            connection = _connection;
        connection?.Abort();
    }

    [LoggerMessage(3100, LogLevel.Information, "Capturing from MariaDB at {Server} from GTID position '{Start}' on (connection {ConnectionId}).")]
    private static partial void LogLive(ILogger logger, ServerEndpoint server, GtidPosition start, uint connectionId);

    [LoggerMessage(3101, LogLevel.Information, "MariaDB at {Server} commits through the cluster's log (term {Term}).")]
    private static partial void LogAttached(ILogger logger, ServerEndpoint server, long term);

    [LoggerMessage(3102, LogLevel.Warning, "Capture from MariaDB at {Server} was interrupted: {Fault} Commits wait; next try in {DelayMs} ms.")]
    private static partial void LogRetry(ILogger logger, ServerEndpoint server, string fault, long delayMs);

    [LoggerMessage(3103, LogLevel.Error, "Capture from MariaDB at {Server} has ended: {Fault}")]
    private static partial void LogFinal(ILogger logger, ServerEndpoint server, string fault);

    [LoggerMessage(3104, LogLevel.Critical, "Capture failed because of a defect of WolfScale.")]
    private static partial void LogInternal(ILogger logger, Exception exception);
}
