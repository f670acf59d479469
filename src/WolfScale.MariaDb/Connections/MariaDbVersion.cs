using System.Globalization;

namespace WolfScale.MariaDb.Connections;

/// <summary>A server's version, from <c>@@version</c>, for example <c>10.11.19-MariaDB-0+deb12u1-log</c>.</summary>
/// <param name="Text">As the server writes it.</param>
/// <param name="IsMariaDb">False for MySQL and its relatives.</param>
/// <param name="Number">Major, minor and patch; 0.0.0 when the text does not begin with them.</param>
public sealed record MariaDbVersion(string Text, bool IsMariaDb, Version Number)
{
    /// <summary>The oldest version that works.</summary>
    public static Version Oldest { get; } = new(10, 5, 0);

    public static MariaDbVersion Parse(string text)
    {
        // Replication sends "5.5.5-10.11.19-MariaDB": the prefix is for old replicas only.
        var rest = text.StartsWith("5.5.5-", StringComparison.Ordinal) ? text[6..] : text;
        var end = 0;
        while (end < rest.Length && (char.IsAsciiDigit(rest[end]) || rest[end] == '.'))
            end++;
        var parts = rest[..end].Split('.', StringSplitOptions.RemoveEmptyEntries);
        var numbers = new int[3];
        for (var i = 0; i < Math.Min(3, parts.Length); i++)
            _ = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]);
        return new MariaDbVersion(
            text,
            text.Contains("MariaDB", StringComparison.OrdinalIgnoreCase),
            new Version(numbers[0], numbers[1], numbers[2]));
    }

    public override string ToString() => Text;
}
