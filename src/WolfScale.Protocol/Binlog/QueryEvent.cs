namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 2 (and 165, compressed): a statement. thread id 4 · run time 4 · schema length 1 · error 2 · status length 2 · status · schema, NUL · SQL.
/// </summary>
public readonly ref struct QueryEvent
{
    private QueryEvent(uint threadId, ushort errorCode, ReadOnlySpan<byte> status, ReadOnlySpan<byte> schema, ReadOnlySpan<byte> sql)
    {
        ThreadId = threadId;
        ErrorCode = errorCode;
        Status = status;
        Schema = schema;
        Sql = sql;
    }

    /// <summary>Connection id of the session that ran it.</summary>
    public uint ThreadId { get; }

    /// <summary>Error the statement ended with after it had changed something; 0 for none.</summary>
    public ushort ErrorCode { get; }

    /// <summary>Session settings the statement depends on (<c>Q_*_CODE</c>), undecoded.</summary>
    public ReadOnlySpan<byte> Status { get; }

    public ReadOnlySpan<byte> Schema { get; }

    /// <summary>The statement; in type 165 its compressed form.</summary>
    public ReadOnlySpan<byte> Sql { get; }

    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static QueryEvent Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var threadId = reader.ReadUInt32();
        reader.Skip(4);
        var schemaLength = reader.ReadByte();
        var errorCode = reader.ReadUInt16();
        var statusLength = reader.ReadUInt16();
        var status = reader.ReadBytes(statusLength);
        var schema = reader.ReadBytes(schemaLength);
        reader.Skip(1);
        return new QueryEvent(threadId, errorCode, status, schema, reader.ReadRest());
    }

    /// <summary>
    /// Whether the statement is the COMMIT or ROLLBACK that ends a group, as the server itself decides it
    /// (<c>Query_log_event::peek_is_commit_rollback</c>: by the tail, NUL included, case sensitive).
    /// </summary>
    public static bool IsCommitOrRollback(ReadOnlySpan<byte> body) => body.EndsWith("\0COMMIT"u8) || body.EndsWith("\0ROLLBACK"u8);
}
