using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Cluster.State;
using WolfScale.MariaDb;
using WolfScale.Wal;

namespace WolfScale.Server.Hosting;

/// <summary>
/// Mode "available": what becomes of writes that this node's log gives up (rule C5). Never silently, and each of them once, wherever the node is killed:
/// <code>
///   1 noted: about to save FILE ─▶ 2 FILE is durable ─▶ 3 noted: saved, counted ─▶ (the log is cut) ─▶ 4 the cut is durable: told ─▶ 5 told durably: closed
/// </code>
/// The note stands in the node's state. Killed before 3, the log still holds everything and the file goes. Killed between 3 and 4, the log tells whether it was cut:
/// if it was not, its entries are saved anew or stay, and the first file goes before the next cut, because it would hold writes twice, or writes that nobody has lost.
/// </summary>
internal sealed class DiscardedWrites(string directory, ILogger logger, TimeProvider time)
{
    private const string Fact = "discarded";
    private const string Prefix = "discarded-log-";

    private readonly Lock _lock = new();
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private volatile bool _mayBeOpen = true; // from the life before

    /// <summary>
    /// Called by the node before it cuts them off; may be called again for the same entries after a crash in between. Blocks: nothing else of the node may go on
    /// before they are safe.
    /// </summary>
    /// <exception cref="PosixException">They could not be saved, and must stay.</exception>
    public void Save(DiscardedEntries entries)
    {
        lock (_lock)
        {
            var (log, state) = (entries.Log, entries.State);
            var facts = Reconsider(log, Load(state));
            OpenDiscard? open = null;
            DiscardedTail.RemoveUnfinished(directory, Prefix);
            // The time is in the name, because the same GTIDs may be discarded again in a later epoch, with another content.
            var saved = DiscardedTail.Save(log, entries.FirstLsn, entries.LastLsn, (first, last) =>
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{time.GetUtcNow():yyyyMMdd-HHmmss-fff}-{first}-to-{last}.binlog");
                open = new OpenDiscard(
                    Path.Combine(directory, name), entries.FirstLsn, log.TermAt(entries.FirstLsn), entries.LastLsn, log.TermAt(entries.LastLsn), 0, first, last);
                Store(state, facts with { Open = [.. facts.Open, open] });                     // 1
                return open.File;
            });                                                                                // 2
            if (saved is null)
            {
                Store(state, facts); // a no-op, a configuration
                return;
            }
            Store(state, facts with { Open = [.. facts.Open, open! with { Transactions = saved.Groups }] }); // 3
            HostLog.Discarded(logger, saved.Groups, saved.First, saved.Last, entries.NewLeader, saved.File);
        }
    }

    /// <summary>To be called now and then: tells of what was cut off durably, until the history has it on the disk.</summary>
    /// <param name="log">The node's log.</param>
    /// <param name="state">The node's state.</param>
    /// <param name="isTold">Whether the history has the event with this file.</param>
    /// <param name="tell">Puts it there.</param>
    public void Settle(WriteAheadLog log, IStateStore state, Func<string, bool> isTold, Action<OpenDiscard> tell)
    {
        if (!_mayBeOpen)
            return;
        lock (_lock)
        {
            try
            {
                var facts = Load(state);
                var now = facts;
                foreach (var open in facts.Open)
                {
                    if (!open.IsSaved)
                        now = Undone(now, open);
                    else if (log.Durable.Lsn < open.FirstLsn || log.TermAt(open.FirstLsn) == open.FirstTerm)
                        continue; // not cut yet, or not durably
                    else if (isTold(open.File))                                                // 5
                        now = new DiscardFacts(now.Transactions + open.Transactions, open.File, now.Open.Remove(open));
                    else if (_told.Add(open.File))                                             // 4
                        tell(open);
                }
                if (now != facts)
                    Store(state, now);
                _mayBeOpen = !now.Open.IsEmpty;
            }
            catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
            {
                // No space, most likely. The notes are as they were, and the next look tries again.
            }
        }
    }

    /// <summary>How many transactions this node's log has given up since its data directory was made, and where the last of them are.</summary>
    public static (long Transactions, string? LastFile) Read(IStateStore state)
    {
        var facts = Load(state);
        return (facts.Transactions + facts.Open.Sum(o => o.Transactions), facts.Open.LastOrDefault(o => o.IsSaved)?.File ?? facts.LastFile);
    }

    /// <summary>
    /// Before a cut: what became of those before. The log holds an entry exactly when it has its LSN and term (Raft §5.3, log matching); where it holds all that was saved, that cut
    /// never reached the disk.
    /// </summary>
    private static DiscardFacts Reconsider(WriteAheadLog log, DiscardFacts facts)
    {
        foreach (var open in facts.Open)
        {
            var stands = log.TermAt(open.FirstLsn) == open.FirstTerm && log.TermAt(open.LastLsn) == open.LastTerm;
            if (!open.IsSaved || stands)
                facts = Undone(facts, open);
        }
        return facts;
    }

    /// <summary>The log still holds all of it: the file is one too many.</summary>
    private static DiscardFacts Undone(DiscardFacts facts, OpenDiscard open)
    {
        File.Delete(open.File);
        return facts with { Open = facts.Open.Remove(open) };
    }

    private static DiscardFacts Load(IStateStore state) =>
        state.Get(Fact) is { } json ? JsonSerializer.Deserialize(json, DiscardJson.Default.DiscardFacts)! : new DiscardFacts(0, null, []);

    private void Store(IStateStore state, DiscardFacts facts)
    {
        state.Put(Fact, JsonSerializer.Serialize(facts, DiscardJson.Default.DiscardFacts));
        _mayBeOpen = !facts.Open.IsEmpty;
    }
}

/// <summary>What this node has discarded, as its state keeps it.</summary>
/// <param name="Transactions">Without those of <paramref name="Open"/>.</param>
/// <param name="LastFile">Where the last of them are saved.</param>
/// <param name="Open">What is not known to be over, oldest first.</param>
internal sealed record DiscardFacts(long Transactions, string? LastFile, ImmutableArray<OpenDiscard> Open);

/// <summary>Entries that are being cut off.</summary>
/// <param name="File">Where their transactions are saved.</param>
/// <param name="FirstLsn">The first entry.</param>
/// <param name="FirstTerm">Its term.</param>
/// <param name="LastLsn">The last entry.</param>
/// <param name="LastTerm">Its term.</param>
/// <param name="Transactions">How many; 0 until they are saved.</param>
/// <param name="First">GTID of the first.</param>
/// <param name="Last">GTID of the last.</param>
internal sealed record OpenDiscard(string File, long FirstLsn, long? FirstTerm, long LastLsn, long? LastTerm, int Transactions, string First, string Last)
{
    [JsonIgnore]
    public bool IsSaved => Transactions > 0;
}

[JsonSerializable(typeof(DiscardFacts))]
internal sealed partial class DiscardJson : JsonSerializerContext;
