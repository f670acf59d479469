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
    public static void Save(IBinlogSource binlog, string firstFile, IReadOnlyList<Gtid> tail, string path, CancellationToken cancellationToken)
    {
        using var file = TailFile.Create(path);
        var sink = new TailSink(file, tail);
        binlog.Read(firstFile, sink, cancellationToken);
        if (sink.Saved != tail.Count)
            throw new DatabaseException($"The server's binlog holds {sink.Saved} of {tail.Count} groups that the cluster does not have. It is compared again.");
        file.Finish();
    }

    private sealed class TailSink(TailFile file, IReadOnlyList<Gtid> tail) : IBinlogSink
    {
        private GroupTracker _groups;
        private bool _inTail;
        private bool _copying;

        /// <summary>Groups saved so far, in the order of the tail.</summary>
        public int Saved { get; private set; }

        public bool IsDone => false;

        public void OnEvent(in EventHeader header, bool needsAck, ReadOnlySpan<byte> @event)
        {
            Observe(header, @event[EventHeader.Size..^EventChecksum.Size]);
            OnPiece(@event);
        }

        public void OnLongEvent(in EventHeader header) => Observe(header, []);

        public void OnPiece(ReadOnlySpan<byte> piece)
        {
            if (_copying)
                file.Write(piece);
        }

        public void OnLongEventEnd(in EventHeader header, bool needsAck)
        {
        }

        private void Observe(in EventHeader header, ReadOnlySpan<byte> body)
        {
            var step = _groups.Observe(header, body);
            if (step == GroupStep.Begin)
                _inTail |= _groups.Gtid == tail[0];

            // Every FORMAT_DESCRIPTION is kept: the first one, because a binlog file begins with it, and those of later files.
            _copying = header.Type == EventType.FormatDescription || (_inTail && step != GroupStep.Outside);
            if (_inTail && step == GroupStep.End && (Saved >= tail.Count || _groups.Gtid != tail[Saved++]))
                throw new DatabaseException($"The server's binlog has changed while it was read: {_groups.Gtid} was not expected. It is compared again.");
        }
    }
}
