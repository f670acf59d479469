using System.Reflection;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;
using WolfScale.Settings;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>Every command of the documentation is run by a test, and what it names is there.</summary>
public sealed partial class BookTests
{
    private static readonly string[] Illustrations = ["text", "json", "toml", "ini", "yaml"];

    /// <summary>Tests by the blocks that they say they run.</summary>
    private static readonly ILookup<(string Document, string Name), MethodInfo> Runners = typeof(BookTests).Assembly.GetTypes()
        .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        .SelectMany(m => m.GetCustomAttributes<RunsAttribute>().SelectMany(r =>
            (r.Names.Count > 0 ? r.Names : [.. Book.Blocks.Where(b => b.Document == r.Document && b.IsCommands).Select(b => b.Name)]).Select(n => ((r.Document, n), m))))
        .ToLookup(r => r.Item1, r => r.m);

    [Fact]
    public void Every_block_of_commands_is_run_by_a_test()
    {
        var commands = Book.Blocks.Where(b => b.IsCommands).ToList();
        Assert.True(commands.Count > 60, $"{commands.Count} blocks were found");
        var nameless = commands.Where(b => b.Name.Length == 0).ToList();
        Assert.True(nameless.Count == 0, $"blocks of commands need a name, by which a test runs them: {string.Join(", ", nameless)}");
        var twice = commands.GroupBy(b => (b.Document, b.Name)).Where(g => g.Count() > 1).Select(g => $"{g.Key}").ToList();
        Assert.True(twice.Count == 0, $"names are there twice: {string.Join(", ", twice)}");
        var unrun = commands.Where(b => !Runners[(b.Document, b.Name)].Any() && !Elsewhere.Blocks.ContainsKey((b.Document, b.Name))).ToList();
        Assert.True(unrun.Count == 0, $"no test runs these commands; write one that does, and give it [Runs(document, name)]: {string.Join(", ", unrun)}");
    }

    [Fact]
    public void What_tests_say_they_run_is_there_and_they_are_tests()
    {
        var known = Book.Blocks.Where(b => b.IsCommands).Select(b => (b.Document, b.Name)).ToHashSet();
        Assert.All(Runners, r => Assert.True(known.Contains(r.Key), $"{r.First().Name} says it runs {r.Key}, and there is no such block"));
        Assert.All(Runners.SelectMany(r => r), m => Assert.True(m.GetCustomAttribute<FactAttribute>() is not null, $"{m.Name} is no test"));
        foreach (var (key, (test, text)) in Elsewhere.Blocks)
        {
            Assert.True(known.Contains(key), $"there is no block {key}");
            Assert.True(test.GetMethods().Any(m => m.GetCustomAttribute<FactAttribute>() is not null), $"{test.Name} has no tests");
            Assert.Equal(text, Book.Commands(key.Document, key.Name).Text); // whoever changes the commands looks whether that test still does the same
        }
    }

    [Fact]
    public void A_block_says_what_is_in_it_and_commands_hide_nowhere()
    {
        var strange = Book.Blocks.Where(b => !b.IsCommands && !b.IsProgram && !Illustrations.Contains(b.Language)).ToList();
        Assert.True(strange.Count == 0, $"a fence says what is in its block: sh NAME, csharp, python or php with a file's name, or {string.Join(", ", Illustrations)}: {string.Join(", ", strange)}");
        var hidden = Book.Blocks.Where(b => Illustrations.Contains(b.Language) && b.Text.Split('\n').Any(l => CommandLine().IsMatch(l))).ToList();
        Assert.True(hidden.Count == 0, $"these look like commands, and are marked as something to look at: {string.Join(", ", hidden)}");
        Assert.All(Book.Blocks.Where(b => b.IsProgram), p =>
            Assert.True(Book.Blocks.Any(b => b.Document == p.Document && b.IsCommands && b.Text.Contains(p.Name, StringComparison.Ordinal)), $"nothing runs {p}"));
        Assert.All(Book.Documents, d => Assert.True(FenceLine().Count(d.Value) == 2 * Book.Blocks.Count(b => b.Document == d.Key), $"{d.Key}: a block that begins or ends in a way that is not read"));
    }

    [Fact]
    public void Every_document_stands_in_the_table_of_contents()
    {
        var contents = Book.Documents["README.md"];
        Assert.All(Book.Documents.Keys.Where(d => d is not ("README.md" or "/README.md")), d => Assert.True(contents.Contains($"]({d})", StringComparison.Ordinal), $"{d} is not in docs/README.md"));
        Assert.Contains("](docs/README.md)", Book.Documents["/README.md"], StringComparison.Ordinal);
    }

    [Fact]
    public void Every_link_leads_somewhere()
    {
        var links = Book.Documents.Keys.SelectMany(d => Link().Matches(Book.Prose(d)).Select(m => (Document: d, Target: m.Groups[1].Value))).Where(l => !l.Target.Contains("://", StringComparison.Ordinal)).ToList();
        Assert.True(links.Count > 200, $"{links.Count} links were found");
        Assert.Empty(links.Select(l => Broken(l.Document, l.Target)).OfType<string>());
    }

    /// <summary>In the package the pages lie elsewhere, and not beside the sources. The table of contents is there, and every page it names.</summary>
    [Fact]
    public async Task Every_link_of_the_packaged_book_leads_somewhere()
    {
        using var folder = new TempFolder("book");
        var made = await Command.RunAsync(Path.Combine(Repository.Root, "scripts", "package-docs.sh"), [folder.Path], TimeSpan.FromMinutes(1));
        Assert.True(made.ExitCode == 0, made.ToString());

        var book = Path.Combine(folder.Path, "usr/share/doc/wolfscale");
        var links = Directory.EnumerateFiles(book, "*.md").SelectMany(f => Link().Matches(Block().Replace(File.ReadAllText(f), "")).Select(m => (Page: Path.GetFileName(f), Target: m.Groups[1].Value.Split('#')[0])))
            .Where(l => l.Target.Length > 0 && !l.Target.Contains("://", StringComparison.Ordinal)).ToList();
        Assert.True(links.Count > 150, $"{links.Count} links were found");
        Assert.DoesNotContain(links, l => !File.Exists(Path.Combine(book, l.Target)) || !Path.GetFullPath(Path.Combine(book, l.Target)).StartsWith(folder.Path, StringComparison.Ordinal));
        Assert.Contains(links, l => l.Target.EndsWith(".png", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_key_that_is_named_exists()
    {
        var sections = ConfigurationSchema.Sections.ToDictionary(s => s.Name, s => s.AcceptedNames.ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
        var named = Book.Documents.SelectMany(d => Code().Matches(Book.Prose(d.Key)).SelectMany(c => Key().Matches(c.Groups[1].Value)).Select(k => (Document: d.Key, Section: k.Groups[1].Value, Key: k.Groups[2].Value)))
            .Where(k => sections.ContainsKey(k.Section) && k.Key is not ("md" or "toml")).ToList();
        Assert.True(named.Count > 60, $"{named.Count} keys were found");
        var unknown = named.Where(k => !sections[k.Section].Contains(k.Key)).Distinct().Select(k => $"{k.Document}: {k.Section}.{k.Key}").ToList();
        Assert.True(unknown.Count == 0, $"no such keys: {string.Join(", ", unknown)}");
    }

    [Fact]
    public void Every_example_of_a_configuration_is_known_to_the_program()
    {
        var examples = Book.Blocks.Where(b => b.Language == "toml").ToList();
        Assert.True(examples.Count > 1, $"{examples.Count} examples were found");
        foreach (var example in examples)
        {
            var findings = ConfigurationLoader.Load(example.Text, example.ToString(), []).Findings;
            Assert.DoesNotContain(findings, f => f.Code is "unknown_key" or "unknown_section" or "wrong_type" or "wrong_value" or "given_twice" or "syntax");
        }
    }

    private static string? Broken(string document, string target)
    {
        var folder = document == "/README.md" ? Repository.Root : Path.Combine(Repository.Root, "docs");
        var parts = target.Split('#', 2);
        var file = parts[0].Length == 0 ? Path.Combine(folder, document.TrimStart('/')) : Path.GetFullPath(Path.Combine(folder, parts[0]));
        if (!File.Exists(file) && !Directory.Exists(file))
            return $"{document}: there is no {target}";
        return parts.Length == 1 || Anchors(File.ReadAllText(file)).Contains(parts[1]) ? null : $"{document}: nothing is headed so: {target}";
    }

    /// <summary>As GitHub makes them of headings.</summary>
    private static HashSet<string> Anchors(string text)
    {
        var anchors = new HashSet<string>(StringComparer.Ordinal);
        foreach (var heading in Heading().Matches(Block().Replace(text, "")).Select(m => m.Groups[1].Value))
        {
            var anchor = NotInAnchors().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');
            for (var (name, number) = (anchor, 1); !anchors.Add(name); number++)
                name = $"{anchor}-{number}";
        }
        return anchors;
    }

    [GeneratedRegex(@"^\s*(\$ |# )?(sudo |\./run\.sh|\./install|wolfctl |wolfscale |curl |mariadb(-dump)? -|systemctl |apt-get |scp |python3? |php |dotnet )")]
    private static partial Regex CommandLine();

    [GeneratedRegex("^```", RegexOptions.Multiline)]
    private static partial Regex FenceLine();

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"(?<![\w./-])([a-z]+)\.([a-z][a-z0-9_]+)(?![\w.]*[(/])")]
    private static partial Regex Key();

    [GeneratedRegex("^#+ (.+?)[ ]*$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors();
}
