using System.Collections.Immutable;
using System.Net;
using WolfScale.Protocol;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Routing;

/// <summary>
/// Where statements can go at one moment. Immutable, swapped whole.
/// </summary>
/// <param name="Epoch">Another number whenever another leadership has begun, also of the same node.</param>
/// <param name="Leader">The leader's server when it stands beside this proxy, else the proxy of the leader's node; null while nobody is known to serve.</param>
/// <param name="LeaderIsHere">The leader's server is this node's own.</param>
/// <param name="LeaderId">Name of the leader, for people.</param>
/// <param name="Readers">Servers that follow and may be read from: this node's own where it does; all fit followers where the proxy stands alone.</param>
public sealed record Routes(long Epoch, EndPoint? Leader, bool LeaderIsHere, string LeaderId, ImmutableArray<Reader> Readers)
{
    public static Routes Nowhere { get; } = new(0, null, false, "", []);

    /// <summary>Another number whenever a reader has come or gone: then sessions choose again.</summary>
    public int ReadersVersion { get; init; }

    /// <summary>How often the local server has been closed for writes so far. Between two closings nothing on it is undone.</summary>
    public int Closings { get; init; }

    /// <summary>The local server is about to give the lead away: what would begin something waits, what has begun may end.</summary>
    public bool IsHandingOver { get; init; }
}

/// <summary>The cluster as the proxy needs it; made by the node's host from the cluster's view.</summary>
public interface IClusterRoutes
{
    Routes Current { get; }

    /// <summary>Views and routines of the local server that do more than they show, as they were a moment ago; where there is no local server, as the leader's node told. The same object as long as they are the same.</summary>
    HiddenViews Views => HiddenViews.None;

    /// <summary>A connection to this address was lost, or refused by a node that does not have this role any more: worth a look at the cluster.</summary>
    void Lost(EndPoint address)
    {
        // A node hears of the cluster itself.
    }

    /// <summary>
    /// The GTID of the last transaction that anybody can have been told of when this was asked: a round of messages to a majority, started after the
    /// question (Raft thesis §6.4). Null where the log holds none.
    /// </summary>
    /// <exception cref="Exception">No leader confirmed it.</exception>
    Task<Gtid?> ReadIndexAsync();

    /// <summary>Clients of other nodes' proxies, and of proxies without a node that those serve, that were greeted with this id. Ends in time, and finds nobody where others cannot be asked.</summary>
    /// <param name="clientId">The id.</param>
    /// <param name="user">The user name they have logged in with.</param>
    Task<IReadOnlyList<RemoteClient>> FindClientsAsync(uint clientId, string user) => Task.FromResult<IReadOnlyList<RemoteClient>>([]);
}

/// <summary>A client as its proxy knows it, at one moment.</summary>
/// <param name="ConnectionId">Of its connection on the leader's server; 0 where it has none.</param>
/// <param name="Reads">A read of it runs on a reader.</param>
/// <param name="Through">The proxy without a node whose client it is, else 0. Several nodes may serve one such client: each knows its own part.</param>
public readonly record struct ClientPlace(uint ConnectionId, bool Reads, ulong Through = 0);

/// <summary>A client of another proxy.</summary>
/// <param name="Place">Where it is.</param>
/// <param name="End">Has its read on a reader ended; with true its session, too. Does not wait.</param>
public sealed record RemoteClient(ClientPlace Place, Action<bool> End)
{
    /// <summary>One for each client: what nodes know of one puts together.</summary>
    public static IReadOnlyList<RemoteClient> Joined(IReadOnlyList<RemoteClient> parts) =>
    [
        .. parts.Where(part => part.Place.Through == 0),
        .. from part in parts
           where part.Place.Through != 0
           group part by part.Place.Through into client
           select new RemoteClient(new ClientPlace(client.Max(p => p.Place.ConnectionId), client.Any(p => p.Place.Reads), client.Key), session =>
           {
               foreach (var part in client)
                   part.End(session);
           }),
    ];
}

/// <summary>What the quorum knows of a transaction that the local server reports as committed.</summary>
public enum QuorumAnswer
{
    /// <summary>A majority holds it: the promise can be made.</summary>
    Held,

    /// <summary>Not yet.</summary>
    NotYet,

    /// <summary>The log certainly does not hold it and never will: the transaction was not committed.</summary>
    Gone,

    /// <summary>The leadership under which it was written has ended, and what became of it is not known yet.</summary>
    Lost,
}

/// <summary>The OK gate's source (design: "Two gates, not one"), asked on a leader for every OK that reports a GTID. Cheap, from any thread.</summary>
public interface IQuorumGate
{
    /// <param name="gtid">As the server reports it.</param>
    /// <param name="epoch"><see cref="Routes.Epoch"/> when the statement was sent: a GTID says which transaction it is only together with it.</param>
    /// <param name="closings"><see cref="Routes.Closings"/> when the statement was sent.</param>
    QuorumAnswer Ask(Gtid gtid, long epoch, int closings);

    /// <summary>Whether the local server's binary log is on, at a moment after the question; asked where something may have committed and no GTID is reported of it.</summary>
    /// <exception cref="Exception">The server does not answer.</exception>
    Task<bool> LogsAsync();
}
