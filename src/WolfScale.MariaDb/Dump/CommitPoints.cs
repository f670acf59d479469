namespace WolfScale.MariaDb.Dump;

/// <summary>
/// After which of a table's statements the loading session commits: after the first, and then every 16 MiB. A commit for each would be a sync for each, and one for a whole table an undo log of its size.
/// <para>
/// What is inserted into an empty table without checks InnoDB takes for a bulk load, until that transaction ends; and as long as it is open one of InnoDB's own threads keeps half a core busy and more
/// (MariaDB 10.11, measured: 1.2 to 1.6 s for a first transaction of 16 MiB, 10 ms for one of 128 KiB), in which commits of others on the machine stand behind it. So that transaction is the first statement alone.
/// </para>
/// </summary>
internal sealed class CommitPoints
{
    public const long TransactionBytes = 16 << 20;

    private long _since = TransactionBytes;

    /// <summary>Whether a commit follows the statement of this length.</summary>
    public bool After(long bytes)
    {
        _since += bytes;
        if (_since < TransactionBytes)
            return false;
        _since = 0;
        return true;
    }
}
