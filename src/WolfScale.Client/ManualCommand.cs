using System.CommandLine;
using System.Text;

namespace WolfScale.Client;

/// <summary><c>manual</c>: the manual page, made of the verbs themselves, for <c>man</c>.</summary>
public static class ManualCommand
{
    /// <param name="root">The program, whose verbs are all there when the page is printed.</param>
    public static Command Create(Func<RootCommand> root)
    {
        var command = new Command("manual", $"Prints the manual page: {Terminal.Program} manual | man -l -");
        command.SetAction(_ => Console.Out.Write(Write(root())));
        return command;
    }

    /// <summary>In the language of man(7).</summary>
    internal static string Write(RootCommand root)
    {
        var (program, text) = (Terminal.Program, new StringBuilder());
        var what = root.Description ?? "";
        _ = text.Append(Line($".TH {program.ToUpperInvariant()} 1 \"\" \"WolfScale {ProgramRun.Version}\" \"WolfScale\""))
            .Append(".SH NAME\n").Append(Line($"{program} \\- {Escape(what[(what.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim().TrimEnd('.'))}"))
            .Append(".SH SYNOPSIS\n").Append(Line($".B {program}")).Append(".I COMMAND OPTION...\n");
        _ = text.Append(".SH OPTIONS OF EVERY COMMAND\n");
        WriteOptions(text, root);
        _ = text.Append(".SH COMMANDS\n");
        foreach (var verb in root.Subcommands.Where(c => !c.Hidden))
            WriteVerb(text, verb, verb.Name);
        _ = text.Append(".SH EXIT STATUS\n");
        foreach (var (code, means) in ((int, string)[])
        [
            (ExitCode.Done, "done; healthy"),
            (ExitCode.Refused, "refused, or it could not be done: one line on standard error says what, and what to do"),
            (ExitCode.Invalid, "wrong usage, or an invalid configuration"),
            (ExitCode.Unreachable, "nobody could be reached"),
            (ExitCode.Unknown, "no answer came in time: whether it was done is not known"),
            (ExitCode.Different, "a comparison has found a difference"),
        ])
        {
            _ = text.Append(Line(".TP")).Append(Line($".B {code}")).Append(Line(Escape(means)));
        }

        return text.Append(".SH FILES\n.TP\n").Append(Line($".I {GlobalOptions.DefaultConfigPath}")).Append(Line("the node's configuration")).ToString();
    }

    private static void WriteVerb(StringBuilder text, Command verb, string path)
    {
        if (verb.Subcommands.Count > 0 && verb.Action is null)
        {
            foreach (var sub in verb.Subcommands.Where(c => !c.Hidden))
                WriteVerb(text, sub, $"{path} {sub.Name}");
            return;
        }

        var arguments = string.Concat(verb.Arguments.Where(a => !a.Hidden).Select(a => a.Arity.MinimumNumberOfValues > 0 ? $" {a.Name}" : $" [{a.Name}]"));
        _ = text.Append(Line($".SS {Escape(path + arguments)}")).Append(Line(Escape(verb.Description ?? "")));
        foreach (var argument in verb.Arguments.Where(a => !a.Hidden && a.Description is { Length: > 0 }))
            _ = text.Append(Line(".TP")).Append(Line($".I {Escape(argument.Name)}")).Append(Line(Escape(argument.Description!)));
        WriteOptions(text, verb);
        foreach (var sub in verb.Subcommands.Where(c => !c.Hidden))
            WriteVerb(text, sub, $"{path} {sub.Name}");
    }

    private static void WriteOptions(StringBuilder text, Command verb)
    {
        foreach (var option in verb.Options.Where(o => !o.Hidden))
        {
            var names = string.Join(", ", option.Aliases.Where(a => a.StartsWith('-') && !a.Contains('?')).Append(option.Name).Order(StringComparer.Ordinal));
            var value = option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0 ? "" : $" {option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant()}";
            _ = text.Append(Line(".TP")).Append(Line($".B {Escape(names + value)}")).Append(Line(Escape(option.Description ?? "")));
        }
    }

    private static string Line(string text) => text + "\n";

    /// <summary>A hyphen that can be copied, and no line that begins with a request.</summary>
    private static string Escape(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" + escaped : escaped;
    }
}
