using System.Text;
using MySqlConnector;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Comparing;

/// <summary>
/// Proves that servers are identical: the same objects with the same definitions (save AUTO_INCREMENT counters and the state of events), the
/// same rows (<c>CHECKSUM TABLE … EXTENDED</c> and counts), the same accounts and grants, the same GTID position.
/// </summary>
internal sealed class Comparer(IReadOnlyList<SqlServer> servers)
{
    /// <summary>The end of the key under which the digest of a table's rows stands.</summary>
    public const string DigestKey = " / content";

    /// <summary>WolfScale's own account is created on each server by itself, with a password of its own.</summary>
    private static readonly IReadOnlySet<string> OwnAccounts = new HashSet<string>(StringComparer.Ordinal) { "wolfscale" };

    /// <summary>WolfScale's own schema, if it has one, holds what each server notes for itself.</summary>
    private static readonly IReadOnlySet<string> OwnSchemas = new HashSet<string>(StringComparer.Ordinal) { "wolfscale" };

    /// <summary>
    /// Waits until every server stands where the first one stands, then compares them all, and the expected objects with what is there.
    /// </summary>
    /// <exception cref="Xunit.Sdk.XunitException">A difference; the message lists each with both sides.</exception>
    public async Task AssertIdenticalAsync(IReadOnlyList<ExpectedObject> expected, TimeSpan? within = null)
    {
        await AwaitSamePositionAsync(within ?? TimeSpan.FromSeconds(60));
        var differences = await CompareAsync(expected);
        Assert.True(differences.Count == 0, Render(differences));
    }

    /// <summary>Waits until all servers report the GTID position of the first, and that position has come to rest.</summary>
    public Task AwaitSamePositionAsync(TimeSpan within) => Poll.UntilAsync($"one GTID position on {string.Join(", ", servers)}", within, async () =>
    {
        var positions = new List<string>();
        foreach (var server in servers)
        {
            // A group is in gtid_binlog_pos before its rows can be seen, which for a large one takes seconds; in a follower's gtid_slave_pos with them.
            positions.Add($"{server.Name} {await server.ScalarAsync("SELECT IF(@@read_only, @@gtid_slave_pos, @@gtid_binlog_pos)")}");
        }


        return positions.Select(p => p[(p.LastIndexOf(' ') + 1)..]).Distinct(StringComparer.Ordinal).Count() == 1 ? null : string.Join("; ", positions);
    });

    /// <summary>All differences, as readable lines; empty when the servers are identical and hold what is expected.</summary>
    public async Task<IReadOnlyList<string>> CompareAsync(IReadOnlyList<ExpectedObject> expected)
    {
        var snapshots = new List<ServerSnapshot>();
        foreach (var server in servers)
            snapshots.Add(await new SnapshotReader(server, OwnAccounts, OwnSchemas).ReadAsync());
        var lines = Missing(snapshots, expected).ToList();
        foreach (var (key, text) in Differences(snapshots))
            lines.Add(key.EndsWith(DigestKey, StringComparison.Ordinal) ? $"{text}\n{await RowsAsync(key, snapshots)}" : text);
        return lines;
    }

    /// <summary>For differing rows: which, between the first server and the first that disagrees with it.</summary>
    private async Task<string> RowsAsync(string key, List<ServerSnapshot> snapshots)
    {
        var other = snapshots.FindIndex(s => s.Facts.GetValueOrDefault(key) != snapshots[0].Facts.GetValueOrDefault(key));
        if (!snapshots[0].Facts.ContainsKey(key) || !snapshots[other].Facts.ContainsKey(key))
            return "";
        var table = key["table ".Length..^DigestKey.Length];
        var dot = table.IndexOf('.', StringComparison.Ordinal);
        await using var connection = await servers[0].RootAsync();
        var text = await RowText.OfAsync(connection, table[..dot], table[(dot + 1)..], versioned: false);
        return await RowDifference.DescribeAsync(servers[0], servers[other], text);
    }

    private static IEnumerable<string> Missing(List<ServerSnapshot> snapshots, IReadOnlyList<ExpectedObject> expected)
    {
        foreach (var snapshot in snapshots)
        {
            foreach (var wanted in expected)
            {
                var key = $"{wanted.Kind} {wanted.Name}";
                if (!snapshot.Facts.ContainsKey(key))
                    yield return $"{snapshot.Server} lacks the {wanted}.";
                else if (wanted.MinimumRows > 0 && long.Parse(snapshot.Facts[$"{key} / rows"], System.Globalization.CultureInfo.InvariantCulture) < wanted.MinimumRows)
                    yield return $"{snapshot.Server} has only {snapshot.Facts[$"{key} / rows"]} rows in the {wanted}.";
            }
        }
    }

    private static IEnumerable<(string Key, string Text)> Differences(List<ServerSnapshot> snapshots)
    {
        var keys = snapshots.SelectMany(s => s.Facts.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            var values = snapshots.ConvertAll(s => (s.Server, Value: s.Facts.GetValueOrDefault(key)));
            if (values.Select(v => v.Value).Distinct(StringComparer.Ordinal).Count() > 1)
                yield return (key, Describe(key, values));
        }
    }

    /// <summary>Names the object and shows, per server, the value from the first line on that differs.</summary>
    private static string Describe(string key, List<(string Server, string? Value)> values)
    {
        var text = new StringBuilder($"{key} differs:");
        var lines = values.ConvertAll(v => v.Value?.Split('\n'));
        var first = 0;
        while (lines.TrueForAll(l => l is not null && first < l.Length) && lines.Select(l => l![first]).Distinct(StringComparer.Ordinal).Count() == 1)
            first++;
        foreach (var (server, value) in values)
        {
            var shown = value is null ? "(absent)" : string.Join("\n      ", value.Split('\n').Skip(first).Take(3));
            text.Append('\n').Append("    ").Append(server).Append(": ").Append(shown.Length == 0 ? "(ends here)" : shown);
        }
        return text.ToString();
    }

    private static string Render(IReadOnlyList<string> differences) =>
        $"{differences.Count} differences between servers that must be identical:\n  {string.Join("\n  ", differences.Take(25))}";
}
