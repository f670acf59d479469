using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// What a rewind is about; saved, and synced, before its first statement. While it is open it alone says where the server stands.
/// </summary>
/// <param name="Id">Key of the marker row on the server.</param>
/// <param name="Ancestor">GTID position to end at.</param>
/// <param name="AncestorState">The <c>gtid_binlog_state</c> that belongs to it.</param>
/// <param name="End">The server's GTID position with the tail: nothing else may have been written since.</param>
/// <param name="File">The file that holds the tail.</param>
/// <param name="Groups">Number of groups in it.</param>
internal sealed record RewindJournal(string Id, string Ancestor, string AncestorState, string End, string File, int Groups)
{
    /// <summary>Why it could not be finished although the tail is undone; empty while it can.</summary>
    public string Failure { get; init; } = "";

    public string ToJson() => JsonSerializer.Serialize(this, RewindJournalContext.Default.RewindJournal);

    /// <exception cref="JsonException">Not a journal.</exception>
    public static RewindJournal FromJson(string json) =>
        JsonSerializer.Deserialize(json, RewindJournalContext.Default.RewindJournal) ?? throw new JsonException("An empty journal.");
}

[JsonSerializable(typeof(RewindJournal))]
internal sealed partial class RewindJournalContext : JsonSerializerContext;
