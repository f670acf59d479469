using System.Diagnostics;
using System.Globalization;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Demo;

/// <summary>Which process of a node a fault hits.</summary>
internal enum Part
{
    Node,
    MariaDb,
    Both,
}

/// <summary>
/// A whole cluster of real processes, made by <c>wolfscale demo --detach</c> in a temporary folder and taken down again. Faults are signals
/// sent straight to the processes (so that the moment is exact); what was killed comes back through the demo's own verbs.
/// </summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);
    private static string? _failed;
    private readonly TempFolder _folder;

    private DemoCluster(TempFolder folder, string program) => (_folder, Program) = (folder, program);

    /// <summary>The <c>wolfscale</c> that what is started from now on runs.</summary>
    public string Program { get; set; }

    /// <summary>Ports, paths and credentials as printed at the start, pids as printed last.</summary>
    public DemoFacts Facts { get; private set; } = null!;

    public string Directory => _folder.Path;

    public IReadOnlyList<SqlServer> Servers => [.. Facts.Nodes.Where(n => n.MariaDb is not null).Select(n => n.Server)];

    /// <summary>The same servers as clients reach them.</summary>
    public IReadOnlyList<SqlServer> Proxies => [.. Facts.Nodes.Select(n => new SqlServer(n.Id, n.Proxy.Host, n.Proxy.Port, n.MariaDb.Socket))];

    public Comparer Comparer => new(Servers);

    /// <summary>Keeps the folder for a look after the tests.</summary>
    public bool Keep { get => _folder.Keep; set => _folder.Keep = value; }

    /// <summary>Starts a demo; it returns when a leader accepts writes, as its contract says.</summary>
    /// <param name="nodes">Number of nodes.</param>
    /// <param name="settings">Overrides of the nodes' configuration, as <c>section.key=value</c>.</param>
    public static Task<DemoCluster> StartAsync(int nodes = 3, params string[] settings) => StartAsync(Repository.WolfScale, nodes, settings);

    /// <summary>The same, with another version's program.</summary>
    public static async Task<DemoCluster> StartAsync(string program, int nodes, params string[] settings)
    {
        Assert.True(_failed is null, $"Not tried again, because an earlier demo did not start: {_failed}");
        var cluster = new DemoCluster(new TempFolder("demo"), program);
        string[] arguments =
        [
            "demo", "--nodes", nodes.ToString(CultureInfo.InvariantCulture), "--dir", cluster.Directory,
            "--base-port", Ports.FreeRange((nodes + 2) * 10).ToString(CultureInfo.InvariantCulture), "--detach", "--json",
            .. settings.SelectMany(s => new[] { "--set", s }),
        ];
        try
        {
            var result = await Command.WolfScaleAsync(program, StartLimit, arguments);
            Assert.True(result.ExitCode == 0, $"wolfscale {string.Join(' ', arguments)}: {result}");
            cluster.Facts = DemoFacts.Parse(result.Output);
            Assert.Equal(nodes, cluster.Facts.Nodes.Count);
            return cluster;
        }
        catch (Exception e)
        {
            _failed = e.Message;
            cluster.Keep = true;
            TestContext.Current.TestOutputHelper?.WriteLine(cluster.LogTails());
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>demo status</c> and remembers its facts.</summary>
    public async Task<DemoFacts> RefreshAsync() => Facts = DemoFacts.Parse((await VerbAsync("status", "--json")).Output);

    /// <summary>Adds a node with <c>demo add</c>, which returns when it is a member.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> AddNodeAsync(params string[] arguments)
    {
        await VerbAsync("add", arguments);
        return (await RefreshAsync()).Nodes[^1].Id;
    }

    /// <summary>Brings killed processes of a node back, with <c>demo start</c>.</summary>
    public async Task StartNodeAsync(string node, Part part = Part.Both)
    {
        await VerbAsync("start", node, "--what", Word(part));
        await RefreshAsync();
    }

    /// <summary>Sends a signal to a node's process, its MariaDB's, or both. For KILL it returns when they are gone, for STOP when none of their threads runs any more.</summary>
    public async Task SignalAsync(string node, Part part, Signal signal)
    {
        var facts = Facts.Node(node);
        var pids = new List<int>();
        if (part != Part.MariaDb)
            pids.Add(facts.Pid ?? 0);
        if (part != Part.Node)
            pids.Add(facts.MariaDb.Pid ?? 0);
        foreach (var pid in pids)
            Assert.True(Processes.Send(pid, signal), $"{signal} found no process {pid} of {node} ({part}).");
        if (signal == Signal.Stop)
        {
            foreach (var pid in pids)
                await Processes.AwaitStoppedAsync(pid);
        }

        if (signal == Signal.Kill)
        {
            foreach (var pid in pids)
                await Processes.AwaitEndAsync(pid, $"{node} ({part})");
        }
    }

    /// <summary>A planned switchover: the leader is asked to give the lead away.</summary>
    /// <returns>Its answer.</returns>
    public async Task<string> SwitchoverAsync(DemoNode leader)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(leader.Api), "/admin/demote"));
        request.Headers.Authorization = new("Bearer", Facts.Token);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    public Task<NodeStatus?> StatusAsync(string node) => NodeStatus.AskAsync(Facts.Node(node));

    /// <summary>Waits for a node that says it leads and accepts writes, other than <paramref name="except"/>.</summary>
    public async Task<DemoNode> LeaderAsync(string? except = null, TimeSpan? within = null)
    {
        DemoNode? leader = null;
        await Poll.UntilAsync("a leader that accepts writes", within ?? TimeSpan.FromSeconds(30), async () =>
        {
            var statuses = await Task.WhenAll(Facts.Nodes.Where(n => n.Id != except).Select(n => StatusAsync(n.Id)));
            var leading = statuses.Where(s => s is { Role: "LEADER", AcceptsWrites: true }).ToList();
            leader = leading.Count == 1 ? Facts.Node(leading[0]!.Id) : null;
            return leader is null ? Describe(statuses) : null;
        });
        return leader!;
    }

    /// <summary>Waits until a node reports this status.</summary>
    public Task<TimeSpan> AwaitStatusAsync(string node, string status, TimeSpan? within = null) =>
        Poll.UntilAsync($"{node} to be {status}", within ?? TimeSpan.FromSeconds(60), async () =>
            await StatusAsync(node) is { } seen ? seen.Status == status ? null : seen.ToString() : "no answer");

    /// <summary>Waits until every node is ACTIVE, one of them leads, and all hold the same log.</summary>
    public Task AwaitHealthyAsync(TimeSpan? within = null) => Poll.UntilAsync("a cluster of active nodes", within ?? TimeSpan.FromSeconds(60), async () =>
    {
        var statuses = await Task.WhenAll(Facts.Nodes.Select(n => StatusAsync(n.Id)));
        var healthy = Array.TrueForAll(statuses, s => s is { Status: "ACTIVE" }) && statuses.Count(s => s is { Role: "LEADER", AcceptsWrites: true }) == 1;
        return healthy ? null : Describe(statuses);
    });

    /// <summary>Ids and command lines of every process of this cluster.</summary>
    public IReadOnlyList<(int Pid, string CommandLine)> OwnProcesses() => Processes.Mentioning(Directory);

    public string ConfigurationFile(string node) => System.IO.Path.Combine(Directory, node, "config.toml");

    /// <summary>What the node has logged so far.</summary>
    public string NodeLog(string node) => File.ReadAllText(System.IO.Path.Combine(Directory, node, "wolfscale.log"));

    /// <summary>Waits for a line in a node's log, after its first <paramref name="from"/> characters, that holds all of these words.</summary>
    public async Task<string> AwaitLogAsync(string node, int from, params string[] words)
    {
        string? line = null;
        await Poll.UntilAsync($"a line with \"{string.Join("\", \"", words)}\" in the log of {node}", TimeSpan.FromSeconds(40), () =>
        {
            var said = NodeLog(node)[from..];
            line = Lines.With(said, words);
            return Task.FromResult(line is null ? $"the log ends: {string.Join('\n', said.Split('\n').TakeLast(10))}" : null);
        });
        return line!;
    }

    /// <summary>The last lines of all logs below the folder, for a failed test.</summary>
    public string LogTails(int lines = 30) => string.Join("\n", LogFiles(Directory).Select(f => $"--- {f}\n{string.Join('\n', File.ReadLines(f).TakeLast(lines))}"));

    /// <summary>Takes everything down. Fails when the demo's own stop leaves a process behind (which is then killed by its id).</summary>
    public async ValueTask DisposeAsync()
    {
        string? complaint = null;
        foreach (var (pid, _) in OwnProcesses())
            Processes.Send(pid, Signal.Continue);
        try
        {
            if (Facts is not null)
                await VerbAsync("stop");
        }
        catch (Exception e) when (e is Xunit.Sdk.XunitException or TimeoutException)
        {
            complaint = e.Message;
        }
        foreach (var (pid, line) in OwnProcesses())
        {
            if (Facts is not null)
                complaint ??= $"demo stop left process {pid} behind: {line}";
            Processes.Send(pid, Signal.Kill);
            await Processes.AwaitEndAsync(pid, line);
        }
        _folder.Dispose();
        Assert.True(complaint is null, complaint);
    }

    private async Task<CommandResult> VerbAsync(string verb, params string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        var result = await Command.WolfScaleAsync(Program, StartLimit, ["demo", verb, "--dir", Directory, .. arguments]);
        Assert.True(result.ExitCode == 0, $"wolfscale demo {verb} {string.Join(' ', arguments)} after {clock.Elapsed}: {result}");
        return result;
    }

    private static IEnumerable<string> LogFiles(string folder) => System.IO.Directory.Exists(folder)
        ? System.IO.Directory.EnumerateFiles(folder, "*.log", SearchOption.AllDirectories).Where(f => !f.Contains("/data/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        : [];

    private static string Describe(IEnumerable<NodeStatus?> statuses) => string.Join("; ", statuses.Select(s => s?.ToString() ?? "no answer"));

    private static string Word(Part part) => part switch { Part.Node => "node", Part.MariaDb => "mariadb", _ => "both" };
}
