using System.CommandLine;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Hosting.StandAlone;
using WolfScale.Server.Logging;
using WolfScale.Server.Service;

namespace WolfScale.Server.Cli;

/// <summary>
/// <c>wolfscale proxy</c> and <c>wolfscale load-balancer</c>: a MySQL proxy on a machine without a database, until SIGTERM or Ctrl+C. Both are the same
/// program; they differ in what people call them.
/// </summary>
internal static class StandAloneCommand
{
    public static Command Proxy() => Create("proxy", "Runs a stand-alone MySQL proxy, on a machine without a database");

    public static Command LoadBalancer() => Create("load-balancer", "Runs a stand-alone MySQL proxy that spreads reads over the followers; the same as proxy");

    private static Command Create(string name, string description)
    {
        var listen = new Option<string?>("--listen") { HelpName = "ADDR", Description = "Where clients connect, HOST:PORT (0.0.0.0:3306 for every address of this machine); default: proxy.bind_address" };
        var peers = new Option<string[]>("--peers")
        {
            HelpName = "A,B",
            Description = "HTTP APIs of nodes, HOST:PORT or URL; one that answers is enough, it names the others. Default: cluster.peers, else nodes are found by discovery",
            AllowMultipleArgumentsPerToken = true,
        };
        var cluster = new Option<string?>("--cluster-name") { HelpName = "NAME", Description = "Nodes of another cluster are refused; default: cluster.cluster_name, else the first peer's" };
        var api = new Option<string?>("--api") { HelpName = "ADDR", Description = $"Where this program's own /stats and /health are, or off; default: the file's api.bind_address, else {StandAloneSettings.DefaultApi}" };
        var command = new Command(name, description) { listen, peers, cluster, api };
        command.SetAction(parsed => RunAsync(parsed, new StandAloneSettings(
            name, Configuration(parsed), parsed.GetValue(listen), [.. (parsed.GetValue(peers) ?? []).SelectMany(p => p.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
            parsed.GetValue(cluster), parsed.GetValue(api))));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, StandAloneSettings settings)
    {
        var options = settings.Resolve();
        await using var log = new NodeLoggerProvider(options.Configuration.Logging, TimeProvider.System);
        using var loggers = new LoggerFactory([log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        var logger = loggers.CreateLogger("WolfScale.Server.StandAlone");
        using var ending = new EndSignals(logger);
        using var manager = NotifySocket.Open(logger);
        await using var service = new ServiceWatch(manager, TimeProvider.System);
        await using var stopping = ending.Token.Register(service.Stopping);
        try
        {
            await using var host = await StandAloneHost.StartAsync(settings, () => Configuration(parsed), log, loggers, TimeProvider.System, CommandTree.Version, ending.Token);
            using var watched = service.Watch(host);
            ending.Runs(host);
            await ending.Token.WhenCancelledAsync();
            return ExitCode.Done;
        }
        catch (SocketException e)
        {
            throw new RefusedException($"Clients cannot be listened for on {options.Listen}: {e.Message}. Choose another address with --listen.");
        }
        catch (IOException e)
        {
            throw new RefusedException($"The API cannot listen on {options.Api.BindAddress}: {e.Message} Choose another address with --api, or --api off.");
        }
        catch (OperationCanceledException) when (ending.Token.IsCancellationRequested)
        {
            return ExitCode.Done;
        }
    }

    /// <summary>The file that was named; the usual one where there is one; else none, and everything has its default.</summary>
    private static LoadedConfiguration Configuration(ParseResult parsed)
    {
        var path = parsed.GetValue(GlobalOptions.Config)!;
        var loaded = parsed.GetResult(GlobalOptions.Config) is { Implicit: false } || File.Exists(path)
            ? GlobalOptions.Read(path)
            : ConfigurationLoader.Load("", "no configuration file", EnvironmentSource.Read());
        return GlobalOptions.WithLevel(parsed, loaded);
    }
}
