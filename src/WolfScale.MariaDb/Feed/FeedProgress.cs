using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>How far a feed has come, and how far it may go. Written by the stream's thread and by whoever sets the limit.</summary>
internal sealed class FeedProgress
{
    private readonly Lock _gate = new();
    private long _stopAtLsn = long.MaxValue;
    private Gtid? _gtid;
    private long _lsn;
    private long _groups;
    private long _bytes;

    /// <summary>No group that ends behind this LSN is sent.</summary>
    public long StopAtLsn
    {
        get => Volatile.Read(ref _stopAtLsn);
        set => Volatile.Write(ref _stopAtLsn, value);
    }

    /// <summary>Hears of groups that may change a view, a routine or a trigger, before the replica gets them. Of the stream's thread; must be short.</summary>
    public Action<Gtid>? Defining { get; set; }

    /// <summary>A group was handed to the replica's connection.</summary>
    public void Sent(Gtid gtid, long lsn, long streamBytes)
    {
        lock (_gate)
        {
            _gtid = gtid;
            _lsn = lsn;
            _groups++;
            _bytes = streamBytes;
        }
    }

    public FeedStatus Snapshot(FeedReplica? replica)
    {
        lock (_gate)
            return new FeedStatus(replica, _gtid, _lsn, _groups, _bytes);
    }
}
