using System.Collections.Immutable;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>The cluster as the answers of its nodes show it. Pure: the same answers give the same view.</summary>
/// <param name="Term">The newest in which somebody leads; without one, the newest.</param>
/// <param name="LeaderId">Who leads in it, or null.</param>
/// <param name="Members">By id.</param>
internal sealed record RemoteView(string? ClusterName, string? ClusterId, long Term, string? LeaderId, ImmutableArray<RemoteMember> Members)
{
    /// <summary>A reader that falls this far behind is none any more.</summary>
    public const long MostEntriesBehind = 1000;

    public static RemoteView Unknown { get; } = new(null, null, 0, null, []);

    public RemoteMember? Leader => LeaderId is { } id ? Find(id) : null;

    public RemoteMember? Find(string id) => Members.FirstOrDefault(m => m.Id == id);

    /// <summary>Puts the answers together.</summary>
    /// <param name="answers">Of nodes that were heard last time, of one cluster.</param>
    /// <param name="before">The view until now: who is a reader may be further behind than who becomes one.</param>
    public static RemoteView Of(IReadOnlyCollection<ClusterDocument> answers, RemoteView before)
    {
        if (answers.Count == 0)
            return before with { Members = [.. before.Members.Select(m => m with { ServesReads = false, Heard = false })] };
        // Of two that lead, the one of the later term does; a node that was cut off and counts terms alone knows no leader.
        var newest = answers.OrderByDescending(a => a.Leader is not null).ThenByDescending(a => a.Term).ThenByDescending(a => a.Node == a.Leader).ThenByDescending(a => a.CommitLsn).First();
        var own = answers.GroupBy(a => a.Node).ToDictionary(g => g.Key, g => g.MaxBy(a => a.Term)!);
        return new RemoteView(
            newest.ClusterName, newest.ClusterId, newest.Term, newest.Leader,
            [.. newest.Nodes.OrderBy(n => n.Id, StringComparer.Ordinal).Select(n => Member(n, own.GetValueOrDefault(n.Id), newest, before.Find(n.Id)))]);
    }

    private static RemoteMember Member(MemberReport told, ClusterDocument? own, ClusterDocument newest, RemoteMember? before)
    {
        var self = own?.Nodes.FirstOrDefault(n => n.Id == told.Id) ?? told;
        var most = before is { ServesReads: true } ? MostEntriesBehind : MostEntriesBehind / 2;
        return new RemoteMember
        {
            Id = told.Id,
            Api = self.Api ?? told.Api,
            Proxy = self.Proxy ?? told.Proxy,
            Role = self.Role,
            Status = self.Status,
            Reason = self.Reason,
            AppliedLsn = self.AppliedLsn,
            LagEntries = self.LagEntries,
            Heard = own is not null,
            AcceptsWrites = own?.AcceptsWrites,
            KnowsTerm = own is not null && own.Term == newest.Term,
            GtidPosition = own?.GtidPosition,
            ProxySessions = own?.ProxySessions,
            // A node that was cut off stands for election, or knows no leader: it says itself that it does not follow.
            ServesReads = own is { ServesReads: true } && told.Id != newest.Leader && self.Role == "FOLLOWER" && self.LagEntries <= most,
        };
    }
}

/// <summary>One node in a <see cref="RemoteView"/>: what it says of itself where it was heard, else what another says of it.</summary>
internal sealed record RemoteMember
{
    public required string Id { get; init; }

    public string? Api { get; init; }

    public string? Proxy { get; init; }

    public string? Role { get; init; }

    public string? Status { get; init; }

    public string? Reason { get; init; }

    public long? AppliedLsn { get; init; }

    public long? LagEntries { get; init; }

    /// <summary>It has answered itself.</summary>
    public bool Heard { get; init; }

    /// <summary>It leads, and its server is open; null where it has not said so itself.</summary>
    public bool? AcceptsWrites { get; init; }

    /// <summary>It has heard of the newest leader by now.</summary>
    public bool KnowsTerm { get; init; }

    public string? GtidPosition { get; init; }

    public int? ProxySessions { get; init; }

    /// <summary>Reads may be sent to it.</summary>
    public bool ServesReads { get; init; }
}
