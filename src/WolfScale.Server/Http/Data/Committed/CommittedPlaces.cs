using System.Text;
using WolfScale.Cluster;
using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.Server.Http.Data.Committed;

/// <summary>A transaction's place in the cluster's log.</summary>
/// <param name="Gtid">As MariaDB named it.</param>
/// <param name="Lsn">Of its last entry; null where this node's log does not show it (yet).</param>
internal readonly record struct CommittedPlace(Gtid Gtid, long? Lsn);

/// <summary>
/// Finds transactions in this node's log. The quorum has what the proxy has said OK to, but this node need not be among them: it has it a moment later, unless it is cut off or far behind.
/// </summary>
internal sealed class CommittedPlaces(ClusterNode node, TimeProvider time)
{
    /// <summary>An answer is not held up for longer: what it would tell besides is the LSN, and the write is done.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>A search for a mark gives up after so many bytes of the log.</summary>
    private const long MostSearchedBytes = 256L << 20;

    private long _written; // the last LSN that was answered here

    /// <summary>The node's own server shows what was written through this API, and everything up to an LSN. The leader's shows whatever was answered.</summary>
    public bool IsShownHere(long lsn) => node.View is var view && (view.LeaderId == view.SelfId || view.Self.AppliedLsn >= Math.Max(lsn, Volatile.Read(ref _written)));

    /// <summary>Where everything that anybody writes from now on comes after.</summary>
    public long CommitLsn => node.CommitLsn;

    /// <summary>The place of a transaction that the quorum holds.</summary>
    public async ValueTask<CommittedPlace> FindAsync(Gtid gtid)
    {
        if (Look(gtid, out var awaited) is { } there)
            return there; // always where this node leads
        using var limit = new CancellationTokenSource(Patience, time);
        while (true)
        {
            if (!await CommittedAsync(awaited, limit.Token))
            {
                Note(awaited); // not before
                return new CommittedPlace(gtid, null);
            }

            if (Look(gtid, out awaited) is { } found)
                return found;
        }
    }

    /// <param name="gtid">Whose place.</param>
    /// <param name="awaited">Where it was not found: worth another look when this is committed. Its own LSN where it is in the log, which this node only has to hear is committed; else the next one.</param>
    private CommittedPlace? Look(Gtid gtid, out long awaited)
    {
        awaited = node.CommitLsn + 1;
        // Within a domain sequences grow with the log (gtid_strict_mode): what is not reached yet need not be searched for.
        var key = new EntryKey(gtid.Domain, gtid.ServerId, gtid.Sequence);
        if (node.Wal.LastGroupAtOrBefore(node.Wal.Last.Lsn, out _) is not { } last || (last.Domain == key.Domain && last.Sequence < key.Sequence) || node.Wal.FindGroup(key) is not { } lsn)
            return null;
        if (lsn > node.CommitLsn)
        {
            awaited = lsn;
            return null;
        }

        Note(lsn);
        return new CommittedPlace(gtid, lsn);
    }

    private void Note(long lsn)
    {
        for (var before = Volatile.Read(ref _written); before < lsn && Interlocked.CompareExchange(ref _written, lsn, before) != before;)
            before = Volatile.Read(ref _written);
    }

    /// <summary>
    /// The transaction whose rows hold this text, which occurs in no other: nobody knows a transaction's GTID before it has committed, so it cannot write its own down, and a second transaction that does could be
    /// lost alone.
    /// </summary>
    /// <param name="afterLsn">It comes after this.</param>
    /// <param name="mark">The text, as the binary log has it.</param>
    public async Task<CommittedPlace?> FindMarkAsync(long afterLsn, string mark)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        try
        {
            var search = new MarkSearch(node.Wal.OpenCursor(afterLsn + 1), Encoding.ASCII.GetBytes(mark), MostSearchedBytes);
            while (true)
            {
                var commit = node.CommitLsn;
                if (search.Go(commit) is { } found)
                    return new CommittedPlace(new Gtid(found.Key.Domain, found.Key.ServerId, found.Key.Sequence), found.Lsn);
                if (search.GivesUp || !await CommittedAsync(commit + 1, limit.Token))
                    return null;
            }
        }
        catch (Exception e) when (e is WalPrunedException or InvalidOperationException)
        {
            return null; // retention, or a change of history (mode available), has taken it
        }
    }

    private async Task<bool> CommittedAsync(long lsn, CancellationToken limit)
    {
        try
        {
            await node.WaitForCommitAsync(lsn, limit);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
