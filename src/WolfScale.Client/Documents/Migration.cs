namespace WolfScale.Client;

/// <summary>How far a copy of another node's data has come.</summary>
public sealed record MigrationReport
{
    /// <summary>The source: a node's id, or its address.</summary>
    public required string From { get; init; }

    /// <summary><c>preparing</c>, <c>clearing</c>, <c>loading</c>, <c>finishing</c>, <c>done</c> or <c>failed</c>.</summary>
    public required string Phase { get; init; }

    /// <summary>Of the dump, loaded so far.</summary>
    public long Bytes { get; init; }

    /// <summary>Its size, about: what the source's engines say. Null where that is not known yet.</summary>
    public long? EstimatedBytes { get; init; }

    /// <summary>Mean since the loading began.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>Counts from 1.</summary>
    public int Attempt { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Why the last attempt failed; null where none did.</summary>
    public string? Error { get; init; }
}

/// <summary>Body of <c>POST /admin/migrate</c>.</summary>
/// <param name="From">A node's id, or HOST:PORT of its API; null: the best node.</param>
/// <param name="ReplaceData">Whether data that this node's server holds may be destroyed.</param>
public sealed record MigrateRequest(string? From, bool ReplaceData);

/// <summary>Body of <c>POST /admin/migrate/files</c>: <c>wolfctl migrate --physical</c> replaces the files of this node's server.</summary>
/// <param name="Ticket">Names the copy.</param>
/// <param name="Step"><c>begin</c>, <c>placed</c> or <c>abandon</c>.</param>
/// <param name="From">With <c>begin</c>: the source.</param>
/// <param name="ReplaceData">With <c>begin</c>: whether data that this node's server holds may be destroyed.</param>
/// <param name="GtidPosition">With <c>placed</c>: where the copy stands.</param>
/// <param name="Lsn">With <c>placed</c>: its LSN.</param>
public sealed record MigrateFilesRequest(string? Ticket, string? Step, string? From, bool ReplaceData, string? GtidPosition, long Lsn);

/// <summary>Answer to it: ordered. <c>GET /status</c> tells how far it has come.</summary>
public sealed record MigrationOrderedDocument(bool Success, string? From);
