using WolfScale.Protocol;

namespace WolfScale.MariaDb.Positions;

/// <summary>Where a server says that it stands.</summary>
/// <param name="Binlog"><c>@@gtid_binlog_pos</c>: the last group in its binlog, un-acknowledged ones included.</param>
/// <param name="Slave"><c>@@gtid_slave_pos</c>: the last group it applied as a replica, or was seeded with.</param>
/// <param name="ServerId">Its <c>server_id</c>.</param>
/// <param name="Domain">The cluster's GTID domain.</param>
/// <param name="HasUserData">Whether it holds any schema of a user's (rule C2).</param>
public sealed record ServerPosition(GtidPosition Binlog, GtidPosition Slave, uint ServerId, uint Domain, bool HasUserData)
{
    /// <summary>
    /// The later of the two, for each domain: a freshly seeded server has only <see cref="Slave"/>, a former leader's is older than its
    /// binlog. Under <c>gtid_strict_mode</c> the sequence number tells which is later.
    /// </summary>
    public GtidPosition Current
    {
        get
        {
            var current = Slave;
            foreach (var gtid in Binlog.Gtids)
            {
                if (current.Find(gtid.Domain) is not { } other || other.Sequence <= gtid.Sequence)
                    current = current.With(gtid);
            }

            return current;
        }
    }
}

/// <summary>The groups of a server's binlog, as far back as the comparison needs.</summary>
/// <param name="Start">The server's position before the first of them. The log knows every group up to there.</param>
/// <param name="Groups">All groups after it, in the binlog's order, to its end.</param>
public sealed record BinlogHistory(GtidPosition Start, IReadOnlyList<Gtid> Groups);
