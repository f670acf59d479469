using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>What a node brings back from its disk.</summary>
/// <param name="HardState">
/// Term and vote as last persisted; (0, null) for a new node. The term is never below that of the log's last entry: whoever resets a log to
/// begin after a migrated position raises it first.
/// </param>
/// <param name="Configurations">
/// Configurations by ascending LSN: the latest one at or before <paramref name="CommitLsn"/> and every later one in the log. Empty for a
/// node that waits to be joined.
/// </param>
/// <param name="CommitLsn">A commit LSN known earlier, or 0: it is learned anew from a leader.</param>
/// <param name="Generation">The log's truncation counter at start, see <see cref="Effect.Truncate"/>.</param>
/// <param name="DurableLsn">
/// Up to here the log is durable, a batch boundary. Null: all of it, because it was synced when it was opened. What is beyond counts when
/// <see cref="RaftCore.LogDurable"/> says so.
/// </param>
public sealed record RestoredState(
    HardState HardState, ImmutableArray<PlacedConfiguration> Configurations, long CommitLsn = 0, long Generation = 0, long? DurableLsn = null)
{
    /// <summary>A node that has nothing yet.</summary>
    public static RestoredState Empty { get; } = new(default, []);
}
