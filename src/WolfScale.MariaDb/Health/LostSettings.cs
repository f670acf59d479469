using System.Collections.Immutable;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb.Health;

/// <summary>A variable that the guarantees rest on, with another value than preflight left it with: somebody has set it since.</summary>
/// <param name="Name">The variable.</param>
/// <param name="Value">What it is.</param>
/// <param name="Wanted">What it was.</param>
/// <param name="Otherwise">What follows.</param>
internal sealed record LostSetting(string Name, string Value, string Wanted, string Otherwise);

/// <summary>Looks for them. Whether the server is open, and whether commits wait, depends on its role and is looked after elsewhere.</summary>
internal static class LostSettings
{
    private static readonly ImmutableArray<(string Name, string Wanted, string Otherwise)> Held =
    [
        .. RestartRules.Lines.Where(l => l.Name is not ("read_only" or "rpl_semi_sync_master_enabled")),
        ("gtid_strict_mode", "1", "a server can go apart from the log without an error"),
    ];

    private static readonly string Question = "SELECT " + string.Join(", ", Held.Select(h => "@@GLOBAL." + h.Name));

    public static async Task<ImmutableArray<LostSetting>> LookAsync(AdminConnection server) =>
        await server.QueryAsync(Question) is [var row, ..] ? Compare([.. Held.Select(h => row["@@GLOBAL." + h.Name])]) : [];

    /// <param name="values">In the order of the question.</param>
    internal static ImmutableArray<LostSetting> Compare(IReadOnlyList<string> values) =>
        [.. Held.Zip(values).Where(h => !string.Equals(h.Second, h.First.Wanted, StringComparison.OrdinalIgnoreCase)).Select(h => new LostSetting(h.First.Name, h.Second, h.First.Wanted, h.First.Otherwise))];
}
