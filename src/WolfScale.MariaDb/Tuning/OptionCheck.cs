using System.Collections.Immutable;
using System.Text.RegularExpressions;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Physical;

namespace WolfScale.MariaDb.Tuning;

/// <summary>What the installed <c>mariadbd</c> makes of option files, without running on them.</summary>
/// <param name="Accepted">It would start with them.</param>
/// <param name="Said">Its errors and warnings.</param>
/// <param name="Values">What it would run with, by variable; empty where it does not accept them.</param>
public sealed partial record OptionCheck(bool Accepted, ImmutableArray<string> Said, ImmutableDictionary<string, string> Values)
{
    /// <summary>
    /// Asks it for its help with these options: that reads them as a start does, ends with an error at a variable that it does not know or a value that cannot be, says what it adjusts, and
    /// prints what it would run with. It opens no data and no port. At a wrong value of an engine's or of the binary log's it says [ERROR] and ends with 0 all the same (measured on 10.11), where a start
    /// fails: so its errors count, and not only how it ends.
    /// </summary>
    /// <exception cref="DatabaseException"><c>mariadbd</c> is not installed.</exception>
    public static async Task<OptionCheck> AskAsync(OptionFiles options, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("wolfctl-");
        try
        {
            var file = Path.Combine(folder.FullName, "options.cnf");
            await File.WriteAllTextAsync(file, options.Text, cancellationToken);
            var text = await SystemProgram.RunAsync("mariadbd", "mariadb-server", [$"--defaults-file={file}", "--verbose", "--help"], "", cancellationToken);
            var fits = !text.Contains("[ERROR]", StringComparison.Ordinal);
            return new OptionCheck(fits, fits ? Complaints(text) : [.. text.Split('\n').Where(l => l.Contains("[ERROR]", StringComparison.Ordinal)).SelectMany(l => Complaints(l)).Distinct()], ValuesIn(text));
        }
        catch (DumpException e)
        {
            return e.Message.Contains("is not installed", StringComparison.Ordinal) ? throw new DatabaseException(e.Message, e) : new OptionCheck(false, Complaints(e.Message), ImmutableDictionary<string, string>.Empty);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The version of the installed server, as <c>mariadbd --version</c> writes it; null where there is none.</summary>
    public static async Task<string?> InstalledVersionAsync(CancellationToken cancellationToken)
    {
        try
        {
            var text = await SystemProgram.RunAsync("mariadbd", "mariadb-server", ["--no-defaults", "--version"], "", cancellationToken);
            return VersionText().Match(text) is { Success: true } match ? match.Groups[1].Value : null;
        }
        catch (DumpException)
        {
            return null;
        }
    }

    internal static ImmutableArray<string> Complaints(string text) =>
        [.. text.Split('\n').Select(l => Complaint().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value.Trim()).Distinct()];

    /// <summary>The table at the end of the help: a name, and what it would be.</summary>
    internal static ImmutableDictionary<string, string> ValuesIn(string text)
    {
        var values = ImmutableDictionary.CreateBuilder<string, string>();
        var inTable = false;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("----", StringComparison.Ordinal))
                inTable = true;
            else if (inTable && line.Trim().Length == 0)
                inTable = false;
            else if (inTable && line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var space)
                values[line[..space].Replace('-', '_')] = line[space..].Trim() is "(No default value)" ? "" : line[space..].Trim();
        }

        return values.ToImmutable();
    }

    [GeneratedRegex(@"Ver (\S+)")]
    private static partial Regex VersionText();

    [GeneratedRegex(@"(?:\[(?:ERROR|Warning)\]|mariadbd:|error:)\s*(?:\S*mariadbd:\s*)?(.+)$", RegexOptions.IgnoreCase)]
    private static partial Regex Complaint();
}
