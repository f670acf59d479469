using System.Collections.Immutable;
using System.CommandLine;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Hosting.StandAlone;
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
        var logging = options.Configuration.Logging;
        await using var log = ProgramLog.Open(parsed.GetValue(GlobalOptions.LogLevel) is { } level ? logging with { Level = level } : logging);
        using var loggers = new LoggerFactory([log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        var logger = loggers.CreateLogger("WolfScale.Server.StandAlone");
        using var ending = new EndSignals(logger);
        using var manager = NotifySocket.Open(logger);
        await using var service = new ServiceWatch(manager, TimeProvider.System);
        await using var stopping = ending.Token.Register(service.Stopping);
        try
        {
            await using var host = await StandAloneHost.StartAsync(options, loggers, TimeProvider.System, CommandTree.Version, ending.Token);
            using var watched = service.Watch(host);
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
        return parsed.GetResult(GlobalOptions.Config) is { Implicit: false } || File.Exists(path)
            ? GlobalOptions.Read(path)
            : ConfigurationLoader.Load("", "no configuration file", EnvironmentSource.Read());
    }
}

/// <summary>What was given to a stand-alone proxy, on the command line and in a file.</summary>
/// <param name="Program">The verb.</param>
/// <param name="File">A node's file will do: what is a node's alone is not looked at.</param>
/// <param name="Listen"><c>--listen</c>.</param>
/// <param name="Peers"><c>--peers</c>.</param>
/// <param name="ClusterName"><c>--cluster-name</c>.</param>
/// <param name="Api"><c>--api</c>.</param>
internal sealed record StandAloneSettings(string Program, LoadedConfiguration File, string? Listen, ImmutableArray<string> Peers, string? ClusterName, string? Api)
{
    public const string DefaultApi = "127.0.0.1:8081";

    /// <summary>Mistakes of writing, in any section: what was meant is not known.</summary>
    private static readonly ImmutableHashSet<string> Mistakes = ["syntax", "unknown_key", "unknown_section", "wrong_type", "wrong_value", "given_twice"];

    /// <summary>Checks and completes it.</summary>
    /// <exception cref="RefusedException">It is not right; the message says what to write.</exception>
    public StandAloneOptions Resolve()
    {
        var errors = File.Findings.Where(f => f.Severity == Severity.Error && (Mistakes.Contains(f.Code) || IsUsed(f))).ToList();
        if (errors.Count > 0)
            throw Wrong("The configuration is not valid:\n" + string.Join('\n', errors));
        var configuration = File.Configuration;
        return new StandAloneOptions(
            Program, Address("--listen", Listen ?? configuration.Proxy.BindAddress), PeerUrls(configuration), ClusterName ?? configuration.Cluster.ClusterName, OwnApi(configuration), configuration);
    }

    /// <summary>Rules about files and keys that this program uses too.</summary>
    private static bool IsUsed(Finding finding) =>
        finding.Code is "unreadable_file" or "tls_incomplete" or "bad_network"
        && (finding.Key.StartsWith("proxy.", StringComparison.Ordinal) || finding.Key.StartsWith("api.", StringComparison.Ordinal) || finding.Key is "cluster.tls_ca" or "cluster.secret");

    private ImmutableArray<Uri> PeerUrls(NodeConfiguration configuration)
    {
        var scheme = configuration.Api.Scheme();
        var fromFile = Peers.IsEmpty;
        var apiPort = HostPort.TryParse(configuration.Api.BindAddress, out var bind, out _) ? bind.Port : 8080;
        var urls = ImmutableArray.CreateBuilder<Uri>();
        foreach (var peer in fromFile ? configuration.Cluster.Peers : Peers)
        {
            if (fromFile ? PeerAddress.TryFromConfiguration(peer, apiPort, scheme, out var url, out var problem) : PeerAddress.TryParse(peer, scheme, out url, out problem))
                urls.Add(url);
            else
                throw Wrong((fromFile ? "cluster.peers: " : "--peers: ") + problem + ".");
        }

        if (urls.Count > 0 || (configuration.Cluster.AutoDiscovery && configuration.Cluster.Secret.Length > 0))
            return urls.ToImmutable();
        throw Wrong($"Whom shall the {Program} ask? Name the HTTP API of a node or more: wolfscale {Program} --listen ADDR --peers 10.0.10.10:8080,10.0.10.11:8080; or let it find them: "
            + (configuration.Cluster.AutoDiscovery ? "that needs cluster.secret (in the file of -c, or WOLFSCALE_CLUSTER__SECRET)." : "cluster.auto_discovery is false."));
    }

    private ApiSection OwnApi(NodeConfiguration configuration)
    {
        if (Api == "off")
            return configuration.Api with { Enabled = false };
        var given = Api ?? (File.Positions.ContainsKey("api.bind_address") ? configuration.Api.BindAddress : DefaultApi);
        return configuration.Api with { Enabled = Api is not null || configuration.Api.Enabled, BindAddress = Address("--api", given).ToString() };
    }

    private static HostPort Address(string option, string text)
    {
        if (!HostPort.TryParse(text, out var address, out var problem))
            throw Wrong($"{option}: {problem}.");
        return address.IsBindable ? address : throw Wrong($"{option}: \"{address.Host}\" is a name; give the IP address to listen on, or 0.0.0.0 for all.");
    }

    private static RefusedException Wrong(string message) => new(message, ExitCode.Invalid);
}
