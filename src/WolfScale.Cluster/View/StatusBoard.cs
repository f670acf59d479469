using System.Collections.Immutable;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What the node itself contributes to a view.</summary>
/// <param name="Reason">Why it is not a member, or empty.</param>
internal sealed record SelfFacts(
    NodeKey Key, string Address, NodeReport Report, NodeKey? Leader, Configuration? Configuration, string ClusterName, string Reason, bool Witness);

/// <summary>
/// Collects what the nodes say about themselves and makes the <see cref="ClusterView"/>: their own words, unless their silence says more. Who is silent, the leader says
/// where there is one, so that all nodes show the same; without one, each goes by what it hears itself.
/// </summary>
internal sealed class StatusBoard(CurrentOptions options)
{
    /// <summary>Reports kept at most; those of nodes long gone are dropped.</summary>
    private const int MaxReports = 128;

    private readonly Lock _lock = new();
    private readonly Dictionary<NodeKey, Heard> _reports = [];
    private (NodeKey From, Sightings Sightings, long AtMs)? _told;

    private readonly record struct Heard(NodeReport Report, string Address, long AtMs);

    /// <summary>A leader has said how it sees the members.</summary>
    public void Told(NodeKey from, Sightings sightings, long nowMs)
    {
        lock (_lock)
            _told = (from, sightings, nowMs);
    }

    /// <summary>On the leader: how it sees the other members of this view.</summary>
    public Sightings Sight(ClusterView view, Configuration configuration, NodeKey self, long nowMs) => new(
        [.. configuration.Members.Where(m => m.Key != self).Select(m => (Member: m, Node: view.Find(m.Key.Id))).Where(m => m.Node is { } node && node.Incarnation == m.Member.Key.Incarnation)
            .Select(m => new Sighting(m.Member.Key, IsAway(Find(m.Member.Key, nowMs)), m.Node!.Status, m.Node.Reason))]);

    /// <summary>A node has spoken.</summary>
    public void Record(NodeKey key, string address, NodeReport report, long nowMs)
    {
        lock (_lock)
        {
            if (_reports.Count >= MaxReports && !_reports.ContainsKey(key))
                _reports.Remove(_reports.MinBy(pair => pair.Value.AtMs).Key);
            _reports[key] = new Heard(report, address, nowMs);
        }
    }

    /// <summary>A node's last report and its age, or null when it was never heard.</summary>
    public (NodeReport Report, long AgeMs)? Find(NodeKey key, long nowMs)
    {
        lock (_lock)
            return _reports.TryGetValue(key, out var heard) ? (heard.Report, nowMs - heard.AtMs) : null;
    }

    public ClusterView Build(SelfFacts self, long nowMs)
    {
        Dictionary<NodeKey, Heard> reports;
        var told = ImmutableDictionary<NodeKey, Sighting>.Empty;
        lock (_lock)
        {
            reports = new(_reports);
            if (_told is { } words && words.From == self.Leader && words.From != self.Key && nowMs - words.AtMs < LaggingMs)
                told = words.Sightings.Members.DistinctBy(s => s.Key).ToImmutableDictionary(s => s.Key);
        }

        var behind = reports.Values.Where(h => h.Report.Role == RaftRole.Leader && nowMs - h.AtMs < options.Value.DropAfterS * 1000L)
            .SelectMany(h => h.Report.BehindRetention).Concat(self.Report.BehindRetention).ToHashSet();
        var nodes = new List<NodeView>();
        foreach (var member in self.Configuration?.Members ?? [])
        {
            nodes.Add(member.Key == self.Key
                ? Own(self, member, behind)
                : ByTheLeader(told.GetValueOrDefault(member.Key), member, reports.TryGetValue(member.Key, out var heard) ? heard : null, self, behind, nowMs));
        }
        if (nodes.TrueForAll(n => n.Id != self.Key.Id))
            nodes.Add(Own(self, null, behind));
        foreach (var (key, heard) in reports)
        {
            // Nodes on their way in, not those that have left and were stopped; a former incarnation is not shown beside the present one.
            if (nowMs - heard.AtMs < LaggingMs && !heard.Report.Goodbye && nodes.TrueForAll(n => n.Id != key.Id))
                nodes.Add(Other(new Member(key, heard.Address, MemberRole.Learner), heard, self, behind, nowMs, joining: true));
        }
        nodes.Sort((a, b) => string.CompareOrdinal(a.Id, b.Id));
        return new ClusterView
        {
            ClusterName = self.Configuration?.ClusterName ?? self.ClusterName,
            ClusterId = self.Configuration?.ClusterId ?? Guid.Empty,
            Mode = self.Configuration?.Mode ?? options.Value.Mode,
            Term = self.Report.Term,
            LeaderId = self.Leader?.Id,
            CommitLsn = self.Report.CommitLsn,
            SelfId = self.Key.Id,
            Stopped = self.Report.Stopped.Length == 0 ? null : self.Report.Stopped,
            Nodes = [.. nodes],
        };
    }

    private long LaggingMs => 3L * options.Value.HeartbeatIntervalMs;

    private static NodeView Own(SelfFacts self, Member? member, HashSet<NodeKey> behind)
    {
        var (status, reason) = Spoken(self.Report, self.Key, member, behind);
        if (member is null && self.Report.Stopped.Length == 0)
            (status, reason) = (NodeStatus.Joining, self.Reason.Length > 0 ? self.Reason : "not a member yet");
        var filled = Fill(self.Key, self.Address, member, self.Report, self.Leader, self.Report.CommitLsn);
        return filled with
        {
            Witness = member?.Witness ?? self.Witness, Role = member is null && self.Witness ? NodeRole.Witness : filled.Role, Status = status, Reason = reason, LastHeardMs = 0,
        };
    }

    private bool IsAway((NodeReport Report, long AgeMs)? last) => last is not { } heard || heard.Report.Goodbye || heard.AgeMs >= LaggingMs;

    /// <summary>A node that both hear is what it says itself: that is newer than what the leader has passed on.</summary>
    private NodeView ByTheLeader(Sighting? sighting, Member member, Heard? heard, SelfFacts self, HashSet<NodeKey> behind, long nowMs)
    {
        var own = Other(member, heard, self, behind, nowMs);
        return sighting is { } leaders && (leaders.IsAway || IsAway(heard is { } last ? (last.Report, nowMs - last.AtMs) : null))
            ? own with { Status = leaders.Status, Reason = leaders.Reason }
            : own;
    }

    private NodeView Other(Member member, Heard? heard, SelfFacts self, HashSet<NodeKey> behind, long nowMs, bool joining = false)
    {
        if (heard is not { } last)
        {
            return Fill(member.Key, member.Address, member, null, self.Leader, 0) with
            {
                Status = NodeStatus.Offline, Reason = "not heard since this node started",
            };
        }
        var ageMs = nowMs - last.AtMs;
        var (status, reason) = Spoken(last.Report, member.Key, member, behind);
        if (joining)
            (status, reason) = (NodeStatus.Joining, "not a member yet");
        if (last.Report.Goodbye)
            (status, reason) = (NodeStatus.Offline, "it was stopped");
        else if (ageMs >= options.Value.DropAfterS * 1000L)
            (status, reason) = (NodeStatus.Dropped, $"not heard for {ageMs / 1000} s");
        else if (ageMs >= LaggingMs)
            (status, reason) = (NodeStatus.Lagging, $"not heard for {(ageMs < 10_000 ? $"{ageMs} ms" : $"{ageMs / 1000} s")}, at least three heartbeats");
        return Fill(member.Key, member.Address, member, last.Report, self.Leader, self.Report.CommitLsn) with
        {
            Status = status, Reason = reason, LastHeardMs = ageMs,
        };
    }

    /// <summary>The status by a node's own words and its place in the configuration.</summary>
    private static (NodeStatus Status, string Reason) Spoken(NodeReport report, NodeKey key, Member? member, HashSet<NodeKey> behind)
    {
        if (report.Stopped.Length > 0)
            return (NodeStatus.Offline, report.Stopped);
        if (behind.Contains(key))
            return (NodeStatus.NeedsMigration, "the entries it needs are no longer in the leader's log: copy a database to it with 'wolfctl migrate'");
        if (member is { IsVoter: false } && report.Local.Status != NodeStatus.NeedsMigration)
            return (NodeStatus.Syncing, report.Local.Reason.Length > 0 ? report.Local.Reason : "catching up with the log, no vote yet");
        return (report.Local.Status, report.Local.Reason);
    }

    private static NodeView Fill(NodeKey key, string address, Member? member, NodeReport? report, NodeKey? leader, long commitLsn)
    {
        var local = report?.Local ?? new LocalState();
        var witness = member?.Witness ?? false;
        return new NodeView
        {
            Id = key.Id,
            Incarnation = key.Incarnation,
            ClusterAddress = address,
            ApiAddress = local.ApiAddress,
            ProxyAddress = local.ProxyAddress,
            // A witness that has won an election hands over as soon as another has what it has (rule C3): it leads nobody's writes.
            Role = witness ? NodeRole.Witness
                : leader == key ? NodeRole.Leader
                : report?.Role is RaftRole.Candidate or RaftRole.PreCandidate ? NodeRole.Candidate
                : member is { IsVoter: true } ? NodeRole.Follower : NodeRole.Learner,
            LastLsn = report?.DurableLsn ?? 0,
            AppliedLsn = local.AppliedLsn,
            AppliedGtid = local.AppliedGtid,
            LagEntries = report is null || witness ? 0 : Math.Max(0, Math.Max(commitLsn, report.CommitLsn) - local.AppliedLsn),
            Voter = member?.IsVoter ?? false,
            NeverLeader = member?.NeverLeader ?? false,
            Witness = witness,
            Fit = local.Fit,
            DatabaseHealth = local.DatabaseHealth,
            DatabaseVersion = local.DatabaseVersion,
            DatabaseServerId = local.DatabaseServerId,
            DatabaseAnnouncement = local.DatabaseAnnouncement,
        };
    }
}
