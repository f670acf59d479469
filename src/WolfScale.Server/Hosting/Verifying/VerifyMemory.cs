using System.Text.Json;
using WolfScale.Cluster.State;

namespace WolfScale.Server.Hosting.Verifying;

/// <summary>What became of the last comparison in which this node took part, over restarts. Every node that took part is told, so that the next leader knows too.</summary>
internal sealed class VerifyMemory(IStateStore state)
{
    private const string Key = "verified";

    private volatile VerifiedDocument? _last = state.Get(Key) is { } text ? JsonSerializer.Deserialize(text, ApiJson.Default.VerifiedDocument) : null;

    public VerifiedDocument? Last => _last;

    /// <summary>Whether the last one was so long ago, or there was none.</summary>
    public bool IsOlderThan(TimeSpan interval, DateTimeOffset now) => _last is not { } last || now >= last.At + interval;

    /// <summary>Whether one of these was not compared last time. Then it was not proven of all that they are identical.</summary>
    public bool Lacks(IEnumerable<string> nodes) => _last is not { } last || nodes.Any(n => !last.Nodes.Contains(n));

    /// <summary>Remembers it; an older one than what is known counts for nothing.</summary>
    public void Note(VerifyOutcome outcome)
    {
        if (_last is { } known && known.At >= outcome.At)
            return;
        var next = new VerifiedDocument(
            outcome.At, outcome.Lsn, outcome.Identical, outcome.Nodes, [.. outcome.Different.Union((_last?.Different ?? []).Where(node => !IsEqual(outcome, node)))],
            outcome.Identical ? outcome.At : _last?.IdenticalAt, outcome.Identical ? outcome.Lsn : _last?.IdenticalLsn);
        state.Put(Key, JsonSerializer.Serialize(next, ApiJson.Default.VerifiedDocument));
        _last = next;
    }

    /// <summary>A node that was different stays so until it was compared whole.</summary>
    private static bool IsEqual(VerifyOutcome outcome, string node) => outcome.Identical || (outcome.Whole && outcome.Nodes.Contains(node) && !outcome.Different.Contains(node));
}
