namespace WolfScale.Protocol.Binlog;

/// <summary>What an event means for the group it stands in.</summary>
public enum GroupStep : byte
{
    /// <summary>Not of any group: ROTATE, FORMAT_DESCRIPTION, GTID_LIST, BINLOG_CHECKPOINT, HEARTBEAT and the like.</summary>
    Outside,

    /// <summary>A GTID event: a group begins. One that was open before will never be finished (the server crashed while it wrote it).</summary>
    Begin,

    /// <summary>The group goes on.</summary>
    Inside,

    /// <summary>The group's last event.</summary>
    End,

    /// <summary>The server starts another file, or itself, while a group is open: that group is not going to be finished.</summary>
    Abandoned,

    /// <summary>An event that must be in a group, and none is open.</summary>
    Stray,
}

/// <summary>
/// Finds where event groups begin and end, by the server's own rules (<c>send_event_to_slave</c> in <c>sql/sql_repl.cc</c>): with
/// <see cref="GtidFlags.Standalone"/> at the first event that is not a preparation of the statement; else at XID, XA_PREPARE or a QUERY that
/// is <c>COMMIT</c> or <c>ROLLBACK</c>. A compressed QUERY never is one: eight characters are not compressed.
/// </summary>
public struct GroupTracker
{
    /// <summary>
    /// A QUERY event longer than this is not a COMMIT, so its body need not be known as a whole: header, fixed part, the longest
    /// status (64 KiB) and schema leave room for the word.
    /// </summary>
    public const int MaxCommitEventBytes = EventHeader.Size + 13 + ushort.MaxValue + 256 + 1 + 8 + EventChecksum.Size;

    /// <summary>Whether a group is open.</summary>
    public bool IsOpen { readonly get; private set; }

    /// <summary>The open group's GTID, or the last one's.</summary>
    public Gtid Gtid { readonly get; private set; }

    /// <summary>The open group's flags, or the last one's.</summary>
    public GtidFlags Flags { readonly get; private set; }

    /// <summary>Takes the next event.</summary>
    /// <param name="header">The event's header.</param>
    /// <param name="body">
    /// Its body without the checksum, or the beginning of it where the event is longer than <see cref="MaxCommitEventBytes"/>.
    /// </param>
    /// <exception cref="ProtocolException">A GTID event that is too short.</exception>
    public GroupStep Observe(in EventHeader header, ReadOnlySpan<byte> body)
    {
        switch (header.Type)
        {
            case EventType.Gtid:
                var gtid = GtidEvent.Read(header, body);
                Gtid = gtid.Gtid;
                Flags = gtid.Flags;
                IsOpen = true;
                return GroupStep.Begin;

            case EventType.Rotate or EventType.FormatDescription or EventType.Stop or EventType.Incident when IsOpen:
                IsOpen = false;
                return GroupStep.Abandoned;

            case var type when IsOutside(type):
                return GroupStep.Outside;

            case var _ when !IsOpen:
                return (header.Flags & EventHeaderFlags.Ignorable) != 0 ? GroupStep.Outside : GroupStep.Stray;
        }

        if (!Ends(header, body))
            return GroupStep.Inside;
        IsOpen = false;
        return GroupStep.End;
    }

    /// <summary>Forgets an open group: the connection it came on is gone.</summary>
    public void Reset() => IsOpen = false;

    private readonly bool Ends(in EventHeader header, ReadOnlySpan<byte> body)
    {
        if ((Flags & GtidFlags.Standalone) != 0)
            return !PreparesStatement(header.Type);
        return header.Type switch
        {
            EventType.Xid or EventType.XaPrepare => true,
            EventType.Query => header.EventLength <= MaxCommitEventBytes && QueryEvent.IsCommitOrRollback(body),
            _ => false,
        };
    }

    /// <summary><c>Log_event::is_part_of_group</c>, and the blocks of a statement-based LOAD DATA.</summary>
    private static bool PreparesStatement(EventType type) => type is
        EventType.IntVar or EventType.Rand or EventType.UserVar or EventType.TableMap or EventType.AnnotateRows
        or EventType.BeginLoadQuery or EventType.AppendBlock or EventType.DeleteFile;

    /// <summary><c>Log_event::is_group_event</c>, negated.</summary>
    private static bool IsOutside(EventType type) => type is
        EventType.Stop or EventType.Rotate or EventType.FormatDescription or EventType.Incident or EventType.Heartbeat
        or EventType.BinlogCheckpoint or EventType.GtidList or EventType.StartEncryption;
}
