using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>Every command and option of <c>wolfscale</c>, <c>wolfctl</c> and <c>run.sh</c> that the documentation names, in a block or in a sentence, exists: the programs' own manual pages say so.</summary>
public sealed partial class CommandNamesTests
{
    /// <summary>Of other programs, or of WolfScale's scripts.</summary>
    private static readonly string[] Foreign =
    [
        "--comments", "--defaults-file", "--hex-blob", "--routines", "--triggers", "--events", "--single-transaction", "--rpl-semi-sync-master-enabled=OFF", "--stream=mbstream", "--prepare", "--bootstrap",
        "--uninstall", "--long", "--galera-binlog", "--pool", "--master-data",
    ];

    [Fact]
    public async Task Every_command_that_is_named_exists()
    {
        var programs = new Dictionary<string, Manual>(StringComparer.Ordinal)
        {
            ["wolfctl"] = Manual.Parse((await CommandLine.CtlAsync("manual")).Output),
            ["wolfscale"] = Manual.Parse((await CommandLine.RunAsync("manual")).Output),
        };
        var help = (await Command.RunAsync(Path.Combine(Repository.Root, "run.sh"), ["help"], TimeSpan.FromSeconds(30))).Output;
        var named = Named().ToList();
        Assert.True(named.Count > 200, $"{named.Count} commands were found");
        Assert.Empty(named.Select(n => Problem(n.Document, n.Words, programs, help)).OfType<string>().Distinct());
        var options = programs.Values.SelectMany(m => m.All).Concat(Foreign).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(Book.Documents.Keys.SelectMany(d => Code().Matches(Book.Prose(d)).Select(c => c.Groups[1].Value).Where(c => c.Length > 2 && c.StartsWith("--", StringComparison.Ordinal) && char.IsAsciiLetterLower(c[2]))
            .Select(c => c.Split(' ')[0]).Where(o => !options.Contains(o)).Select(o => $"{d}: no program has {o}")).Distinct());
    }

    /// <summary>What stands where a shell expects a command, as words.</summary>
    private static IEnumerable<(string Document, string[] Words)> Named()
    {
        foreach (var document in Book.Documents.Keys)
        {
            var lines = Book.Blocks.Where(b => b.Document == document && b.IsCommands).SelectMany(b => b.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
                .Concat(Code().Matches(Book.Prose(document)).Select(c => c.Groups[1].Value.Replace("\\|", "|", StringComparison.Ordinal)))
                .Concat(document == "wolfctl.md" ? Row().Matches(Book.Documents[document]).Select(r => "wolfctl " + r.Groups[1].Value.Replace("\\|", "|", StringComparison.Ordinal)) : []);
            foreach (var words in lines.SelectMany(l => Separator().Split(Remark().Replace(l, ""))).Select(s => s.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            {
                var begin = 0;
                while (begin < words.Length && words[begin] is "sudo" or "until" or "if" or "!" or "-u")
                    begin += words[begin] == "-u" ? 2 : 1;
                if (words.Length - begin > 1 && words[begin] is "wolfctl" or "wolfscale" or "./run.sh")
                    yield return (document, words[begin..]);
            }
        }
    }

    private static string? Problem(string document, string[] words, Dictionary<string, Manual> programs, string help)
    {
        if (words is ["./run.sh", "ctl", ..])
            words = ["wolfctl", .. words[2..]];
        if (words is ["./run.sh", var verb, ..])
        {
            if (!programs["wolfscale"].Verbs.ContainsKey(verb))
                return verb == "…" || Regex.IsMatch(help, $@"(^|\s){Regex.Escape(verb)}\b") ? null : $"{document}: ./run.sh does not know {verb}";
            words = ["wolfscale", .. words[1..]];
        }
        return programs[words[0]].Problem(words[1..]) is { } problem ? $"{document}: `{string.Join(' ', words)}`: {problem}" : null;
    }

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    /// <summary>A row of the table of commands.</summary>
    [GeneratedRegex(@"^\| `([a-z][^`]*)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@" \| | && | \|\| |; |\$\(|\) ?")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(^|\s)#.*$")]
    private static partial Regex Remark();

    /// <summary>A manual page: verbs with their options.</summary>
    private sealed class Manual(Dictionary<string, HashSet<string>> verbs, HashSet<string> everywhere)
    {
        public Dictionary<string, HashSet<string>> Verbs => verbs;

        public IEnumerable<string> All => verbs.Values.SelectMany(o => o).Concat(everywhere);

        public static Manual Parse(string page)
        {
            var (verbs, everywhere) = (new Dictionary<string, HashSet<string>>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal) { "--help", "--version", "-h" });
            var options = everywhere;
            foreach (var line in page.Replace("\\-", "-", StringComparison.Ordinal).Split('\n'))
            {
                if (line.StartsWith(".SS ", StringComparison.Ordinal))
                {
                    // `demo kill node` ends with an argument, which looks like a verb: what is before it is known as well.
                    options = new(StringComparer.Ordinal);
                    var words = line[4..].Split(' ').TakeWhile(w => w.Length > 0 && char.IsLower(w[0])).ToArray();
                    for (var length = words.Length; length > 0; length--)
                        _ = verbs.TryAdd(string.Join(' ', words[..length]), options);
                }
                else if (line.StartsWith(".B -", StringComparison.Ordinal))
                    options.UnionWith(line[3..].Split([' ', ',']).Where(w => w.StartsWith('-')));
            }
            Assert.True(verbs.Count > 10, page);
            return new Manual(verbs, everywhere);
        }

        /// <summary>What is wrong with these words behind the program's name; null: nothing.</summary>
        public string? Problem(string[] words)
        {
            words = [.. words.Select(w => w.Trim('[', ']', '(', ',', '"', '\''))];
            if (words[0] is "…" or "COMMAND" or "" || (words[0].StartsWith('-') && Known(null, words[0])))
                return null;
            // `wal verify|dump` is two commands; what is behind the longest name that is a verb's are its arguments.
            foreach (var first in words[0].Split('|'))
            {
                foreach (var second in words.Length > 1 ? words[1].Split('|') : [""])
                {
                    var verb = verbs.ContainsKey($"{first} {second}") ? $"{first} {second}" : first;
                    if (!verbs.ContainsKey(verb) && !verbs.Keys.Any(v => v.StartsWith(first + ' ', StringComparison.Ordinal)))
                        return $"there is no {first}";
                    if (!verbs.ContainsKey(verb) && second.Length > 0 && char.IsLower(second[0]))
                        return $"there is no {first} {second}";
                    if (words.Skip(1).FirstOrDefault(w => w.StartsWith('-') && w.Length > 1 && !Known(verb, w)) is { } strange)
                        return $"{verb} has no {strange}";
                }
            }
            return null;
        }

        private bool Known(string? verb, string option) =>
            option.Split('=')[0] is var name && (everywhere.Contains(name) || (verb is not null && verbs.Where(v => v.Key == verb || v.Key == verb.Split(' ')[0]).Any(v => v.Value.Contains(name))));
    }
}
