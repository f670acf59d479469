using System.Collections.Immutable;
using System.Text;

namespace WolfScale.MariaDb.Tuning;

/// <summary>
/// The option files that a server reads, one after the other and with what they include in its place, as <c>mariadbd</c> does: of a variable that is given twice, the last one counts.
/// </summary>
/// <param name="Files">Those that are read, in this order.</param>
/// <param name="Lines">What they set for a server.</param>
/// <param name="Text">All of them as one file.</param>
public sealed record OptionFiles(ImmutableArray<string> Files, ImmutableArray<OptionLine> Lines, string Text)
{
    /// <summary>Where MariaDB looks, in this order, when it is not told a file.</summary>
    private static readonly string[] Standard = ["/etc/my.cnf", "/etc/mysql/my.cnf"];

    /// <summary>Files that include one another in a circle.</summary>
    private const int DeepestInclude = 10;

    /// <summary>Reads them.</summary>
    /// <param name="main">The one that the server is told (<c>--defaults-file</c>); null: where MariaDB looks.</param>
    /// <param name="instead">A file, and the text that is to be taken for it (it need not be there yet); null: all are as they are.</param>
    /// <exception cref="IOException">One cannot be read.</exception>
    public static OptionFiles Read(string? main, (string Path, string Text)? instead)
    {
        var reader = new Reader(instead);
        foreach (var file in main is null ? Standard.Where(File.Exists) : [main])
            reader.Read(Path.GetFullPath(file), 0);
        return new OptionFiles([.. reader.Files], [.. reader.Lines], reader.Text.ToString());
    }

    /// <summary>Groups that a server reads, <c>[mariadb-10.11]</c> and the like among them.</summary>
    private static bool IsServers(string group) =>
        group is "mysqld" or "server" or "mariadb" or "mariadbd" or "client-server"
        || ((group.StartsWith("mysqld-", StringComparison.Ordinal) || group.StartsWith("mariadb-", StringComparison.Ordinal) || group.StartsWith("mariadbd-", StringComparison.Ordinal))
            && char.IsAsciiDigit(group[^1]));

    private sealed class Reader((string Path, string Text)? instead)
    {
        public List<string> Files { get; } = [];

        public List<OptionLine> Lines { get; } = [];

        public StringBuilder Text { get; } = new();

        public void Read(string file, int depth)
        {
            if (depth > DeepestInclude)
                return;
            Files.Add(file);
            var (group, number) = ("", 0);
            foreach (var line in TextOf(file).Split('\n'))
            {
                number++;
                var trimmed = line.Trim();
                if (trimmed.StartsWith('[') && trimmed.Contains(']', StringComparison.Ordinal))
                    group = trimmed[1..trimmed.IndexOf(']', StringComparison.Ordinal)].Trim();
                if (Included(trimmed) is { } included)
                {
                    foreach (var other in included)
                        Read(other, depth + 1);
                    if (group.Length > 0)
                        _ = Text.Append('[').Append(group).Append("]\n"); // what the included file's group was is over
                    continue;
                }

                _ = Text.Append(line).Append('\n');
                if (IsServers(group) && OptionLine.Parse(file, number, group, line) is { } set)
                    Lines.Add(set);
            }
        }

        private string TextOf(string file) => instead is var (path, text) && path == file ? text : File.ReadAllText(file);

        /// <returns>The files that the line includes; null where it includes none.</returns>
        private List<string>? Included(string line)
        {
            const string one = "!include ";
            const string folder = "!includedir ";
            if (line.StartsWith(one, StringComparison.Ordinal))
                return [Path.GetFullPath(line[one.Length..].Trim())];
            if (!line.StartsWith(folder, StringComparison.Ordinal))
                return null;
            var directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(line[folder.Length..].Trim()));
            var there = Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "*.cnf") : [];
            if (instead is var (path, _) && Path.GetDirectoryName(path) == directory && path.EndsWith(".cnf", StringComparison.Ordinal))
                there = there.Append(path).Distinct();
            return there.Order(StringComparer.Ordinal).ToList();
        }
    }
}
