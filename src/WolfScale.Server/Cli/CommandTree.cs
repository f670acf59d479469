using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace WolfScale.Server.Cli;

/// <summary>All verbs of <c>wolfscale</c>.</summary>
internal static class CommandTree
{
    /// <summary>The version without the commit that the build appends.</summary>
    public static string Version { get; } =
        (typeof(CommandTree).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];

    public static RootCommand Create()
    {
        var root = new RootCommand("WolfScale: stock MariaDB servers, one cluster, no acknowledged write lost.")
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
        };
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
        return root;
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Terminal.Line("wolfscale " + Version);
            return ExitCode.Done;
        }
    }
}
