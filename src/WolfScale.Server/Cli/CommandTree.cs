using System.CommandLine;

namespace WolfScale.Server.Cli;

/// <summary>All verbs of <c>wolfscale</c>.</summary>
internal static class CommandTree
{
    public static string Version => ProgramRun.Version;

    public static RootCommand Create() =>
        new("WolfScale: stock MariaDB servers, one cluster, no acknowledged write lost.")
        {
            GlobalOptions.Config,
            GlobalOptions.LogLevel,
            StartCommand.Start(),
            StartCommand.Join(),
            InitCommand.Create(),
            ValidateCommand.Create(),
            StatusCommand.Create(),
            InfoCommand.Create(),
            StandAloneCommand.Proxy(),
            StandAloneCommand.LoadBalancer(),
            DemoCommand.Create(),
            ConfigurationCommand.Create(),
            CompletionCommand.Create(),
            ManualCommand.Create(Create),
        };
}
