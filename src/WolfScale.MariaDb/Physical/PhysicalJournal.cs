using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Physical;

/// <summary>
/// A copy that is about to replace the server's files: written, and synced, when the copy is complete and before the node is told and the server stopped. While this file is there
/// the exchange is gone on with; before that, everything is begun anew.
/// </summary>
/// <param name="Ticket">Names the copy, here, at the node and in the copy itself.</param>
/// <param name="From">The source.</param>
/// <param name="DataDirectory">The server's.</param>
/// <param name="Position">Where the copy stands.</param>
/// <param name="Lsn">LSN of that position.</param>
internal sealed record PhysicalJournal(string Ticket, string From, string DataDirectory, string Position, long Lsn)
{
    private const string FileName = "physical-copy.json";

    /// <summary>Beside the data directory, on its file system: what is moved is renamed.</summary>
    public string Folder => FolderOf(DataDirectory);

    public string Incoming => IncomingIn(Folder, Ticket);

    /// <summary>The server's own files until the node is in step.</summary>
    public string Old => Path.Combine(Folder, "old");

    public static string FolderOf(string dataDirectory) => dataDirectory + ".wolfscale";

    public static string IncomingIn(string folder, string ticket) => Path.Combine(folder, "incoming-" + ticket);

    public static string PathIn(DatabaseOptions options) => Path.Combine(options.DataDirectory, FileName);

    public static PhysicalJournal? Load(DatabaseOptions options)
    {
        var path = PathIn(options);
        return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllText(path), PhysicalJournalContext.Default.PhysicalJournal) : null;
    }

    public void Save(DatabaseOptions options)
    {
        _ = Directory.CreateDirectory(options.DataDirectory);
        Posix.ReplaceFile(PathIn(options), JsonSerializer.SerializeToUtf8Bytes(this, PhysicalJournalContext.Default.PhysicalJournal));
    }
}

[JsonSerializable(typeof(PhysicalJournal))]
internal sealed partial class PhysicalJournalContext : JsonSerializerContext;
