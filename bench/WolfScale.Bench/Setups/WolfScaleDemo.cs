using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace WolfScale.Bench.Setups;

/// <summary>(d) WolfScale's demo cluster, the load on the leader's MariaDB directly.</summary>
internal sealed class WolfScaleDemo(string directory, int basePort, string program, int nodes, IReadOnlyList<string> settings) : ISetup
{
    private IReadOnlyList<Part> _parts = [];
    private bool _started;

    public char Key => 'd';

    public string Name => string.Create(CultureInfo.InvariantCulture, $"WolfScale, {nodes} nodes");

    public IReadOnlyList<Part> Parts => _parts;

    public async Task<Target> StartAsync(CancellationToken cancellationToken)
    {
        _started = true;
        var facts = await RunAsync(
            [
                "demo", "--nodes", nodes.ToString(CultureInfo.InvariantCulture), "--dir", directory,
                "--base-port", basePort.ToString(CultureInfo.InvariantCulture), "--detach", "--json",
                .. settings.SelectMany(s => new[] { "--set", s }),
            ],
            cancellationToken);
        return Take(facts);
    }

    /// <summary>Whether another node leads than what is known here says; then that is renewed. A machine that stands still for seconds has the others elect.</summary>
    /// <returns>The new leader's server, or null: it is the same one.</returns>
    public async Task<Target?> FindMovedAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        do
        {
            var facts = await RunAsync(["demo", "status", "--dir", directory, "--json"], deadline.Token);
            if (Nodes(facts).Where(n => Text(n, "role") == "LEADER").ToList() is [var leader])
                return (int?)leader["pid"] == NodeIds[0] ? null : Take(facts);
        }
        while (await poll.WaitForNextTickAsync(deadline.Token));
        return null;
    }

    /// <summary>The nodes' proxies, the leader's first.</summary>
    public IReadOnlyList<Target> Proxies { get; private set; } = [];

    /// <summary>The nodes' processes, in the same order.</summary>
    public IReadOnlyList<int> NodeIds { get; private set; } = [];

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(120));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        do
        {
            var facts = await RunAsync(["demo", "status", "--dir", directory, "--json"], deadline.Token);
            var last = Nodes(facts).Max(n => (long?)n["lsn"] ?? 0);
            if (Nodes(facts).All(n => (long?)n["applied_lsn"] >= last))
                return;
        }
        while (await poll.WaitForNextTickAsync(deadline.Token));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_started)
            return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            _ = await RunTextAsync(["demo", "stop", "--dir", directory], limit.Token);
        }
        finally
        {
            // Whatever a failed stop left behind is ended by its process id; an id that is gone already is what we want.
            foreach (var part in _parts)
                KillIfRunning(part.ProcessId);
        }
    }

    private Target Take(JsonNode facts)
    {
        var leader = Nodes(facts).Single(n => Text(n, "role") == "LEADER");
        var mariadb = leader["mariadb"]!;
        _parts =
        [
            .. Nodes(facts).Select(n => new Part(n == leader ? "leader's node" : "other nodes", (int?)n["pid"] ?? 0)),
            .. Nodes(facts).Select(n => new Part(n == leader ? "primary" : "replicas", (int?)n["mariadb"]!["pid"] ?? 0)),
        ];
        var target = new Target(Text(mariadb, "host"), (int)mariadb["port"]!, Text(facts, "user"), Text(facts, "password"), Text(facts, "database"));
        Proxies = [.. Nodes(facts).OrderBy(n => n != leader).Select(n => target with { Port = (int)n["proxy"]!["port"]! })];
        NodeIds = [.. Nodes(facts).OrderBy(n => n != leader).Select(n => (int?)n["pid"] ?? 0)];
        return target;
    }

    private static IEnumerable<JsonNode> Nodes(JsonNode facts) => facts["nodes"]!.AsArray().Select(n => n!);

    private static string Text(JsonNode node, string key) => (string?)node[key] ?? "";

    private static void KillIfRunning(int processId)
    {
        if (processId == 0)
            return;
        try
        {
            using var process = Process.GetProcessById(processId);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // Ended already.
        }
    }

    private async Task<JsonNode> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var text = await RunTextAsync(arguments, cancellationToken);
        return JsonNode.Parse(text) ?? throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} printed no JSON: {text}");
    }

    private async Task<string> RunTextAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await error}");
        return output;
    }
}
