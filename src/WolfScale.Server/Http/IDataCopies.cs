using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Physical;

namespace WolfScale.Server.Http;

/// <summary>Copies of this node's data for others, and of others' for this node.</summary>
internal interface IDataCopies
{
    /// <summary>Ends when the node stops: a dump under way does not keep it.</summary>
    CancellationToken Stopping { get; }

    /// <summary>So many bytes of a copy were sent: blocks as long as commits would suffer from more, at most a second; see <see cref="Cluster.ClusterNode.SpendInBackground"/>.</summary>
    void Spend(long bytes);

    /// <exception cref="MariaDb.DumpException">The server cannot be copied now; the message says why.</exception>
    Task<DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken);

    /// <exception cref="MariaDb.DumpException">The server's files cannot be copied now; the message says why.</exception>
    Task<PhysicalCopy> OpenCopyAsync(CancellationToken cancellationToken);

    /// <summary>Somebody else replaces the files of this node's server; see <see cref="MariaDb.DatabaseController.BeginFilesAsync"/>.</summary>
    /// <exception cref="MariaDb.DumpException">It is refused; the message says why.</exception>
    Task ReplaceFilesAsync(MigrateFilesRequest request, CancellationToken cancellationToken);

    /// <summary>Orders that this node's data be replaced; see <see cref="MariaDb.DatabaseController.MigrateAsync"/>.</summary>
    /// <exception cref="MariaDb.DumpException">It is refused; the message says why.</exception>
    Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken);
}
