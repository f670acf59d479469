using System.CommandLine;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl check-config</c>: what is wrong with a configuration, before a node finds out.</summary>
internal static class CheckConfigCommand
{
    public static Command Create()
    {
        var file = new Option<string?>("--file", "-f") { Description = "The file to check; without it, the one --config names", HelpName = "FILE" };
        var strict = new Option<bool>("--strict") { Description = "Warnings count as errors" };
        var offline = ConfigurationCheck.Offline();
        var command = new Command("check-config", "Checks a configuration file, and what the local MariaDB lacks: exit code 0 fine, 1 not valid") { file, strict, offline };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(file) ?? parsed.GetValue(GlobalOptions.Config)!;
            return ConfigurationCheck.ReportAsync(path, GlobalOptions.Read(path), parsed.GetValue(strict), parsed.GetValue(CtlOptions.Json), parsed.GetValue(offline), cancellationToken);
        });
        return command;
    }
}
