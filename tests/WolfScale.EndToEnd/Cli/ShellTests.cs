using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>What the programs give to a shell and to <c>man</c>.</summary>
public sealed class ShellTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("wolfctl", "wolfctl ver", "verify")]
    [InlineData("wolfctl", "wolfctl list ", "servers")]
    [InlineData("wolfctl", "wolfctl verify --tab", "--tables")]
    [InlineData("wolfctl", "wolfctl maintenance o", "on off")]
    [InlineData("wolfscale", "wolfscale sta", "start status")]
    public async Task Bash_completes_what_the_program_knows(string program, string line, string completed)
    {
        var script = $$"""
            set -e
            source <({{program}} completion bash)
            COMP_LINE=$1 COMP_POINT=${#1}
            read -r -a COMP_WORDS <<<"$1"
            [[ $1 != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
            _{{program}}
            echo "${COMPREPLY[@]}"
            """;
        var result = await Command.RunAsync("env", [PathWith(program), "bash", "-c", script, "bash", line], Limit);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.All(completed.Split(' '), c => Assert.Contains(c, result.Output.Split([' ', '\n']), StringComparer.Ordinal));
        Assert.DoesNotContain("list", result.Output.Split(' ').Where(_ => !line.EndsWith(' ')), StringComparer.Ordinal);
    }

    /// <summary>In an interactive zsh: the package's way, a file of <c>$fpath</c> that is loaded at the first TAB, and that of a start-up file, which sources it.</summary>
    [Theory]
    [InlineData("wolfctl", "wolfctl ver", "wolfctl verify ", false)]
    [InlineData("wolfctl", "wolfctl ver", "wolfctl verify ", true)]
    [InlineData("wolfctl", "true; wolfctl verify --tab", "true; wolfctl verify --tables ", false)]
    [InlineData("wolfscale", "wolfscale demo sto", "wolfscale demo stop ", false)]
    public async Task Zsh_completes_at_the_first_TAB(string program, string line, string completed, bool sourced)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/zsh"), "zsh is not installed");
        using var folder = new TempFolder("zsh");
        var completion = await Command.RunAsync("env", [PathWith(program), program, "completion", "zsh"], Limit);
        await File.WriteAllTextAsync($"{folder.Path}/{(sourced ? "" : "_")}{program}", completion.Output);
        await File.WriteAllTextAsync($"{folder.Path}/.zshrc", $$"""
            fpath=({{folder.Path}} $fpath)
            autoload -Uz compinit
            compinit -u -D
            {{(sourced ? $"source {folder.Path}/{program}" : "")}}
            show() { print -rn -- "$BUFFER" >{{folder.Path}}/new; mv {{folder.Path}}/new {{folder.Path}}/shown; BUFFER= }
            zle -N show
            bindkey '^G' show
            PS1='ready> '

            """);
        using var shell = TerminalSession.Start("env", PathWith(program), $"ZDOTDIR={folder.Path}", "zsh", "-d", "-i");
        await shell.SeeAsync("ready> ");

        await shell.TypeAsync($"{line}\t\a"); // Ctrl+G is the bell's code: the line as it stands

        await Poll.UntilAsync("the completed line", Limit, () => Task.FromResult(File.Exists($"{folder.Path}/shown") ? null : shell.Screen));
        Assert.Equal(completed, await File.ReadAllTextAsync($"{folder.Path}/shown"));
    }

    [Theory]
    [InlineData("wolfctl", "wolfctl ver", "verify")]
    [InlineData("wolfctl", "true; wolfctl list ", "servers")]
    [InlineData("wolfctl", "wolfctl verify --tab", "--tables")]
    [InlineData("wolfctl", "wolfctl maintenance o", "off on")]
    [InlineData("wolfscale", "wolfscale sta", "start status")]
    public async Task Fish_completes_what_the_program_knows(string program, string line, string completed)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/fish"), "fish is not installed");
        using var folder = new TempFolder("fish");
        var result = await Command.RunAsync(
            "env", ["-C", folder.Path, PathWith(program), $"HOME={folder.Path}", "fish", "--no-config", "-c", $"{program} completion fish | source; complete -C '{line}'"], Limit);

        var offered = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0]).ToList();
        Assert.All(completed.Split(' '), c => Assert.Contains(c, offered));
        Assert.DoesNotContain("/h", offered);
    }

    /// <summary>Where groff is there, it has nothing to say against the page.</summary>
    [Theory]
    [InlineData("wolfctl", "doctor")]
    [InlineData("wolfscale", "load\\-balancer")]
    public async Task The_manual_page_names_every_verb(string program, string verb)
    {
        var page = await (program == "wolfctl" ? CommandLine.CtlAsync("manual") : CommandLine.RunAsync("manual"));

        Assert.Equal(0, page.ExitCode);
        Assert.Contains($".SS {verb}", page.Output, StringComparison.Ordinal);
        Assert.Contains(".SH EXIT STATUS", page.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Output.Split('\n'), line => line.StartsWith('.') && !line.StartsWith(".TH ") && !line.StartsWith(".SH ") && !line.StartsWith(".SS ")
            && !line.StartsWith(".B ") && !line.StartsWith(".I ") && line != ".TP");
        if (!File.Exists("/usr/bin/groff"))
            return;
        var checkedPage = await Command.RunAsync("env", [PathWith(program), "sh", "-c", $"{program} manual | groff -Kutf8 -man -Tutf8 -ww -z 2>&1"], Limit);
        Assert.Equal("", checkedPage.Output);
    }

    private static string PathWith(string program)
    {
        var file = program == "wolfctl" ? Repository.WolfCtl : Repository.WolfScale;
        return $"PATH={Path.GetDirectoryName(file)}:{Environment.GetEnvironmentVariable("PATH")}";
    }
}
