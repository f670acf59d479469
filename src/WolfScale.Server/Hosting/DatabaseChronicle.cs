using System.Globalization;
using WolfScale.Cluster.History;
using WolfScale.MariaDb;

namespace WolfScale.Server.Hosting;

/// <summary>Tells the history what becomes of the local server. Called in order, from the controller's loop; never blocks.</summary>
internal sealed class DatabaseChronicle(IEventSink history, TimeProvider time) : IDatabaseHistory
{
    /// <summary>An alarm that comes and goes fills no history.</summary>
    private static readonly TimeSpan AlarmAgain = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, long> _alarms = new(StringComparer.Ordinal);
    private DatabaseState _before = new();
    private bool? _fit;

    public void OnChanged(DatabaseState now)
    {
        var before = _before;
        _before = now;
        if (now.Phase != before.Phase && now.Phase == DatabasePhase.Serving)
            history.Record(EventKinds.DatabaseOpened, Text($"MariaDB is open for writes, in term {now.Term}"), ("term", now.Term), ("lsn", now.AppliedLsn), ("gtid", now.Position));
        Fitness(now, before);
        if (now.Phase == DatabasePhase.NeedsMigration && (before.Phase, before.Reason) != (now.Phase, now.Reason))
            history.Record(EventKinds.NodeNeedsMigration, $"this node is NEEDS_MIGRATION: {now.Reason}", ("node", "self"), ("reason", now.Reason));
        Copy(now.Migration, before.Migration);
        foreach (var alarm in now.Alarms.Except(before.Alarms))
        {
            if (_alarms.TryGetValue(alarm, out var last) && time.GetElapsedTime(last) < AlarmAgain)
                continue;
            if (_alarms.Count > 100)
                _alarms.Clear();
            _alarms[alarm] = time.GetTimestamp();
            history.Record(EventKinds.Alarm, alarm);
        }
    }

    public void Diverged(RewoundTail tail) => history.Record(
        EventKinds.Diverged, Text($"MariaDB held {tail.Groups} transactions that the cluster never acknowledged; they are saved in {tail.File}"), Facts(tail));

    public void Rewound(RewoundTail tail) => history.RecordDiscarded(
        tail.Groups, EventKinds.Rewound,
        Text($"{tail.Groups} transactions that the cluster never acknowledged were rolled back; they are saved in {tail.File}, which mariadb-binlog reads"), Facts(tail));

    /// <summary>Only what lasts: a change of role, a promotion or a rewind is no unfitness.</summary>
    private void Fitness(DatabaseState now, DatabaseState before)
    {
        var fit = now.Phase switch
        {
            DatabasePhase.Down or DatabasePhase.Refused => false,
            DatabasePhase.Serving => now.Fit || now.Reason.Length == 0, // the reason comes with the verdict
            DatabasePhase.Following => now.Fit,
            _ => _fit,
        };
        if (fit == _fit && !(fit is false && now.Phase != before.Phase && now.Phase is DatabasePhase.Down or DatabasePhase.Refused))
            return;
        var first = _fit is null;
        _fit = fit;
        if (fit is true)
            history.Record(EventKinds.DatabaseFit, "MariaDB is in step and may lead", ("lsn", now.AppliedLsn), ("gtid", now.Position), ("version", now.Version));
        else if (!first || now.Phase is not DatabasePhase.Following)
            history.Record(EventKinds.DatabaseUnfit, $"MariaDB cannot serve: {(now.Reason.Length > 0 ? now.Reason : "it is behind")}", ("reason", now.Reason), ("phase", now.Phase.ToString().ToLowerInvariant()));
    }

    private void Copy(MigrationProgress? now, MigrationProgress? before)
    {
        if (now is null || now == before)
            return;
        if (before is null || (before.StartedAt, before.Attempt) != (now.StartedAt, now.Attempt))
            history.Record(EventKinds.MigrationStarted, Text($"the data of this node are being replaced by a copy of {now.From}'s (attempt {now.Attempt})"), ("from", now.From), ("attempt", now.Attempt));
        if (now.Phase == before?.Phase)
            return;
        if (now.Phase == MigrationPhase.Done)
            history.Record(EventKinds.MigrationDone, Text($"the data of this node are a copy of {now.From}'s ({now.Bytes} bytes)"), ("from", now.From), ("bytes", now.Bytes));
        else if (now.Phase == MigrationPhase.Failed)
            history.Record(EventKinds.MigrationFailed, $"the copy of {now.From}'s data was not made: {now.Error}", ("from", now.From), ("reason", now.Error));
    }

    private static (string, object?)[] Facts(RewoundTail tail) =>
        [("file", tail.File), ("transactions", tail.Groups), ("ancestor", tail.Ancestor), ("end", tail.End)];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
