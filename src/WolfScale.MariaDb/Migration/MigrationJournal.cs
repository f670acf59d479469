using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.MariaDb.Plans;

namespace WolfScale.MariaDb.Migration;

/// <summary>
/// A migration under way; saved, and synced, before anything of the server is destroyed. While it is open the server's data are worth nothing, whatever its GTID position
/// says, until the last step is done.
/// </summary>
/// <param name="From">What the operator named; empty: chosen anew for each attempt.</param>
/// <param name="Attempts">How many were begun.</param>
internal sealed record MigrationJournal(string From, int Attempts)
{
    /// <summary>The position of the loaded copy; empty until it is loaded whole.</summary>
    public string Position { get; init; } = "";

    public long Lsn { get; init; }

    /// <summary>The server's own <c>max_allowed_packet</c>, which is raised meanwhile.</summary>
    public string MaxAllowedPacket { get; init; } = "";

    /// <summary>Why the last attempt failed; empty where none did.</summary>
    public string Error { get; init; } = "";

    /// <summary>Of a copy of files that somebody else puts in place (<see cref="FilesPlan"/>); empty: the node loads a dump.</summary>
    public string Ticket { get; init; } = "";

    /// <summary>The plan that was open before that, as JSON; empty: none was.</summary>
    public string Before { get; init; } = "";

    public string ToJson() => JsonSerializer.Serialize(this, MigrationJournalContext.Default.MigrationJournal);

    /// <exception cref="JsonException">Not a journal.</exception>
    public static MigrationJournal FromJson(string json) =>
        JsonSerializer.Deserialize(json, MigrationJournalContext.Default.MigrationJournal) ?? throw new JsonException("An empty journal.");
}

[JsonSerializable(typeof(MigrationJournal))]
[JsonSerializable(typeof(PlanRecord))]
internal sealed partial class MigrationJournalContext : JsonSerializerContext;
