using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using WolfScale.Server.Demo;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale demo</c> and its verbs: a whole cluster on this machine, on loopback, nothing of the system's touched.</summary>
internal static class DemoCommand
{
    private const int DefaultBasePort = 17000;

    private static readonly Option<string> Dir = new("--dir")
    {
        Description = "Where the demo lives",
        HelpName = "DIR",
        DefaultValueFactory = _ => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".wolfscale", "demo"),
        Recursive = true,
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print facts as JSON", Recursive = true };

    public static Command Create()
    {
        var nodes = new Option<int?>("--nodes") { Description = "How many nodes [default: 3]", HelpName = "N" };
        var basePort = new Option<int?>("--base-port") { Description = $"Node i has the ports base + 10·i + 0 … 3 [default: {DefaultBasePort}]", HelpName = "N" };
        var detach = new Option<bool>("--detach") { Description = "Return when a leader accepts writes; without it, show a live view until Ctrl+C" };
        var set = new Option<string[]>("--set") { Description = "Overrides the nodes' configuration; repeatable", HelpName = "section.key=value" };
        var command = new Command("demo", "Runs a whole cluster on this machine") { Dir, Json, nodes, basePort, detach, set, Status(), Stop(), Kill(), Start(), Add() };
        command.SetAction(parsed => RunAsync(
            Folder(parsed), parsed.GetValue(nodes), parsed.GetValue(basePort), parsed.GetValue(set) ?? [], parsed.GetValue(detach), parsed.GetValue(Json)));
        return command;
    }

    private static string Folder(ParseResult parsed) => Path.GetFullPath(parsed.GetValue(Dir)!);

    private static async Task<int> RunAsync(string dir, int? nodes, int? basePort, string[] settings, bool detach, bool json)
    {
        using var ending = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, End);
        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            ending.Cancel();
        }

        var cluster = await BringUpAsync(dir, nodes, basePort, settings, json ? TextWriter.Null : Console.Error, ending.Token);
        await PrintAsync(cluster, json, hints: detach || json || !Terminal.Interactive, CancellationToken.None);
        if (detach)
            return ExitCode.Done;
        if (Terminal.Interactive && !json)
            await DemoView.RunAsync(cluster, ending.Token);
        else
            await ending.Token.WhenCancelledAsync();
        Console.Error.WriteLine("Taking the demo down …");
        await DemoCluster.Open(dir).StopAsync(); // as it is now: nodes may have been added
        return ExitCode.Done;
    }

    /// <summary>Founds the demo, or starts what does not run of the one that is there. What fails half-way is taken down again.</summary>
    private static async Task<DemoCluster> BringUpAsync(string dir, int? nodes, int? basePort, string[] settings, TextWriter progress, CancellationToken cancellationToken)
    {
        _ = Directory.CreateDirectory(dir);
        using var held = await DemoLock.TakeAsync(dir, cancellationToken);
        var known = DemoState.Read(dir);
        if (known is not null && ((nodes ?? known.Nodes.Length) != known.Nodes.Length || (basePort ?? known.BasePort) != known.BasePort || settings.Length > 0))
            throw new RefusedException($"{dir} holds a demo of {known.Nodes.Length} nodes from port {known.BasePort} on already. `demo --dir {dir}` without --nodes, --base-port and --set starts it; `demo stop --purge --dir {dir}` deletes it.");
        var cluster = known is null ? DemoCluster.Create(dir, nodes ?? 3, basePort ?? DefaultBasePort, settings) : DemoCluster.Open(dir);
        try
        {
            progress.WriteLine($"Starting {cluster.State.Nodes.Length} private MariaDB servers and nodes in {dir} …");
            await cluster.StartAllAsync(cancellationToken);
            progress.WriteLine("Waiting for a leader …");
            var leader = await DemoReadiness.WaitForLeaderAsync(cluster, cancellationToken);
            await DemoServer.CreateApplicationAsync(cluster.State, leader, cancellationToken);
            cluster.NoteFounded();
            foreach (var late in await DemoReadiness.WaitForMembersAsync(cluster, cancellationToken))
                Terminal.Error($"the cluster accepts writes, and {DemoReadiness.Line(late)}.");
            return cluster;
        }
        catch (Exception)
        {
            await cluster.StopAsync();
            throw;
        }
    }

    private static async Task PrintAsync(DemoCluster cluster, bool json, bool hints, CancellationToken cancellationToken)
    {
        var facts = await DemoFacts.ReadAsync(cluster.State, cancellationToken);
        if (json)
        {
            Terminal.Line(JsonSerializer.Serialize(facts, DemoJson.Default.DemoDocument));
            return;
        }

        Terminal.Out.Write(DemoView.Table(facts));
        foreach (var line in hints ? DemoView.Hints(facts) : [])
            Terminal.Line(line);
    }

    private static Command Status()
    {
        var command = new Command("status", "Shows the demo with live facts");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await PrintAsync(DemoCluster.Open(Folder(parsed)), parsed.GetValue(Json), hints: false, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Stop()
    {
        var purge = new Option<bool>("--purge") { Description = "Delete the demo's folder, data included, without asking: a demo is made to be thrown away" };
        var command = new Command("stop", "Ends all processes of the demo") { purge };
        command.SetAction((parsed, cancellationToken) => ChangeAsync(parsed, async cluster =>
        {
            await cluster.StopAsync();
            if (parsed.GetValue(purge))
                cluster.Purge();
            return $"The demo in {cluster.State.Dir} is stopped{(parsed.GetValue(purge) ? " and deleted" : "; its data stays")}.";
        }, print: false, cancellationToken));
        return command;
    }

    private static Command Kill()
    {
        var node = new Argument<string>("node") { Description = "For example node-1" };
        var what = What(DemoPart.Node);
        var signal = new Option<string>("--signal") { Description = "KILL, STOP, CONT or TERM", HelpName = "SIGNAL", DefaultValueFactory = _ => "KILL" };
        signal.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } name && Signals.Number(name) is null)
                result.AddError($"\"{name}\" is not a signal of the demo: KILL, STOP, CONT or TERM");
        });
        var command = new Command("kill", "Sends a signal to a node's processes") { node, what, signal };
        command.SetAction((parsed, cancellationToken) => ChangeAsync(parsed, async cluster =>
        {
            var (id, name) = (parsed.GetValue(node)!, parsed.GetValue(signal)!.ToUpperInvariant());
            await cluster.KillAsync(id, parsed.GetValue(what), Signals.Number(name)!.Value, cancellationToken);
            return $"{name} sent to {id} ({parsed.GetValue(what).ToString().ToLowerInvariant()}).";
        }, print: false, cancellationToken));
        return command;
    }

    private static Command Start()
    {
        var node = new Argument<string>("node") { Description = "For example node-1" };
        var what = What(DemoPart.Both);
        var command = new Command("start", "Starts what does not run of a node") { node, what };
        command.SetAction((parsed, cancellationToken) => ChangeAsync(parsed, async cluster =>
        {
            await cluster.StartAsync(parsed.GetValue(node)!, parsed.GetValue(what), cancellationToken);
            if (parsed.GetValue(what).HasFlag(DemoPart.Node))
                await DemoReadiness.WaitForAnswerAsync(cluster, parsed.GetValue(node)!, cancellationToken);
            return $"{parsed.GetValue(node)} is started.";
        }, print: false, cancellationToken));
        return command;
    }

    private static Command Add()
    {
        var witness = new Option<bool>("--witness") { Description = "Without a MariaDB: it keeps the log and votes" };
        var command = new Command("add", "Adds a node, which joins by itself") { witness };
        command.SetAction((parsed, cancellationToken) => ChangeAsync(parsed, async cluster =>
        {
            var id = await cluster.AddAsync(parsed.GetValue(witness), cancellationToken);
            foreach (var late in await DemoReadiness.WaitForMembersAsync(cluster, cancellationToken))
                Terminal.Error($"{DemoReadiness.Line(late)}.");
            return $"{id} is added.";
        }, print: true, cancellationToken));
        return command;
    }

    private static Option<DemoPart> What(DemoPart otherwise) => new("--what")
    {
        Description = "node, mariadb or both",
        HelpName = "PART",
        DefaultValueFactory = _ => otherwise,
    };

    /// <summary>Runs one changing verb under the demo's lock. With <c>--json</c> the demo's facts are the answer.</summary>
    private static async Task<int> ChangeAsync(ParseResult parsed, Func<DemoCluster, Task<string>> change, bool print, CancellationToken cancellationToken)
    {
        var dir = Folder(parsed);
        _ = DemoCluster.Open(dir); // before the lock, whose file would create the folder's content
        using var held = await DemoLock.TakeAsync(dir, cancellationToken);
        var cluster = DemoCluster.Open(dir);
        var done = await change(cluster);
        if (parsed.GetValue(Json) && DemoState.Read(dir) is not null)
            await PrintAsync(cluster, json: true, hints: false, cancellationToken);
        else
        {
            Terminal.Line(done);
            if (print)
                await PrintAsync(cluster, json: false, hints: false, cancellationToken);
        }

        return ExitCode.Done;
    }
}
