using System.Net;

namespace WolfScale.Proxy.Routing;

/// <summary>
/// A follower's server that reads may be sent to: the node's own, or another's through that node's proxy. A new one is made for every time in which the
/// server follows, because what is known of its position holds no longer: on its way to following again a server may be rewound.
/// </summary>
/// <param name="id">Of its node.</param>
/// <param name="address">Of the server, or of the proxy beside it.</param>
/// <param name="load">Shared by all readers of the same node, one after the other.</param>
/// <param name="before">The reader that this one takes the place of while its server goes on following; null: a new time begins.</param>
public sealed class Reader(string id, EndPoint address, ReaderLoad load, Reader? before = null)
{
    private ulong _told = before?._told ?? 0;
    private ulong _seen = before?._seen ?? 0;

    public string Id => id;

    public EndPoint Address => address;

    /// <summary>The other side is the proxy of the reader's node, which is asked to answer from its own server.</summary>
    public bool IsHop { get; init; }

    public ReaderLoad Load => load;

    /// <summary>Sessions of other proxies on the same node, as it reported last.</summary>
    public int OtherSessions { get; init; }

    /// <summary>How far it has certainly applied the cluster's transactions: the sequence of a GTID. 0: unknown.</summary>
    public ulong Reached => Math.Max(Volatile.Read(ref _told), Volatile.Read(ref _seen));

    /// <summary>Its node says where it stands.</summary>
    public void Tell(ulong sequence) => Volatile.Write(ref _told, sequence);

    /// <summary>A session has waited there for a transaction, and it came.</summary>
    public void See(ulong sequence)
    {
        var seen = Volatile.Read(ref _seen);
        while (sequence > seen)
        {
            var before = Interlocked.CompareExchange(ref _seen, sequence, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }
}

/// <summary>What this proxy has at a reader. Counted on all loops.</summary>
public sealed class ReaderLoad
{
    private int _connections;
    private long _reads;
    private volatile bool _isSuspect;

    /// <summary>Open connections of sessions.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Statements that were sent there since the start.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>A connection to it was lost or refused, and its node has not been heard since: nobody else begins with it.</summary>
    public bool IsSuspect { get => _isSuspect; set => _isSuspect = value; }

    internal void Enter() => Interlocked.Increment(ref _connections);

    internal void Leave() => Interlocked.Decrement(ref _connections);

    internal void CountRead() => Interlocked.Increment(ref _reads);
}
