using WolfScale.MariaDb.Plans;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// A server that cannot begin its next binary log (no inode, a read-only file system) turns logging off until it is restarted, and goes on committing (measured on 10.11): nothing waits for
/// an ACK, and no GTID, now or after a restart, tells of what was written. If that happens while the server is open for writes, its data cannot be trusted to be the log's any more, so
/// it is written down here, and stays until they have been replaced.
/// </summary>
internal static class UnloggedWrites
{
    public const string Reason =
        "The server turned its binary log off while it was open for writes (its error log says why): it may hold writes that no log tells of. Mend its disk, restart MariaDB, and copy a member's data to it.";

    private const string Mark = "unlogged writes";

    public static ValueTask NoteAsync(IPlanStore store, CancellationToken cancellationToken) => store.SaveAsync(new PlanRecord(Mark, "open", "{}"), cancellationToken);

    public static async Task<bool> AreNotedAsync(IPlanStore store, CancellationToken cancellationToken) => await store.LoadAsync(Mark, cancellationToken) is not null;

    /// <summary>The data have been replaced.</summary>
    public static ValueTask ForgetAsync(IPlanStore store, CancellationToken cancellationToken) => store.ClearAsync(Mark, cancellationToken);
}
