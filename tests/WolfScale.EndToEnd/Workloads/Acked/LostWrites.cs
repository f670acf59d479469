using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.Acked;

/// <summary>
/// The oracle of mode "available". What the clients were told, what the data hold and what the nodes have saved must add up: every acknowledged insert is in the data, or in exactly
/// one file of the log of the node that acknowledged it; whatever is in a file is missing from the data and was not refused; and files, events and counters say the same.
/// </summary>
internal static partial class LostWrites
{
    /// <summary>Judges inserts with ids above <paramref name="firstId"/>, once all nodes are healthy and all servers identical.</summary>
    /// <returns>How many acknowledged inserts were lost.</returns>
    public static async Task<int> JudgeAsync(IReadOnlyList<NodeProcess> nodes, SqlServer server, string database, IReadOnlyCollection<AckedWriter> writers)
    {
        var verdict = await AckedVerdict.ReadAsync(server, database, [.. writers]);
        Assert.True(verdict.Twice.Count + verdict.RefusedYetThere.Count + verdict.Unheard.Count == 0, verdict.ToString());
        var tried = writers.SelectMany(w => w.Attempts).ToDictionary(a => a.Id);
        var there = await ThereAsync(server, database);
        var saved = new Dictionary<string, HashSet<long>>();
        var back = 0;
        foreach (var node in nodes)
        {
            var fromLog = await ReadAsync(node.Saved("discarded-log-"));
            var fromServer = await ReadAsync([.. node.Saved("discarded-").Except(node.Saved("discarded-log-"))]);
            foreach (var (what, found) in ((string, List<(long Id, string File)>)[])[("log", fromLog), ("server", fromServer)])
            {
                foreach (var twice in found.GroupBy(f => f.Id).Where(g => g.Count() > 1))
                    Assert.Fail($"{node.Id} has saved {twice.Key} from its {what} more than once: {string.Join(", ", twice.Select(f => f.File))}");
                foreach (var (id, file) in found)
                {
                    if (there.Contains(id))
                    {
                        Assert.True(what == "log" && CameBack(node, file), $"{id} is in {file}, and in the data");
                        back++;
                    }
                    Assert.False(tried.TryGetValue(id, out var attempt) && attempt.Outcome == Outcome.Refused, $"{attempt} is in {file}");
                }
            }
            saved[node.Id] = [.. fromLog.Select(f => f.Id)];
            await AssertReportedAsync(node);
        }
        foreach (var lost in verdict.Lost)
            Assert.True(saved[lost.Server].Contains(lost.Id), $"{lost}, and it is neither in the data nor in a file of {lost.Server}");
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{verdict.Acknowledged} acknowledged, {verdict.Lost.Count} of them lost and saved; {back} saved ones came back; {string.Join(", ", saved.Select(s => $"{s.Key} saved {s.Value.Count}"))}"));
        return verdict.Lost.Count;
    }

    /// <summary>
    /// docs/modes.md: what the log of a node has given up stays in the data after all where the node takes a later lead before its server was rewound. Nothing else may bring it back.
    /// </summary>
    private static bool CameBack(NodeProcess node, string file)
    {
        var log = node.Log;
        var after = log[(log.IndexOf(file, StringComparison.Ordinal) is var at and >= 0 ? at : log.Length)..];
        var untilRewound = after[..(after.IndexOf("Undoing ", StringComparison.Ordinal) is var undoing and >= 0 ? undoing : after.Length)];
        return untilRewound.Contains("] Leader in term", StringComparison.Ordinal);
    }

    /// <summary>Files, events and the counter of a node agree.</summary>
    private static async Task AssertReportedAsync(NodeProcess node)
    {
        var files = node.Saved("discarded-log-").ToHashSet();
        await Poll.UntilAsync($"{node.Id} to tell of its {files.Count} files once", TimeSpan.FromSeconds(20), async () =>
        {
            var told = await node.EventsAsync("discarded");
            return told.Count == files.Count && told.All(e => files.Contains(File(e))) ? null : $"told: {string.Join(", ", told)}; there: {string.Join(", ", files)}";
        });
        var listed = await node.CtlAsync("events", "--node", node.Id, "--json", "--limit", "5000");
        Assert.True(listed.ExitCode == 0, listed.ToString());
        Assert.Equal(files.Order(), listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(e => e.GetProperty("kind").GetString() == "discarded").Select(e => File(e.GetProperty("details"))).Order());

        var told = await node.EventsAsync("discarded");
        Assert.Equal(told.Sum(e => e.GetProperty("transactions").GetInt64()), (await node.StatusAsync())!.Discarded?.Transactions ?? 0);
        foreach (var e in told)
            Assert.Equal(e.GetProperty("transactions").GetInt64(), await CountAsync(File(e)));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(node.DataFolder, "data"), "*.part"));

        static string File(JsonElement e) => e.GetProperty("file").GetString()!;
    }

    private static async Task<HashSet<long>> ThereAsync(SqlServer server, string database)
    {
        await using var connection = await server.RootAsync(database);
        return [.. (await connection.RowsAsync($"SELECT id FROM {AckedWriter.Table} UNION SELECT id FROM {AckedWriter.KeylessTable}")).Select(r => long.Parse(r[0]!, CultureInfo.InvariantCulture))];
    }

    /// <summary>The ids that the inserts in these files bear.</summary>
    private static async Task<List<(long Id, string File)>> ReadAsync(IReadOnlyList<string> files)
    {
        var found = new List<(long, string)>();
        foreach (var file in files)
        {
            foreach (Match insert in Insert().Matches(await TextAsync(file)))
                found.Add((long.Parse(insert.Groups["id"].Value, CultureInfo.InvariantCulture), file));
        }
        return found;
    }

    private static async Task<int> CountAsync(string file) => Group().Count(await TextAsync(file));

    private static async Task<string> TextAsync(string file)
    {
        var read = await Command.RunAsync("mariadb-binlog", ["--no-defaults", "--verbose", "--base64-output=decode-rows", file], TimeSpan.FromSeconds(60));
        Assert.True(read.ExitCode == 0, $"mariadb-binlog cannot read {file}: {read.Error}");
        return read.Output;
    }

    [GeneratedRegex(@"### INSERT INTO `\w+`\.`acked`\n### SET\n###   @1=\d+\n###   @2=(?<id>\d+)|### INSERT INTO `\w+`\.`acked_keyless`\n### SET\n###   @1=(?<id>\d+)")]
    private static partial Regex Insert();

    [GeneratedRegex(@"^#\d{6} .*\tGTID ", RegexOptions.Multiline)]
    private static partial Regex Group();
}
