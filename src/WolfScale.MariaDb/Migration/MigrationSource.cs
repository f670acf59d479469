namespace WolfScale.MariaDb;

/// <summary>Another node, from which the server's data can be copied. The host implements it over the HTTP API.</summary>
public interface IMigrationSource
{
    /// <summary>For messages: a node's id, or its address.</summary>
    string Name { get; }

    /// <summary>Looks whether it is there and of this cluster, before anything is destroyed here.</summary>
    /// <exception cref="DumpException">It is not, or cannot be asked.</exception>
    Task CheckAsync(CancellationToken cancellationToken);

    /// <summary>Opens its dump.</summary>
    /// <exception cref="DumpException">It is refused, or does not answer; the message says why.</exception>
    Task<IMigrationStream> OpenAsync(CancellationToken cancellationToken);
}

/// <summary>A dump on its way.</summary>
public interface IMigrationStream : IAsyncDisposable
{
    /// <summary>The GTID position it is exactly at.</summary>
    string Position { get; }

    /// <summary>LSN of that position.</summary>
    long Lsn { get; }

    /// <summary>Its size, about.</summary>
    long EstimatedBytes { get; }

    /// <summary>The dump itself.</summary>
    Stream Content { get; }
}

/// <summary>Finds the nodes to copy from.</summary>
public interface IMigrationSources
{
    /// <summary>The node or address that an operator named.</summary>
    /// <exception cref="DumpException">There is no such node.</exception>
    IMigrationSource Named(string from);

    /// <summary>The best one now, a follower rather than the leader; null where there is none.</summary>
    /// <param name="attempt">Counts from 1: another one is chosen each time, where there are several.</param>
    IMigrationSource? Choose(int attempt);
}

/// <summary>What a migration is doing.</summary>
public enum MigrationPhase
{
    /// <summary>Looking at the source.</summary>
    Preparing,

    /// <summary>Existing data are being dropped.</summary>
    Clearing,

    /// <summary>The copy is being loaded.</summary>
    Loading,

    /// <summary>Accounts and position are being set.</summary>
    Finishing,

    /// <summary>It failed; <see cref="MigrationProgress.Error"/> says why.</summary>
    Failed,

    /// <summary>The copy is in place; the log takes over.</summary>
    Done,
}

/// <summary>How far a migration has come; immutable.</summary>
/// <param name="From">The source.</param>
/// <param name="Phase">What it is doing.</param>
/// <param name="Bytes">Of the dump, loaded so far.</param>
/// <param name="EstimatedBytes">Its size, about; 0 where not known yet.</param>
/// <param name="BytesPerSecond">Mean since the loading began.</param>
/// <param name="Attempt">Counts from 1.</param>
/// <param name="StartedAt">When this attempt began.</param>
/// <param name="Error">Why the last attempt failed; empty where none did.</param>
public sealed record MigrationProgress(
    string From, MigrationPhase Phase, long Bytes, long EstimatedBytes, long BytesPerSecond, int Attempt, DateTimeOffset StartedAt, string Error);
