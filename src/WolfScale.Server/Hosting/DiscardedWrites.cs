using System.Globalization;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Cluster.State;
using WolfScale.MariaDb;

namespace WolfScale.Server.Hosting;

/// <summary>
/// Mode "available": what becomes of writes that this node's log gives up (rule C5). Never silently: they are saved, told and counted before they go, in this
/// order and in this place alone.
/// </summary>
internal sealed class DiscardedWrites(string directory, ILogger logger, TimeProvider time)
{
    private const string CountFact = "discarded.transactions";
    private const string FileFact = "discarded.last_file";

    /// <summary>After a discard: what was saved.</summary>
    public event Action<DiscardedTail>? Discarded;

    /// <summary>
    /// Called by the node before it cuts them off; may be called again for the same entries after a crash in between. Blocks: nothing else of the node may go on
    /// before they are safe.
    /// </summary>
    /// <exception cref="Wal.PosixException">They could not be saved, and must stay.</exception>
    public void Save(DiscardedEntries entries)
    {
        // The time is in the name, because the same GTIDs may be discarded again in a later epoch, with another content.
        var saved = DiscardedTail.Save(entries.Log, entries.FirstLsn, entries.LastLsn, (first, last) => Path.Combine(
            directory, string.Create(CultureInfo.InvariantCulture, $"discarded-log-{time.GetUtcNow():yyyyMMdd-HHmmss-fff}-{first}-to-{last}.binlog")));
        if (saved is null)
            return; // a no-op, a configuration
        var facts = Read(entries.State);
        entries.State.Put(CountFact, (facts.Transactions + saved.Groups).ToString(CultureInfo.InvariantCulture));
        entries.State.Put(FileFact, saved.File);
        HostLog.Discarded(logger, saved.Groups, saved.First, saved.Last, entries.NewLeader, saved.File);
        Discarded?.Invoke(saved);
    }

    /// <summary>What this node has discarded since its data directory was made.</summary>
    public static (long Transactions, string? LastFile) Read(IStateStore state) =>
        (long.Parse(state.Get(CountFact) ?? "0", CultureInfo.InvariantCulture), state.Get(FileFact));
}
