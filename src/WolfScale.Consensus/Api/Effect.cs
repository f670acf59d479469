namespace WolfScale.Consensus;

/// <summary>
/// What the core wants done. The host executes effects completely and in order before it calls the core again.
/// </summary>
public abstract record Effect
{
    private Effect()
    {
    }

    /// <summary>Must be durable before any later effect is executed: a node persists before it answers (Raft §5.1).</summary>
    public sealed record PersistHardState(HardState State) : Effect;

    /// <summary>
    /// Leader: build and append this one-entry batch: the configuration entry when it carries a configuration, else the no-op of a new
    /// term.
    /// </summary>
    public sealed record AppendOwn(BatchInfo Batch) : Effect;

    /// <summary>
    /// Follower: append the batches of <see cref="AppendRequest.Batches"/> from index <paramref name="FirstBatch"/> on, byte for byte.
    /// </summary>
    public sealed record AppendReceived(AppendRequest Request, int FirstBatch) : Effect;

    /// <summary>
    /// Mode "available": the entries after <paramref name="LastKeptLsn"/> are about to be dropped, because the cluster goes on without them, and may have
    /// been acknowledged. They are still in the log now: save and report them. The commit LSN falls with them, here and nowhere else.
    /// </summary>
    /// <param name="LastKeptLsn">As in the <see cref="Truncate"/> that follows.</param>
    /// <param name="LastLsn">The last of them.</param>
    /// <param name="CommitLsn">The commit LSN from now on.</param>
    public sealed record Discarding(long LastKeptLsn, long LastLsn, long CommitLsn) : Effect;

    /// <summary>Drop everything after <paramref name="LastKeptLsn"/>.</summary>
    /// <param name="LastKeptLsn">Always a batch boundary, never below the commit LSN.</param>
    /// <param name="Generation">The truncation counter from now on: a sync begun earlier reports the older one and does not count.</param>
    public sealed record Truncate(long LastKeptLsn, long Generation) : Effect;

    /// <summary>
    /// Send, best effort; messages to one node should keep their order. For an <see cref="AppendRequest"/> the host adds the bytes of its
    /// batches.
    /// </summary>
    public sealed record Send(Message Message) : Effect;

    /// <summary>The commit LSN has risen. On a follower the entries up to it are durable in its own log as well.</summary>
    public sealed record CommitAdvanced(long Lsn) : Effect;

    /// <summary>Something of this node's role has changed.</summary>
    /// <param name="Role">This node's role.</param>
    /// <param name="Term">The term it belongs to.</param>
    /// <param name="Leader">The leader of that term, when known.</param>
    /// <param name="MayServe">This node leads and is fit. A leader with false must not open for writes (rule C3).</param>
    public sealed record RoleChanged(RaftRole Role, long Term, NodeKey? Leader, bool MayServe) : Effect;

    /// <summary>The configuration in force has changed: appended, or taken back because its entry was truncated.</summary>
    public sealed record ConfigurationChanged(Configuration Active, long Lsn) : Effect;

    /// <summary>
    /// A strong read that began with <paramref name="Context"/> may be served by data that includes <paramref name="Lsn"/>.
    /// </summary>
    public sealed record ReadIndexReady(long Context, long Lsn) : Effect;

    /// <summary>The leadership ended before the round of <paramref name="Context"/> did; ask the new leader.</summary>
    public sealed record ReadIndexAborted(long Context) : Effect;

    /// <summary>A transfer has ended: the target leads, or it does not and this node accepts proposals again if it still leads.</summary>
    /// <param name="Target">Who was to lead.</param>
    /// <param name="Succeeded">Whether it does.</param>
    /// <param name="Reason">Why not, for people; empty when it succeeded.</param>
    public sealed record LeadershipTransferEnded(NodeKey Target, bool Succeeded, string Reason) : Effect;

    /// <summary>
    /// Something that cannot happen while every node keeps its promises. The input that showed it was ignored; the node should stop
    /// serving.
    /// </summary>
    public sealed record SafetyAlarm(string What) : Effect;
}

/// <summary>Where the core puts its effects.</summary>
public interface IEffects
{
    void Add(Effect effect);
}

/// <summary>A reusable list of effects.</summary>
public sealed class EffectList : IEffects
{
    private readonly List<Effect> _items = [];

    public int Count => _items.Count;

    public Effect this[int index] => _items[index];

    public void Add(Effect effect) => _items.Add(effect);

    public void Clear() => _items.Clear();

    public List<Effect>.Enumerator GetEnumerator() => _items.GetEnumerator();
}
