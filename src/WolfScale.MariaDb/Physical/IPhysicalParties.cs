namespace WolfScale.MariaDb;

/// <summary>The node whose server's files are replaced: running, or stopped.</summary>
public interface IFilesNode
{
    /// <summary>Keeps its hands off the server from now on, and counts nothing of what it holds. The same ticket again changes nothing.</summary>
    /// <exception cref="DumpException">It refuses; the message says why.</exception>
    Task BeginAsync(string ticket, string from, CancellationToken cancellationToken);

    /// <summary>The server runs with the copy.</summary>
    Task PlacedAsync(string ticket, string position, long lsn, CancellationToken cancellationToken);

    /// <summary>Nothing was touched.</summary>
    Task AbandonAsync(string ticket, CancellationToken cancellationToken);
}

/// <summary>A physical copy on its way.</summary>
/// <param name="Name">The source, for messages.</param>
/// <param name="Version">The version of its server.</param>
/// <param name="Settings">What its files are bound to.</param>
/// <param name="EstimatedBytes">Its size, about.</param>
/// <param name="Content">The stream.</param>
public sealed record PhysicalStream(string Name, string Version, string Settings, long EstimatedBytes, Stream Content);

/// <summary>What a physical migration is doing.</summary>
/// <param name="Doing">For a person.</param>
/// <param name="Bytes">Received so far.</param>
/// <param name="EstimatedBytes">Of about so many; 0: not known yet.</param>
/// <param name="BytesPerSecond">Mean since the copy began to come.</param>
public sealed record PhysicalProgress(string Doing, long Bytes, long EstimatedBytes, long BytesPerSecond);

/// <summary>How the local server is stopped and started; run by <c>/bin/sh</c>.</summary>
public sealed record ServerCommands(string Stop, string Start);
