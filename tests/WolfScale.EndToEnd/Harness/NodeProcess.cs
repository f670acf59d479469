using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.MariaDb.Local;

namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// One <c>wolfscale start</c> with a configuration file and a private MariaDB of its own, for what the demo cannot be asked for: wrong secrets,
/// wrong servers, foreign data directories.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly StringBuilder _log = new();
    private readonly NetworkHost? _host;
    private Process? _process;

    private NodeProcess(TempFolder folder, string id, int port, PrivateServer? mariaDb, NetworkHost? host = null) => (_folder, Id, BasePort, MariaDb, _host) = (folder, id, port, mariaDb, host);

    public string Id { get; }

    public int BasePort { get; }

    /// <summary>The server of its own; null for a node that took over another's.</summary>
    public PrivateServer? MariaDb { get; }

    public SqlServer Server => new(Id, _host is null ? "127.0.0.1" : "", MariaDb!.Port, MariaDb.Socket);

    public string ClusterAddress => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{BasePort}");

    /// <summary>Settings as <c>section.key</c> to TOML value; changes hold from the next start on.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>The node's data directory.</summary>
    public string DataFolder => Path.Combine(_folder.Path, "node");

    public string ConfigurationFile => Path.Combine(_folder.Path, "config.toml");

    /// <summary>What executes the node in its place, on a machine of a <see cref="NetworkBed"/>: <c>ip netns exec</c> gives it mounts of its own.</summary>
    public IReadOnlyList<string> Wrapper { get; set; } = [];

    /// <summary>Everything the node has printed since its first start.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Files with what the node has discarded whose names begin so.</summary>
    public IReadOnlyList<string> Saved(string beginning) =>
        [.. Directory.EnumerateFiles(Path.Combine(_folder.Path, "node"), beginning + "*.binlog", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    public int ProcessId => _process is { HasExited: false } p ? p.Id : 0;

    /// <summary>Creates a node with a fresh, started MariaDB server.</summary>
    /// <param name="id">The node's id.</param>
    /// <param name="serverId">MariaDB's server_id.</param>
    /// <param name="serverSettings">Overrides of the server's settings.</param>
    /// <param name="serverArguments">Further command-line arguments of the server.</param>
    public static Task<NodeProcess> CreateAsync(string id, uint serverId, IReadOnlyDictionary<string, string>? serverSettings = null, params string[] serverArguments) =>
        CreateInAsync(null, id, serverId, serverSettings, serverArguments);

    /// <summary>The same, with the server's folder given.</summary>
    public static async Task<NodeProcess> CreateInAsync(string? serverFolder, string id, uint serverId, IReadOnlyDictionary<string, string>? serverSettings = null, params string[] serverArguments)
    {
        var folder = new TempFolder("node");
        var port = Ports.FreeRange(10);
        var server = new PrivateServer(serverFolder ?? Path.Combine(folder.Path, "db"), port + 3, serverId);
        var node = new NodeProcess(folder, id, port, server);
        await server.CreateAsync(serverSettings);
        await server.StartAsync(serverArguments);
        node.Settings["node.id"] = Text(id);
        node.Settings["node.bind_address"] = Text(node.ClusterAddress);
        node.Settings["node.data_dir"] = Text(node.DataFolder);
        node.Settings["database.socket"] = Text(server.Socket);
        node.Settings["database.port"] = server.Port.ToString(CultureInfo.InvariantCulture);
        node.Settings["database.user"] = Text("root");
        node.Settings["api.bind_address"] = Text(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port + 1}"));
        node.Settings["proxy.enabled"] = "false";
        node.Settings["cluster.auto_discovery"] = "false";
        return node;
    }

    /// <summary>
    /// A node on a machine of a <see cref="NetworkBed"/>, on the usual ports, without peers and with discovery; its API answers on the machine's loopback.
    /// </summary>
    /// <param name="host">The machine.</param>
    /// <param name="id">The node's id.</param>
    /// <param name="secret">cluster.secret.</param>
    /// <param name="name">cluster.cluster_name.</param>
    /// <param name="witness">Without a MariaDB.</param>
    public static async Task<NodeProcess> CreateAsync(NetworkHost host, string id, string secret, string name, bool witness = false)
    {
        var folder = new TempFolder("node");
        var server = witness ? null : new PrivateServer(Path.Combine(folder.Path, "db"), 3306, (uint)host.Number) { Launcher = host.Launcher };
        var node = new NodeProcess(folder, id, 7654, server, host);
        if (server is not null)
        {
            await server.CreateAsync();
            await server.StartAsync();
            node.Settings["database.socket"] = Text(server.Socket);
            node.Settings["database.user"] = Text("root");
        }
        node.Settings["node.id"] = Text(id);
        node.Settings["node.bind_address"] = Text("0.0.0.0:7654");
        node.Settings["node.advertise_address"] = Text($"{host.Address}:7654");
        node.Settings["node.data_dir"] = Text(node.DataFolder);
        node.Settings["database.enabled"] = witness ? "false" : "true";
        node.Settings["cluster.secret"] = Text(secret);
        node.Settings["cluster.cluster_name"] = Text(name);
        node.Settings["api.token"] = Text("a token of the tests");
        return node;
    }

    /// <summary>A node with the configuration of a demo node, which must not run: its data directory, ports and server are taken over.</summary>
    public static NodeProcess InPlaceOf(DemoCluster cluster, string node, string newId)
    {
        var api = new Uri(cluster.Facts.Node(node).Api);
        var taken = new NodeProcess(new TempFolder("node"), newId, api.Port - 1, mariaDb: null);
        foreach (var (key, value) in Toml.Read(cluster.ConfigurationFile(node)))
            taken.Settings[key] = value;
        taken.Settings["node.id"] = Text(newId);
        return taken;
    }

    /// <summary>What the node's clients connect to; see <see cref="OpenProxy"/>.</summary>
    public SqlServer ProxyServer => new($"{Id} proxy", "127.0.0.1", BasePort + 2, "");

    /// <summary>From its next start on it has a proxy.</summary>
    public void OpenProxy()
    {
        Settings["proxy.enabled"] = "true";
        Settings["proxy.bind_address"] = Text(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{BasePort + 2}"));
    }

    /// <summary>Takes secret, name and peers from a demo's node.</summary>
    public NodeProcess ThatJoins(DemoCluster cluster)
    {
        var demo = Toml.Read(cluster.ConfigurationFile(cluster.Facts.Nodes[0].Id));
        foreach (var key in (string[])["cluster.secret", "cluster.cluster_name", "cluster.peers"])
            Settings[key] = demo[key];
        return this;
    }

    public static string Text(string value) => $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>Starts the node; <paramref name="arguments"/> follow <c>start -c FILE</c>.</summary>
    public Task StartAsync(params string[] arguments) => RunAsync(["start", "-c", ConfigurationFile, .. arguments]);

    /// <summary>Starts it with <c>wolfscale join</c>, through this member's cluster port.</summary>
    public Task JoinAsync(string member) => RunAsync(["join", member, "-c", ConfigurationFile]);

    private async Task RunAsync(string[] arguments)
    {
        var file = ConfigurationFile;
        var sections = Settings.GroupBy(s => s.Key.Split('.')[0]).Select(g => $"[{g.Key}]\n{string.Concat(g.Select(s => $"{s.Key.Split('.')[1]} = {s.Value}\n"))}");
        await File.WriteAllTextAsync(file, string.Concat(sections));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var (program, prefix) = Command.WolfScaleProgram();
        string[] command = [.. _host?.Launcher ?? [], .. Wrapper, program, .. prefix, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        _process?.Dispose();
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        _process.OutputDataReceived += (_, e) => Append(e.Data);
        _process.ErrorDataReceived += (_, e) => Append(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Runs <c>wolfctl</c> on the node's machine, with its configuration (written by its first start).</summary>
    public Task<CommandResult> CtlAsync(params string[] arguments)
    {
        string[] program = Repository.WolfCtl.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", Repository.WolfCtl] : [Repository.WolfCtl];
        string[] command = [.. _host?.Launcher ?? [], .. program, .. arguments, "-c", ConfigurationFile];
        return Command.RunAsync(command[0], command[1..], TimeSpan.FromMinutes(3));
    }

    /// <summary>SIGKILL to the node and its server.</summary>
    public async Task KillAsync()
    {
        await StopAsync(Signal.Kill);
        if (MariaDb is not null)
            await MariaDb.StopAsync(force: true);
    }

    /// <summary>Starts its server, and then the node.</summary>
    public async Task ReturnAsync()
    {
        if (MariaDb is not null)
            await MariaDb.StartAsync();
        await StartAsync();
    }

    /// <summary>The disks of a machine that does not run are new: neither node nor server remembers anything. The server runs again, empty.</summary>
    public async Task LoseDisksAsync()
    {
        Directory.Delete(DataFolder, recursive: true);
        Directory.Delete(MariaDb!.Directory, recursive: true);
        await MariaDb.CreateAsync();
        await MariaDb.StartAsync();
    }

    /// <summary>
    /// A copy of a machine that does not run, on another machine: the data directories of node and server, with another node id and server_id, as who clones a machine must give them. Its
    /// server runs.
    /// </summary>
    public async Task<NodeProcess> CloneAsync(NetworkHost host, string id)
    {
        var folder = new TempFolder("node");
        var server = new PrivateServer(Path.Combine(folder.Path, "db"), 3306, (uint)host.Number) { Launcher = host.Launcher };
        foreach (var (from, to) in ((string, string)[])[(DataFolder, "node"), (Path.Combine(MariaDb!.Directory, "data"), "db/data")])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder.Path, to))!);
            var copied = await Command.RunAsync("cp", ["-a", from, Path.Combine(folder.Path, to)], TimeSpan.FromMinutes(1));
            Assert.True(copied.ExitCode == 0, copied.ToString());
        }
        // The index names files by their paths, which on another machine would be the same.
        var index = Path.Combine(server.Directory, "data", "binlog.index");
        await File.WriteAllTextAsync(index, (await File.ReadAllTextAsync(index)).Replace(MariaDb.Directory, server.Directory, StringComparison.Ordinal));
        await server.CreateAsync();
        await server.StartAsync();
        var clone = new NodeProcess(folder, id, BasePort, server, host);
        foreach (var (key, value) in Settings)
            clone.Settings[key] = value;
        clone.Settings["node.id"] = Text(id);
        clone.Settings["node.advertise_address"] = Text($"{host.Address}:7654");
        clone.Settings["node.data_dir"] = Text(clone.DataFolder);
        clone.Settings["database.socket"] = Text(server.Socket);
        return clone;
    }

    /// <summary>Waits for a line of its output that holds all of these words (in any case).</summary>
    public async Task<string> AwaitLineAsync(params string[] words)
    {
        string? line = null;
        await Poll.UntilAsync($"a line with \"{string.Join("\", \"", words)}\" from {Id}", TimeSpan.FromSeconds(30), () =>
        {
            line = Lines.With(Log, words);
            return Task.FromResult(line is null ? $"its output ends: {string.Join('\n', Log.Split('\n').TakeLast(15))}" : null);
        });
        return line!;
    }

    /// <summary>Waits until the node has ended by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> AwaitExitAsync(TimeSpan within)
    {
        try
        {
            await _process!.WaitForExitAsync().WaitAsync(within);
            return _process.ExitCode;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{Id} still runs after {within}. Its output ends:\n{string.Join('\n', Log.Split('\n').TakeLast(15))}");
        }
    }

    public async Task<NodeStatus?> StatusAsync()
    {
        if (_host is null)
            return await NodeStatus.AskAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{BasePort + 1}")));
        using var http = _host.Http(TimeSpan.FromSeconds(2));
        return await NodeStatus.AskAsync(http, new Uri("http://127.0.0.1:8080"));
    }

    /// <summary>The cluster as a node of a <see cref="NetworkBed"/> sees it: its id (null before it is a member), and the members' ids and statuses.</summary>
    public async Task<(string? ClusterId, string Members)> ClusterAsync()
    {
        using var http = _host!.Http(TimeSpan.FromSeconds(2));
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri("http://127.0.0.1:8080/cluster")));
        return (answer.RootElement.GetProperty("cluster_id").GetString(),
            string.Join(", ", answer.RootElement.GetProperty("nodes").EnumerateArray().Select(n => $"{n.GetProperty("id")} {n.GetProperty("status")}").Order(StringComparer.Ordinal)));
    }

    /// <summary>The events of a kind, as <c>GET /events</c> tells them: their facts.</summary>
    public async Task<IReadOnlyList<JsonElement>> EventsAsync(string kind)
    {
        using var http = _host!.Http(TimeSpan.FromSeconds(5));
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri("http://127.0.0.1:8080/events?limit=5000")));
        return [.. answer.RootElement.GetProperty("events").EnumerateArray().Where(e => e.GetProperty("kind").GetString() == kind).Select(e => e.GetProperty("details").Clone())];
    }

    /// <summary>Waits until the node's status satisfies the condition.</summary>
    public Task<TimeSpan> AwaitAsync(string what, Func<NodeStatus, bool> condition) => Poll.UntilAsync($"{Id} to be {what}", TimeSpan.FromSeconds(60), async () =>
        await StatusAsync() is { } status ? condition(status) ? null : status.ToString() : $"no answer; its output ends: {string.Join('\n', Log.Split('\n').TakeLast(8))}");

    public async Task StopAsync(Signal signal = Signal.Terminate)
    {
        if (ProcessId is var pid and not 0)
        {
            Processes.Send(pid, signal);
            await _process!.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            TestContext.Current.TestOutputHelper?.WriteLine($"--- {Id}\n{Log}");
        if (ProcessId is var pid and not 0)
        {
            Processes.Send(pid, Signal.Kill);
            await _process!.WaitForExitAsync();
        }
        _process?.Dispose();
        _process = null; // may be called twice
        if (MariaDb is not null)
            await MariaDb.DisposeAsync();
        _folder.Dispose();
    }

    private void Append(string? line)
    {
        lock (_log)
            _log.AppendLine(line);
    }
}
