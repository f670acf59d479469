namespace WolfScale.EndToEnd.Harness;

/// <summary>Reads the flat configuration files that the programs write: <c>[section]</c> and <c>key = literal</c>, one a line, comments behind.</summary>
internal static class Toml
{
    /// <returns><c>section.key</c> to the literal as written.</returns>
    public static Dictionary<string, string> Read(string file)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var section = "";
        foreach (var line in File.ReadLines(file))
        {
            if (line.StartsWith('['))
                section = line[1..line.IndexOf(']', StringComparison.Ordinal)];
            else if (!line.StartsWith('#') && line.IndexOf('=', StringComparison.Ordinal) is var equals and > 0)
                values[$"{section}.{line[..equals].Trim()}"] = line[(equals + 1)..].Split(" # ")[0].Trim();
        }
        return values;
    }
}

/// <summary>Lines of a log.</summary>
internal static class Lines
{
    /// <summary>The first line that holds all of these words, in any case; null when there is none.</summary>
    public static string? With(string log, params string[] words) =>
        log.Split('\n').FirstOrDefault(l => Array.TrueForAll(words, w => l.Contains(w, StringComparison.OrdinalIgnoreCase)));
}
