using WolfScale.Protocol;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Takes the events of the server's own binlog until it has seen enough.</summary>
internal interface IBinlogSink : IBinlogEvents
{
    /// <summary>Nothing more is wanted.</summary>
    bool IsDone { get; }
}

/// <summary>The server's own binlog, read the way a replica reads it.</summary>
internal interface IBinlogSource
{
    /// <summary>The binlog files, oldest first.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>
    /// Every event from the beginning of <paramref name="file"/> to the end of the binlog, over all later files, as it stands there, with its
    /// checksum. Begins with the FORMAT_DESCRIPTION; events that the sender makes up are among them. Blocks: call it on a thread that may.
    /// </summary>
    void Read(string file, IBinlogSink sink, CancellationToken cancellationToken);

    /// <summary>The same for the groups after a GTID position.</summary>
    /// <returns>False where the binlog does not hold that point any more, or never did.</returns>
    bool TryReadAfter(GtidPosition position, IBinlogSink sink, CancellationToken cancellationToken);
}
