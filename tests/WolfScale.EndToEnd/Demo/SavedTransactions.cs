using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Demo;

/// <summary>The files into which a node saves what it discards: <c>discarded-….binlog</c> in its data directory.</summary>
internal static class SavedTransactions
{
    public static IReadOnlyList<string> Files(DemoCluster cluster, string node) =>
        [.. Directory.EnumerateFiles(Path.Combine(cluster.Directory, node), "discarded-*.binlog", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>One of the node's files, read by <c>mariadb-binlog</c>, holds this text (a value in a row, or a statement).</summary>
    public static async Task AssertContainAsync(DemoCluster cluster, string node, string text)
    {
        var files = Files(cluster, node);
        Assert.True(files.Count > 0, $"{node} saved no discarded transactions.");
        foreach (var file in files)
        {
            var read = await Command.RunAsync("mariadb-binlog", ["--no-defaults", "--verbose", "--base64-output=decode-rows", file], TimeSpan.FromSeconds(60));
            Assert.True(read.ExitCode == 0, $"mariadb-binlog cannot read {file}: {read.Error}");
            if (read.Output.Contains(text, StringComparison.Ordinal))
                return;
        }
        Assert.Fail($"None of {string.Join(", ", files)} holds \"{text}\".");
    }
}
