using System.CommandLine;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale validate [FILE]</c>: what is wrong with a configuration, before a node finds out.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The file to check; without it, the one --config names" };
        var strict = new Option<bool>("--strict") { Description = "Warnings count as errors" };
        var offline = ConfigurationCheck.Offline();
        var command = new Command("validate", "Checks a configuration file, and what the local MariaDB lacks: exit code 0 fine, 1 not valid") { file, strict, offline, GlobalOptions.Json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(file) ?? parsed.GetValue(GlobalOptions.Config)!;
            return ConfigurationCheck.ReportAsync(path, GlobalOptions.Read(path), parsed.GetValue(strict), parsed.GetValue(GlobalOptions.Json), parsed.GetValue(offline), cancellationToken);
        });
        return command;
    }
}
