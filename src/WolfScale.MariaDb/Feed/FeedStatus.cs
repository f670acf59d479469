using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>The feed at one moment.</summary>
/// <param name="Replica">Who is connected; null when nobody is.</param>
/// <param name="SentGtid">Last group that was sent since the feed began; null before the first.</param>
/// <param name="SentLsn">Its last LSN; 0 before the first.</param>
/// <param name="Groups">Groups sent since the feed began.</param>
/// <param name="StreamBytes">Bytes of events on the present connection.</param>
public sealed record FeedStatus(FeedReplica? Replica, Gtid? SentGtid, long SentLsn, long Groups, long StreamBytes);

/// <summary>A replica that is being fed.</summary>
/// <param name="ServerId">Its <c>server_id</c>.</param>
/// <param name="StartPosition">Where it stood when it connected.</param>
public sealed record FeedReplica(uint ServerId, GtidPosition StartPosition);
