using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>
/// The commands of the chapters that a new user follows, for machines of a <see cref="NetworkBed"/>: what a person reads there and types, with other addresses. The package is in /root; <c>scp</c> is a program
/// that finds the other machine's file in /lan; apt-get takes "y" for an answer.
/// </summary>
internal static partial class InstallationGuide
{
    private static readonly string Text = string.Concat(
        new[] { "three-servers.md", "moving-in.md", "installation.md" }.Select(chapter => File.ReadAllText(Path.Combine(Repository.Root, "docs", chapter))));

    /// <summary>The commands of the first block after some words of the chapters.</summary>
    /// <param name="words">Where it is.</param>
    /// <param name="number">The machine that they are typed on. The document writes them for the first or, what is the others', for the second.</param>
    public static string Commands(string words, int number)
    {
        var at = Text.IndexOf(words, StringComparison.Ordinal);
        Assert.True(at >= 0, $"docs does not say \"{words}\" any more");
        var block = Block().Match(Text, at);
        Assert.True(block.Success, $"no commands follow \"{words}\"");
        // The second machine's own name and address; those of others (where a file is fetched from, whom an application calls) stay.
        var commands = block.Groups[1].Value
            .Replace("--node-id node-2 --advertise 10.0.10.11:", $"--node-id node-{number} --advertise 10.77.0.{number}:", StringComparison.Ordinal)
            .Replace("/server_id = 2 /", $"/server_id = {number} /", StringComparison.Ordinal);
        commands = Address().Replace(commands, m => $"10.77.0.{int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) + 1}");
        return string.Join('\n', commands.Split('\n').Where(l => !l.StartsWith("./run.sh package", StringComparison.Ordinal)));
    }

    /// <summary>What a person's machine has beside.</summary>
    public static async Task PrepareAsync(Container machine)
    {
        await machine.RunAsync("""
            printf 'APT::Get::Assume-Yes "true";\n' >/etc/apt/apt.conf.d/90yes
            printf '#!/bin/sh\ncp "/lan/${1%%:*}${1#*:}" "$2"\n' >/usr/local/bin/scp
            chmod +x /usr/local/bin/scp
            """);
    }

    /// <summary>Puts a machine's configuration where another's <c>scp</c> finds it.</summary>
    public static async Task ShareAsync(Container from, NetworkHost host, Container to)
    {
        await to.RunAsync($"mkdir -p /lan/{host.Address}/etc/wolfscale");
        to.Take(from.Root + "/etc/wolfscale/config.toml", $"/lan/{host.Address}/etc/wolfscale/config.toml");
    }

    [GeneratedRegex(@"^```[^\n]*\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"10\.0\.10\.1([0-9])\b")]
    private static partial Regex Address();
}
