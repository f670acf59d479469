namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 162: begins an event group. Layout (MariaDB Knowledge Base, "GTID_EVENT"): sequence 8 · domain 4 · flags 1 ·
/// commit id 8 where <see cref="GtidFlags.GroupCommitId"/> · XID (format 4, two lengths 1 + 1, data) where XA · more, which is not read here.
/// </summary>
public readonly ref struct GtidEvent
{
    private GtidEvent(Gtid gtid, GtidFlags flags, ulong? commitId, int xidFormat, ReadOnlySpan<byte> xidGlobal, ReadOnlySpan<byte> xidBranch)
    {
        Gtid = gtid;
        Flags = flags;
        CommitId = commitId;
        XidFormat = xidFormat;
        XidGlobal = xidGlobal;
        XidBranch = xidBranch;
    }

    public Gtid Gtid { get; }

    public GtidFlags Flags { get; }

    /// <summary>Same for all groups of one group commit; null when the group was written alone.</summary>
    public ulong? CommitId { get; }

    /// <summary>The XID's format id; 0 where the group is not of an XA transaction.</summary>
    public int XidFormat { get; }

    /// <summary>The XID's global transaction part (<c>gtrid</c>); empty where there is none.</summary>
    public ReadOnlySpan<byte> XidGlobal { get; }

    /// <summary>The XID's branch part (<c>bqual</c>).</summary>
    public ReadOnlySpan<byte> XidBranch { get; }

    /// <param name="header">The event's header: the server id stands there.</param>
    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static GtidEvent Read(scoped in EventHeader header, ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var sequence = reader.ReadUInt64();
        var domain = reader.ReadUInt32();
        var flags = (GtidFlags)reader.ReadByte();
        ulong? commitId = (flags & GtidFlags.GroupCommitId) != 0 ? reader.ReadUInt64() : null;
        var gtid = new Gtid(domain, header.ServerId, sequence);
        if ((flags & (GtidFlags.PreparedXa | GtidFlags.CompletedXa)) == 0)
            return new GtidEvent(gtid, flags, commitId, 0, default, default);
        var format = (int)reader.ReadUInt32();
        var globalLength = reader.ReadByte();
        var branchLength = reader.ReadByte();
        return new GtidEvent(gtid, flags, commitId, format, reader.ReadBytes(globalLength), reader.ReadBytes(branchLength));
    }
}
