using System.Collections.Immutable;
using System.Text.Json;
using WolfScale.Client.Events;
using WolfScale.Cluster.History;
using WolfScale.Server.Http;

namespace WolfScale.Server.Dashboard;

/// <summary>All nodes' histories as one, as <c>wolfctl events</c> tells them: why the lead moved is known to the node that gave it away.</summary>
internal sealed class ClusterHistory(EventHistory own)
{
    /// <summary>Of each node, and of all together: as much as a person looks through.</summary>
    public const int Kept = 100;

    private ImmutableArray<EventDocument> _others;
    private long _last = -1;
    private ToldHistory _told = new(0, default);

    /// <summary>Of this node: what came after an event; the newest where that is 0, or is none of this history.</summary>
    public ImmutableArray<EventDocument> Own(long since) =>
        [.. (since == 0 || since > own.LastId ? own.Newest(Kept) : own.After(since, Kept)).Select(EventEndpoints.Document)];

    /// <summary>All together; made anew where something has happened. Called by one at a time.</summary>
    /// <param name="others">The other nodes' newest.</param>
    public ToldHistory Look(ImmutableArray<EventDocument> others)
    {
        if (own.LastId is var last && last == _last && others == _others)
            return _told;
        (_last, _others) = (last, others);
        ImmutableArray<EventDocument> all = [.. EventFolder.Fold(Own(0).Concat(others)).TakeLast(Kept)];
        return _told = new ToldHistory(_told.Number + 1, JsonSerializer.SerializeToUtf8Bytes(all, ApiJson.Readable.ImmutableArrayEventDocument));
    }
}

/// <summary>What happened, as it is sent.</summary>
/// <param name="Number">Another one when something has happened since.</param>
/// <param name="Json">Events, oldest first.</param>
internal sealed record ToldHistory(long Number, ReadOnlyMemory<byte> Json);
