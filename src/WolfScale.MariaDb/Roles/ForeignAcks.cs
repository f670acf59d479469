using System.Globalization;
using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// Ends the semi-sync replicas of others on a server whose commits wait for the quorum: any replica's ACK releases them (measured), so theirs would stand for
/// the quorum's. Nothing in MariaDB keeps such a replica out, so it is looked for ten times a second and its connection killed. A MariaDB replica whose
/// connection is killed connects again at once, without its retry pause (measured): one that comes back means that the server must not stay open.
/// </summary>
/// <remarks>
/// The server tells how many semi-sync replicas it counts, and not which they are. So when it counts more than our capture, every dump that is not the capture's is
/// killed; asynchronous replicas among them connect again by themselves.
/// </remarks>
internal sealed partial class ForeignAcks(ServerContext context)
{
    public static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(100);

    /// <summary>A replica that comes back sooner than this was not gone.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    /// <summary>Twice the time after which a replica connects again by default.</summary>
    private static readonly TimeSpan AlarmFor = TimeSpan.FromMinutes(2);

    private long? _last;
    private int _visits;
    private string _alarm = "";

    /// <summary>None was there for a while: the server's gate is the quorum's alone.</summary>
    public bool IsQuiet => _last is not { } last || context.Time.GetElapsedTime(last) >= Quiet;

    /// <summary>It was killed and came back: the server must not stay open.</summary>
    public bool Persists => !IsQuiet && _visits > 1;

    /// <summary>What the operator must know; null when none was seen lately.</summary>
    public string? Alarm => _last is { } last && context.Time.GetElapsedTime(last) < AlarmFor ? _alarm : null;

    /// <summary>Looks once, and kills what is found.</summary>
    /// <param name="limit">Longest time for the look; null for the usual one.</param>
    public async Task LookAsync(TimeSpan? limit = null)
    {
        var dumps = await context.Server.QueryAsync("SELECT ID, USER, HOST FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'", limit);

        // Asked after the list: the capture may connect anew at any time, and a connection is known here before it becomes a dump.
        var capture = context.CaptureConnection();
        var others = dumps.Where(d => Id(d) != capture).ToList();
        if (others.Count == 0)
            return;
        var gate = await WriteGate.StatusAsync(context.Server);
        if (!gate.SemiSyncEnabled || gate.SemiSyncClients <= dumps.Count - others.Count)
            return; // Asynchronous ones, or on a server where nothing waits.

        if (others.FirstOrDefault(d => !IsOurOwnOld(d, capture)) is { } foreign)
            Note(foreign);
        foreach (var dump in others)
            await ClientSessions.KillAsync(context.Server, Id(dump));
    }

    /// <summary>Looks for as long as a step of a promotion waits for something.</summary>
    /// <exception cref="PromotionFailedException">Another's replica keeps coming.</exception>
    public async Task LookWhileAsync(Task other, CancellationToken cancellationToken)
    {
        while (!other.IsCompleted)
        {
            await LookAsync();
            if (Persists)
                throw new PromotionFailedException(Reason);
            _ = await Task.WhenAny(other, Task.Delay(LookPause, context.Time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        await other;
    }

    /// <summary>Why the server was closed for it.</summary>
    public string Reason => $"{_alarm} It came back after it was killed, so this server is closed for writes.";

    /// <summary>What an earlier connection of our capture has left, until the server notices its end. A younger one than ours is someone who uses our account.</summary>
    private bool IsOurOwnOld(Row dump, long capture) => dump["USER"] == context.Options.User && (capture == 0 || Id(dump) < capture);

    private void Note(Row dump)
    {
        _visits = IsQuiet ? 1 : _visits + 1;
        _last = context.Time.GetTimestamp();
        var host = dump["HOST"].Split(':')[0];
        LogKilled(context.Logger, Id(dump), dump["USER"], dump["HOST"]);
        _alarm = $"Someone else's semi-sync replica ({dump["USER"]}@{host}) attaches to this server: its acknowledgement would let commits through that the quorum does not hold. "
            + "It is killed whenever it comes. On that replica: SET GLOBAL rpl_semi_sync_slave_enabled=OFF; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD.";
        context.Board.Update(s => s.Alarms.Contains(_alarm) ? s : s with { Alarms = s.Alarms.Add(_alarm) });
    }

    private static long Id(Row dump) => long.Parse(dump["ID"], CultureInfo.InvariantCulture);

    [LoggerMessage(3056, LogLevel.Critical, "Someone else's semi-sync replica was attached (connection {Id} of {User}@{Host}) and is killed: commits of this moment may have been acknowledged "
        + "without the quorum. Turn semi-sync off on that replica.")]
    private static partial void LogKilled(ILogger logger, long id, string user, string host);
}
