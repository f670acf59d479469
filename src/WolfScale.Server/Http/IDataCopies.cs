using WolfScale.MariaDb.Dump;

namespace WolfScale.Server.Http;

/// <summary>Copies of this node's data for others, and of others' for this node.</summary>
internal interface IDataCopies
{
    /// <summary>Ends when the node stops: a dump under way does not keep it.</summary>
    CancellationToken Stopping { get; }

    /// <exception cref="MariaDb.DumpException">The server cannot be copied now; the message says why.</exception>
    Task<DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken);

    /// <summary>Orders that this node's data be replaced; see <see cref="MariaDb.DatabaseController.MigrateAsync"/>.</summary>
    /// <exception cref="MariaDb.DumpException">It is refused; the message says why.</exception>
    Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken);
}
