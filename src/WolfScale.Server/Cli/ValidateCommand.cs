using System.CommandLine;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale validate [FILE]</c>: what is wrong with a configuration, before a node finds out.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The file to check; without it, the one --config names" };
        var strict = new Option<bool>("--strict") { Description = "Warnings count as errors" };
        var command = new Command("validate", "Checks a configuration file: exit code 0 fine, 1 not valid") { file, strict, GlobalOptions.Json };
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(file) ?? parsed.GetValue(GlobalOptions.Config)!;
            return ConfigurationCheck.Report(path, GlobalOptions.Read(path), parsed.GetValue(strict), parsed.GetValue(GlobalOptions.Json));
        });
        return command;
    }
}
