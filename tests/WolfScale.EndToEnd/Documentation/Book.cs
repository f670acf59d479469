using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>A fenced block of a document.</summary>
/// <param name="Document">The file's name: <c>get-started.md</c>.</param>
/// <param name="Line">Where it begins, from 1.</param>
/// <param name="Language">The first word behind the fence; empty where there is none.</param>
/// <param name="Name">The second one: the block's name, or the file that it is the content of.</param>
/// <param name="Machine">Where it is run, without the @; empty where that does not matter.</param>
/// <param name="Text">What is in it.</param>
internal sealed record Block(string Document, int Line, string Language, string Name, string Machine, string Text)
{
    public bool IsCommands => Language == "sh";

    /// <summary>A program, which is run by some block of commands.</summary>
    public bool IsProgram => Language is "csharp" or "python" or "php";

    public override string ToString() => $"{Document}:{Line} ({Language} {Name})";
}

/// <summary>
/// The documentation: <c>docs/*.md</c> and <c>README.md</c>. A fence says what is in its block: <c>sh NAME @MACHINE</c> are commands, which a test runs as they stand there (<see cref="RunsAttribute"/>);
/// <c>csharp</c>, <c>python</c> and <c>php</c> with a file's name are programs that such commands run; everything else is there to be looked at.
/// </summary>
internal static partial class Book
{
    public static IReadOnlyDictionary<string, string> Documents { get; } = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md")
        .Append(Path.Combine(Repository.Root, "README.md"))
        .ToDictionary(Name, File.ReadAllText, StringComparer.Ordinal);

    public static IReadOnlyList<Block> Blocks { get; } = [.. Documents.SelectMany(d => Fence().Matches(d.Value).Select(m => new Block(
        d.Key, d.Value.AsSpan(0, m.Index).Count('\n') + 1, m.Groups["language"].Value, m.Groups["name"].Value, m.Groups["machine"].Value, m.Groups["text"].Value)))];

    public static Block Commands(string document, string name) => Blocks.Single(b => b.Document == document && b.IsCommands && b.Name == name);

    /// <summary>The text without its blocks.</summary>
    public static string Prose(string document) => Fence().Replace(Documents[document], "\n");

    /// <summary><c>README.md</c> in the checkout's root, and <c>docs/README.md</c> by its folder.</summary>
    private static string Name(string file) => Path.GetRelativePath(Repository.Root, file) is "README.md" ? "/README.md" : Path.GetFileName(file);

    [GeneratedRegex(@"^```(?<language>[a-z]*)(?: (?<name>[\w.-]+))?(?: @(?<machine>[\w-]+))?[^\n]*\n(?<text>.*?)^```[ ]*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}

/// <summary>This test runs these blocks of a document; without names all blocks of commands in it.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class RunsAttribute(string document, params string[] names) : Attribute
{
    public string Document => document;

    public IReadOnlyList<string> Names => names;
}
