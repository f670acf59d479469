using System.CommandLine;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.MariaDb;
using WolfScale.Server.Hosting;
using WolfScale.Server.Logging;
using WolfScale.Server.Service;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale start</c> and <c>wolfscale join</c>: run a node until SIGTERM or Ctrl+C.</summary>
internal static class StartCommand
{
    public static Command Start()
    {
        var bootstrap = new Option<bool>("--bootstrap") { Description = "Create a new cluster, once: ignored where the data directory already belongs to one" };
        var command = new Command("start", "Runs a node") { bootstrap };
        command.SetAction(parsed => RunAsync(() => GlobalOptions.Load(parsed), parsed.GetValue(bootstrap), rejoin: false));
        return command;
    }

    public static Command Join()
    {
        var member = new Argument<string>("host:port") { Description = "A member of the cluster: its cluster port" };
        var command = new Command("join", "Remembers a member of an existing cluster and runs the node, which joins through it") { member };
        command.SetAction(parsed =>
        {
            var address = parsed.GetValue(member)!;
            if (!HostPort.TryParse(address, out var peer, out var problem) || peer.IsWildcard || peer.Port == 0)
                throw new RefusedException(problem.Length > 0 ? problem : $"\"{address}\" cannot be dialled.", ExitCode.Invalid);
            ServiceUser.RefuseRootBesideService();
            var loaded = GlobalOptions.Load(parsed);
            if (loaded.Configuration.Cluster.Bootstrap)
                throw new RefusedException("cluster.bootstrap = true creates a cluster, and join wants to enter one: remove it from the configuration.", ExitCode.Invalid);
            RememberedPeers.Add(loaded.Configuration, address);
            return RunAsync(() => GlobalOptions.Load(parsed), bootstrap: false, rejoin: true);
        });
        return command;
    }

    private static async Task<int> RunAsync(Func<LoadedConfiguration> read, bool bootstrap, bool rejoin)
    {
        var loaded = read();
        var configuration = loaded.Configuration;
        await using var log = new NodeLoggerProvider(configuration.Logging, TimeProvider.System);
        using var loggers = new LoggerFactory([log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        var logger = loggers.CreateLogger("WolfScale.Server.Start");
        foreach (var finding in loaded.Findings)
        {
            if (finding.Severity == Severity.Warning)
                HostLog.ConfigurationWarning(logger, finding.ToString());
            else
                HostLog.ConfigurationRemark(logger, finding.ToString());
        }

        HostLog.Starting(
            logger, CommandTree.Version, configuration.Node.Id, configuration.DataDirectory, configuration.Node.BindAddress,
            configuration.Api.Enabled ? configuration.Api.BindAddress : "off");
        using var ending = new EndSignals(logger);
        using var manager = NotifySocket.Open(logger);
        await using var service = new ServiceWatch(manager, TimeProvider.System);
        await using var stopping = ending.Token.Register(service.Stopping);
        try
        {
            _ = Directory.CreateDirectory(configuration.FilesDirectory);
            while (true)
            {
                await using var host = await NodeHost.StartAsync(
                    configuration, new ClusterEntry(bootstrap || configuration.Cluster.Bootstrap, rejoin, RememberedPeers.Read(configuration)), log,
                    loggers, TimeProvider.System, CommandTree.Version, ending.Token, read);
                using var watched = service.Watch(host);
                ending.Runs(host);
                if (await Task.WhenAny(ending.Token.WhenCancelledAsync(), host.Superseded) != host.Superseded)
                    return ExitCode.Done;
                ending.Runs(null);
                configuration = host.Configuration;
                HostLog.StartsAnew(logger);
            }
        }
        catch (Exception e) when (e is ClusterStartException or DatabaseException or IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(e.Message);
        }
        catch (OperationCanceledException) when (ending.Token.IsCancellationRequested)
        {
            return ExitCode.Done; // told to end while it started
        }
    }
}
