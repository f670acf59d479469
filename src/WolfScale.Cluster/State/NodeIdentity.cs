using System.Globalization;
using System.Security.Cryptography;
using WolfScale.Consensus;

namespace WolfScale.Cluster.State;

/// <summary>Why a node has got a new incarnation.</summary>
internal enum NewLife
{
    /// <summary>It has not: the data directory goes on as it was.</summary>
    None,

    /// <summary>The data directory is new or was emptied.</summary>
    Fresh,

    /// <summary>The data directory was used under another node.id.</summary>
    Renamed,

    /// <summary>The state is here and the log it belongs to is gone.</summary>
    LogLost,

    /// <summary>The cluster was recovered by force while this node was lost.</summary>
    Superseded,

    /// <summary>An operator has made this node the only voter of its cluster.</summary>
    Recovered,

    /// <summary>The log had lost what was synced, and was cut off there (rule C6).</summary>
    LogDamaged,
}

/// <summary>
/// Who this data directory is (rule C1). An incarnation stands for everything this node has promised: its votes and the entries it said are
/// durable. Where one of those is lost or may not be presumed, the promises end with the incarnation, and a new one, which nobody counts on
/// yet, begins as a learner.
/// </summary>
internal sealed class NodeIdentity
{
    private const string NodeIdFact = "node.id";
    private const string IncarnationFact = "node.incarnation";
    private const string FormerIdFact = "node.former_id";
    private const string FormerIncarnationFact = "node.former_incarnation";
    private const string ClusterIdFact = "cluster.id";
    internal const string LeftFact = "cluster.left";

    /// <summary>The value of <see cref="LeftFact"/> until it is true. An earlier version takes it for the whole truth.</summary>
    internal const string Leaving = "leaving";
    private const string SupersededFact = "cluster.superseded_by_term";
    private readonly SqliteStateStore _store;

    private NodeIdentity(SqliteStateStore store, NodeKey key, NodeKey? former, Guid clusterId, NewLife newLife)
    {
        _store = store;
        Key = key;
        Former = former;
        ClusterId = clusterId;
        NewLife = newLife;
    }

    public NodeKey Key { get; private set; }

    /// <summary>Who this data directory was before; its vote goes when this one joins. Null when it has always been the same.</summary>
    public NodeKey? Former { get; private set; }

    /// <summary>The cluster this data directory belongs to; empty before it has joined one.</summary>
    public Guid ClusterId { get; private set; }

    /// <summary>Whether this start began a new incarnation, and why.</summary>
    public NewLife NewLife { get; private set; }

    /// <summary>The node has left its cluster for good, as a leader has told it, and does not join by itself.</summary>
    public bool HasLeft => _store.Get(LeftFact) is { } value && value != Leaving;

    /// <summary>The node is to leave, and has not been told yet that it is out: it may be a member, and then its vote and its log still count.</summary>
    public bool IsLeaving => _store.Get(LeftFact) == Leaving;

    /// <summary>Reads who this data directory is, under the id that the configuration gives it.</summary>
    public static NodeIdentity Load(SqliteStateStore store, string nodeId, TimeProvider time)
    {
        var clusterId = Guid.TryParse(store.Get(ClusterIdFact), out var id) ? id : Guid.Empty;
        var former = ReadKey(store, FormerIdFact, FormerIncarnationFact);
        if (ReadKey(store, NodeIdFact, IncarnationFact) is not { } stored)
        {
            var fresh = new NodeIdentity(store, default, null, clusterId, NewLife.None);
            fresh.Begin(nodeId, null, NewLife.Fresh, time);
            return fresh;
        }
        var identity = new NodeIdentity(store, stored, former, clusterId, NewLife.None);
        if (stored.Id != nodeId)
            identity.Begin(nodeId, stored, NewLife.Renamed, time);
        if (long.TryParse(store.Get(SupersededFact), CultureInfo.InvariantCulture, out var term))
            identity.BeginAfter(term, time);
        return identity;
    }

    /// <summary>Ends the present incarnation: what it promised no longer holds. Durable when it returns.</summary>
    public void Renew(NewLife reason, TimeProvider time) => Begin(Key.Id, Key, reason, time);

    /// <summary>Binds the data directory to a cluster. Durable when it returns.</summary>
    public void Join(Guid clusterId)
    {
        _store.PutAll((ClusterIdFact, clusterId.ToString()), (LeftFact, null));
        ClusterId = clusterId;
    }

    /// <summary>The next start begins a new incarnation, in this term. Durable when it returns.</summary>
    public void Supersede(long term) => _store.Put(SupersededFact, term.ToString(CultureInfo.InvariantCulture));

    /// <summary>From here on the node goes, over restarts. Durable when it returns.</summary>
    public void BeginLeaving() => _store.Put(LeftFact, Leaving);

    /// <summary>It is out. Durable when it returns.</summary>
    public void Leave() => _store.Put(LeftFact, "1");

    /// <summary>It stays, or may join again. Durable when it returns.</summary>
    public void Return() => _store.Put(LeftFact, null);

    /// <summary>
    /// A new incarnation, in one transaction. Term and vote stay: an old vote can only make the new life more careful. Incarnations are the time in
    /// milliseconds and 20 random bits, so that a later life has the larger number, and two made at once still differ.
    /// </summary>
    private void Begin(string nodeId, NodeKey? former, NewLife reason, TimeProvider time)
    {
        var incarnation = ((ulong)time.GetUtcNow().ToUnixTimeMilliseconds() << 20) | (uint)RandomNumberGenerator.GetInt32(1 << 20);
        _store.PutAll(
            (NodeIdFact, nodeId),
            (IncarnationFact, incarnation.ToString(CultureInfo.InvariantCulture)),
            (FormerIdFact, former?.Id),
            (FormerIncarnationFact, former?.Incarnation.ToString(CultureInfo.InvariantCulture)));
        Key = new NodeKey(nodeId, incarnation);
        Former = former;
        NewLife = reason;
    }

    /// <summary>
    /// In this order: first nobody may count on this node; then it may enter the later term, in which it has voted for nobody; then it is done. After a
    /// crash in between it is done again.
    /// </summary>
    private void BeginAfter(long term, TimeProvider time)
    {
        Begin(Key.Id, Key, NewLife.Superseded, time);
        if (_store.LoadHardState().Term < term)
            _store.SaveHardState(new HardState(term, null));
        _store.Put(SupersededFact, null);
    }

    private static NodeKey? ReadKey(SqliteStateStore store, string idFact, string incarnationFact) =>
        store.Get(idFact) is { } id && ulong.TryParse(store.Get(incarnationFact), CultureInfo.InvariantCulture, out var incarnation)
            ? new NodeKey(id, incarnation)
            : null;
}
