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
