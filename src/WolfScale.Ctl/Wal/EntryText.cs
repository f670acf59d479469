using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.Consensus;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.Ctl.Wal;

/// <summary>One entry of the log, for people and, as a line of JSON, for programs.</summary>
/// <param name="Lsn">Its position.</param>
/// <param name="Term">Of the leader that wrote it.</param>
/// <param name="BatchFirstLsn">First LSN of its batch.</param>
/// <param name="BatchLastLsn">Last LSN of its batch.</param>
/// <param name="Kind"><c>no_op</c>, <c>configuration</c> or <c>group</c>.</param>
/// <param name="Gtid">Of a group.</param>
/// <param name="First">The group begins here.</param>
/// <param name="Last">The group ends here.</param>
/// <param name="Bytes">Of the payload.</param>
/// <param name="Events">That begin in this entry.</param>
/// <param name="Members">Of a configuration: id, address and role.</param>
internal sealed record EntryText(
    long Lsn, long Term, long BatchFirstLsn, long BatchLastLsn, string Kind, string? Gtid, bool First, bool Last, int Bytes, ImmutableArray<EventText> Events, ImmutableArray<string> Members)
{
    /// <param name="batch">That holds it.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="walker">Kept from entry to entry, because an event may go on in the next.</param>
    /// <exception cref="ProtocolException">It is not what a capture wrote.</exception>
    /// <exception cref="InvalidDataException">It is a configuration that this version cannot read.</exception>
    public static EntryText Of(WalBatch batch, in WalEntry entry, EventWalker walker)
    {
        var events = ImmutableArray.CreateBuilder<EventText>();
        var members = ImmutableArray<string>.Empty;
        if (entry.Kind == EntryKind.Group)
        {
            if ((entry.Flags & EntryFlags.First) != 0)
                walker.Begin();
            walker.Take(entry.Payload.Span, (in SeenEvent seen) => events.Add(EventText.Of(seen)));
        }
        else if (entry.Kind == EntryKind.Configuration)
            members = [.. ConfigurationCodec.Decode(entry.Payload.Span).Members.Select(Text)];

        return new EntryText(
            entry.Lsn, batch.Term, batch.FirstLsn, batch.LastLsn, ConfigurationSchema.SnakeCase(entry.Kind.ToString()),
            entry.Kind == EntryKind.Group ? new Gtid(entry.Key.Domain, entry.Key.ServerId, entry.Key.Sequence).ToString() : null,
            (entry.Flags & EntryFlags.First) != 0, (entry.Flags & EntryFlags.Last) != 0, entry.Payload.Length, events.ToImmutable(), members);
    }

    public string ToJson() => JsonSerializer.Serialize(this, EntryJson.Default.EntryText);

    /// <summary>A line for the entry, and one for each event that begins in it.</summary>
    public IEnumerable<string> ToLines()
    {
        var what = Gtid is null ? Kind : $"group {Gtid}{(First && Last ? "" : First ? " begins" : Last ? " ends" : " goes on")}";
        yield return string.Create(CultureInfo.InvariantCulture, $"{Lsn}  term {Term}  {what}  {Bytes} bytes");
        foreach (var member in Members)
            yield return "    " + member;
        foreach (var seen in Events)
            yield return string.Create(CultureInfo.InvariantCulture, $"    {seen.Type}{(seen.Detail is { } detail ? $" {detail}" : "")}  ({seen.Bytes} bytes)");
    }

    private static string Text(Member member) =>
        $"{member.Key} at {member.Address} ({(member.IsVoter ? "voter" : "learner")}{(member.Witness ? ", witness" : "")}{(member.NeverLeader ? ", never leader" : "")})";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(EntryText))]
internal sealed partial class EntryJson : JsonSerializerContext;
