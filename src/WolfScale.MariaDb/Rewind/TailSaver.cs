using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Saves a tail.</summary>
internal static class TailSaver
{
    /// <summary>
    /// Copies the tail from the server's binlog to a file of its own: the whole of it, whether it can be undone or not. Blocks.
    /// </summary>
    /// <param name="binlog">The server's binlog.</param>
    /// <param name="firstFile">The binlog file the tail begins in, or one before it.</param>
    /// <param name="tail">The tail's groups, in order.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="cancellationToken">Ends it; a half-written file is left under another name.</param>
    /// <exception cref="DatabaseException">The binlog does not hold the tail as it was listed.</exception>
    public static void Save(
        IBinlogSource binlog, string firstFile, IReadOnlyList<Gtid> tail, string path, CancellationToken cancellationToken)
    {
        using var file = TailFile.Create(path);
        var events = new BinlogEvents();
        var saved = 0;
        var inTail = false;
        var copying = false;
        foreach (var chunk in binlog.Read(firstFile, cancellationToken))
        {
            if (chunk.IsFirst)
            {
                var step = events.Observe(chunk);
                if (step == GroupStep.Begin)
                    inTail = inTail || events.Gtid == tail[0];
                copying = chunk.Header.Type == EventType.FormatDescription || (inTail && step is not GroupStep.Outside);
                if (inTail && step == GroupStep.End && (saved >= tail.Count || events.Gtid != tail[saved++]))
                    throw new DatabaseException($"The server's binlog has changed while it was read: {events.Gtid} was not expected. It is compared again.");
            }

            if (copying)
                file.Write(chunk.Bytes.Span);
        }

        if (saved != tail.Count)
            throw new DatabaseException($"The server's binlog holds {saved} of {tail.Count} groups that the cluster does not have. It is compared again.");
        file.Finish();
    }
}
