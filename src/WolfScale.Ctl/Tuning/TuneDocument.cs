using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.Ctl.Tuning;

/// <summary><c>wolfctl tune-mariadb --json</c>.</summary>
/// <param name="File">The option file.</param>
/// <param name="Written">It was written in this run.</param>
/// <param name="Diff">What was to change in it, as lines of a unified diff; empty: nothing.</param>
/// <param name="Restarted">MariaDB was restarted.</param>
/// <param name="RestartNeeded">It runs with other values than it would start with.</param>
/// <param name="Settings">All that is wanted.</param>
/// <param name="Conflicts">Lines of the user's that win over what the server needs.</param>
/// <param name="Overridden">Lines of the user's that WolfScale's win over.</param>
/// <param name="Remarks">For people.</param>
internal sealed record TuneDocument(
    string File, bool Written, ImmutableArray<string> Diff, bool Restarted, bool? RestartNeeded, ImmutableArray<TunedSetting> Settings,
    ImmutableArray<TuneConflict> Conflicts, ImmutableArray<TuneConflict> Overridden, ImmutableArray<string> Remarks);

/// <summary>One variable.</summary>
/// <param name="Name">With underscores.</param>
/// <param name="Value">What the server would start with.</param>
/// <param name="Kind"><c>needed</c>, <c>guard</c> or <c>faster</c>.</param>
/// <param name="Source"><c>wolfscale</c>, <c>user</c>, or <c>default</c> where no file sets it.</param>
/// <param name="InForce">What it runs with; null: it was not looked at.</param>
/// <param name="Why">What it is for.</param>
internal sealed record TunedSetting(string Name, string Value, string Kind, string Source, string? InForce, string Why);

/// <summary>A line of the user's.</summary>
internal sealed record TuneConflict(string Name, string File, int Line, string Value, string Wanted, string Why);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TuneDocument))]
internal sealed partial class TuneJson : JsonSerializerContext
{
    public static TuneJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
