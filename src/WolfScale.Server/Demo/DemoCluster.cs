using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WolfScale.Server.Cli;

namespace WolfScale.Server.Demo;

/// <summary>Which processes of a node a verb means.</summary>
[Flags]
internal enum DemoPart
{
    Node = 1,
    MariaDb = 2,
    Both = Node | MariaDb,
}

/// <summary>
/// What can be done to a demo cluster: create, start, add, kill, stop. Every change is written to <c>demo.json</c> at once, so that a
/// process that was started is never forgotten.
/// </summary>
internal sealed class DemoCluster
{
    private const int Unprivileged = 1024;

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);

    private readonly Lock _saving = new();
    private DemoState _state;

    private DemoCluster(DemoState state) => _state = state;

    public DemoState State => _state;

    /// <exception cref="RefusedException">There is no demo in that folder.</exception>
    public static DemoCluster Open(string dir) => new(DemoState.Read(dir)
        ?? throw new RefusedException($"There is no demo in {dir}. `wolfscale demo --dir {dir}` makes one; `--dir` names another place."));

    /// <summary>A new cluster in an empty (or new) folder. Nothing runs yet.</summary>
    public static DemoCluster Create(string dir, int nodes, int basePort, IEnumerable<string> settings)
    {
        if (nodes is < 1 or > 9)
            throw new RefusedException("--nodes takes 1 to 9: ids are compared as text, and node-10 would come before node-2.", ExitCode.Invalid);
        if (basePort < Unprivileged || basePort + (10 * nodes) + 9 > ushort.MaxValue)
            throw new RefusedException($"--base-port takes {Unprivileged} to {ushort.MaxValue - (10 * nodes) - 9}.", ExitCode.Invalid);
        if (Directory.Exists(dir) && Directory.EnumerateFileSystemEntries(dir).Any(e => Path.GetFileName(e) != "demo.lock"))
            throw new RefusedException($"{dir} holds something that is not a demo; choose a new or empty folder with --dir.");
        var state = new DemoState
        {
            Cluster = "demo",
            Dir = dir,
            BasePort = basePort,
            User = "app",
            Password = Secrets.Fresh(),
            Database = "demo",
            Token = Secrets.Fresh(),
            Secret = Secrets.Fresh(),
            ServerPassword = Secrets.Fresh(),
            Settings = settings.Select(DemoConfiguration.ParseSetting).Aggregate(
                ImmutableDictionary<string, string>.Empty, (all, one) => all.SetItem(one.Key, one.Value)),
            Nodes = [.. Enumerable.Range(1, nodes).Select(i => new DemoNode(i, null, null))],
        };
        DemoServer.CheckPath(state, state.Nodes[^1]);
        foreach (var node in state.Nodes)
            CheckPorts(node.Ports(basePort));
        return new DemoCluster(state);
    }

    /// <summary>Starts what does not run: all servers at once, then the nodes. The first one founds the cluster where there is none yet.</summary>
    public async Task StartAllAsync(CancellationToken cancellationToken)
    {
        Save(_state);
        await StartServersAsync(_state.Nodes, cancellationToken);
        foreach (var node in _state.Nodes)
            StartNode(node);
    }

    /// <summary>Notes that the cluster has accepted writes.</summary>
    public void NoteFounded() => Save(_state with { Founded = true });

    /// <summary>Starts what does not run of one node.</summary>
    public async Task StartAsync(string id, DemoPart part, CancellationToken cancellationToken)
    {
        var node = WithPart(id, part);
        if (part.HasFlag(DemoPart.MariaDb))
            await StartServersAsync([node], cancellationToken);
        if (part.HasFlag(DemoPart.Node))
            StartNode(_state.Find(id));
    }

    /// <summary>One more node, which joins the running cluster by itself.</summary>
    /// <param name="witness">Without a MariaDB.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    public async Task<string> AddAsync(bool witness, CancellationToken cancellationToken)
    {
        var node = new DemoNode(_state.Nodes.Max(n => n.Index) + 1, null, null, witness);
        if (node.Index > 9)
            throw new RefusedException("A demo has at most nine nodes: ids are compared as text, and node-10 would come before node-2.");
        CheckPorts(node.Ports(_state.BasePort));
        Save(_state with { Nodes = _state.Nodes.Add(node) });
        await StartAsync(node.Id, DemoPart.Both, cancellationToken);
        return node.Id;
    }

    /// <summary>Sends a signal; after KILL and TERM, returns when the processes have ended.</summary>
    public async Task KillAsync(string id, DemoPart part, int signal, CancellationToken cancellationToken)
    {
        var node = WithPart(id, part);
        var targets = Targets(node, part).ToList();
        var reached = targets.Count(t => t.Process?.Signal(signal) == true);
        if (reached == 0)
            throw new RefusedException($"{string.Join(" and ", targets.Select(t => t.Name))} of {id} does not run.");
        if (signal is not (Signals.Kill or Signals.Term))
            return;
        foreach (var (name, process) in targets)
        {
            if (process is not null && !await process.WaitForEndAsync(StopLimit, cancellationToken))
                throw new RefusedException($"{name} of {id} (process {process.Pid}) has not ended within {StopLimit.TotalSeconds} s.", ExitCode.Unknown);
        }
    }

    /// <summary>Ends everything: nodes first, so that they close their servers for writes; then the servers. What does not end is killed.</summary>
    public async Task StopAsync()
    {
        await EndAsync(_state.Nodes.Select(n => n.Node));
        await EndAsync(_state.Nodes.Select(n => n.MariaDb));
    }

    /// <summary>Deletes the folder; everything must have ended.</summary>
    public void Purge() => Directory.Delete(_state.Dir, recursive: true);

    /// <exception cref="RefusedException">There is no such node, or it has no such part.</exception>
    private DemoNode WithPart(string id, DemoPart part) => _state.Find(id) is var node && node.Witness && part == DemoPart.MariaDb
        ? throw new RefusedException($"{id} is a witness: it has no MariaDB.")
        : node;

    private static IEnumerable<(string Name, ProcessIdentity? Process)> Targets(DemoNode node, DemoPart part)
    {
        if (part.HasFlag(DemoPart.Node))
            yield return ("wolfscale", node.Node);
        if (part.HasFlag(DemoPart.MariaDb) && !node.Witness)
            yield return ("mariadbd", node.MariaDb);
    }

    private static async Task EndAsync(IEnumerable<ProcessIdentity?> processes)
    {
        var running = processes.OfType<ProcessIdentity>().Where(p => p.IsAlive).ToList();
        foreach (var process in running)
        {
            _ = process.Signal(Signals.Cont); // a stopped process would not see the next one
            _ = process.Signal(Signals.Term);
        }

        await Task.WhenAll(running.Select(async process =>
        {
            if (await process.WaitForEndAsync(StopLimit))
                return;
            _ = process.Signal(Signals.Kill);
            _ = await process.WaitForEndAsync(StopLimit);
        }));
    }

    private async Task StartServersAsync(IEnumerable<DemoNode> nodes, CancellationToken cancellationToken)
    {
        var missing = nodes.Where(n => !n.Witness && n.MariaDb?.IsAlive != true).ToList();
        foreach (var node in missing)
            _ = Directory.CreateDirectory(node.Folder(_state.Dir));
        await Task.WhenAll(missing.Select(node =>
            DemoServer.StartAsync(_state, node, process => Save(node.Id, n => n with { MariaDb = process }), cancellationToken)));
    }

    private void StartNode(DemoNode node)
    {
        node = _state.Find(node.Id);
        if (node.Node?.IsAlive == true)
            return;
        _ = Directory.CreateDirectory(node.Folder(_state.Dir));
        var file = DemoConfiguration.Write(_state, node);
        var (program, arguments) = DetachedProcess.Self();
        var founds = !_state.Founded && node.Index == 1;
        var process = DetachedProcess.Start(
            program, [.. arguments, "start", .. founds ? ["--bootstrap"] : Array.Empty<string>(), "--config", file], NodeLog(node));
        Save(node.Id, n => n with { Node = process });
    }

    /// <summary>Where a node's log goes.</summary>
    public string NodeLog(DemoNode node) => Path.Combine(node.Folder(_state.Dir), "wolfscale.log");

    private void Save(string id, Func<DemoNode, DemoNode> change)
    {
        lock (_saving)
            Save(_state.With(change(_state.Find(id))));
    }

    private void Save(DemoState state)
    {
        _ = Directory.CreateDirectory(state.Dir);
        _state = state;
        _state.Write();
    }

    private static void CheckPorts(DemoPorts ports)
    {
        foreach (var port in ports.All)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
            }
            catch (SocketException e)
            {
                throw new RefusedException(string.Create(CultureInfo.InvariantCulture, $"Port {port} on 127.0.0.1 cannot be used ({e.Message}). Choose others with --base-port; a demo in another folder may hold these."));
            }
        }
    }
}
