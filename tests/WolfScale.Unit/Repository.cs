namespace WolfScale.Unit;

/// <summary>The checkout that these tests were built from: documents are held against the program.</summary>
internal static class Repository
{
    private static readonly string Root = Find(AppContext.BaseDirectory);

    /// <summary>A file's text, by its path in the repository.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>All sources below a folder.</summary>
    public static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText);

    /// <summary>The cells of the table that begins with this line, without its head.</summary>
    public static IReadOnlyList<string[]> Table(string document, string head)
    {
        var lines = Read(document).Split('\n');
        var at = Array.FindIndex(lines, l => l.StartsWith(head, StringComparison.Ordinal));
        Assert.True(at >= 0, $"{document} has no table that begins with {head}");
        return [.. lines.Skip(at + 2).TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim().Trim('|').Replace("\\|", "\u2502", StringComparison.Ordinal).Split('|', StringSplitOptions.TrimEntries))];
    }

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "WolfScale.slnx")) ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} is not in the repository."));
}
