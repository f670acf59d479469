using System.CommandLine;

namespace WolfScale.Client;

/// <summary><c>completion SHELL</c>: what makes the shell complete the program's verbs and options. The shell asks the program itself (<c>[suggest:POSITION]</c>), so it never lags behind.</summary>
public static class CompletionCommand
{
    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        _ = shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var program = Terminal.Program;
        var command = new Command("completion", $"Prints what completes {program} in a shell, for its start-up file: source <({program} completion bash)") { shell };
        command.SetAction(parsed => Console.Out.Write(parsed.GetValue(shell) switch
        {
            "bash" => Bash(program),
            "zsh" => Zsh(program),
            _ => Fish(program),
        }));
        return command;
    }

    /// <summary>What the program knows nothing of is completed as usual: files.</summary>
    private static string Bash(string program) => $$"""
        _{{program}}() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$({{program}} "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o bashdefault -o default -F _{{program}} {{program}}

        """;

    /// <summary>
    /// Sourced, it registers itself. As a file of <c>$fpath</c> its whole text is the function's body at the first TAB: it then has to complete, too. The line is put together of the
    /// words, because <c>$BUFFER</c> holds what is before a <c>;</c> or a pipe as well.
    /// </summary>
    private static string Zsh(string program) => $$"""
        #compdef {{program}}
        _{{program}}() {
          local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
          local -a found
          found=(${(f)"$({{program}} "[suggest:${#line}]" "$line" 2>/dev/null)"})
          compadd -a found || _files
        }
        if [[ $funcstack[1] == _{{program}} ]]; then
          _{{program}} "$@"
        else
          compdef _{{program}} {{program}}
        fi

        """;

    private static string Fish(string program) =>
        $"complete -c {program} -a '({program} \"[suggest:\"(string length (commandline -cp))\"]\" (commandline -cp) 2>/dev/null)'\n";
}
