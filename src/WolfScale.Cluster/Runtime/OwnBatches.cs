using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>Builds the entries that consensus itself writes: a term's no-op, and configurations.</summary>
internal static class OwnBatches
{
    public static WalBatch Build(BatchInfo info)
    {
        using var sealed_ = info.Configuration is { } configuration ? Configuration(configuration) : NoOp();
        return sealed_.Assign(info.FirstLsn, info.Term);
    }

    /// <summary>The entry of a new term (Raft §8): commits what earlier terms left, and carries nothing.</summary>
    public static SealedBatch NoOp() => Seal(EntryKind.NoOp, []);

    public static SealedBatch Configuration(Configuration configuration) => Seal(EntryKind.Configuration, ConfigurationCodec.Encode(configuration));

    private static SealedBatch Seal(EntryKind kind, ReadOnlySpan<byte> payload)
    {
        using var builder = new WalBatchBuilder(compress: false);
        if (!builder.TryAdd(kind, EntryFlags.None, default, payload))
            throw new InvalidOperationException($"an entry of kind {kind} and {payload.Length} bytes does not fit into an empty batch");
        return builder.Seal();
    }
}
