namespace WolfScale.EndToEnd.Documentation;

/// <summary>The cluster that <c>docs/three-servers.md</c> makes, by its own commands, and a machine beside it.</summary>
public sealed class ServersFixture : IAsyncLifetime
{
    private const string Chapter = "three-servers.md";

    private Machines? _machines;
    private bool _formed;

    internal Machines Machines => _machines!;

    /// <summary>What the chapter's commands printed, by their names.</summary>
    public Dictionary<string, string> Printed { get; } = new(StringComparer.Ordinal);

    public async ValueTask InitializeAsync()
    {
        if (!Environment.IsPrivilegedProcess)
            return; // the tests are skipped, and say why
        _machines = await Machines.CreateAsync("node-1", "node-2", "node-3", "balancer");
    }

    /// <summary>Forms the cluster, once.</summary>
    internal async Task<Machines> FormedAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "machines of its own (namespaces) take root");
        if (_formed)
            return Machines;
        _formed = true;
        foreach (var (node, number) in ((string, int)[])[("node-1", 1), ("node-2", 2), ("node-3", 3)])
            await RunAsync("settings", node, ("server_id = 2 ", $"server_id = {number} "));
        await RunAsync("first");
        await RunAsync("others");
        await RunAsync("others", "node-3", ("--node-id node-2", "--node-id node-3"), ("10.0.10.11:7654", "10.0.10.12:7654"));
        await RunAsync("application");
        return Machines;
    }

    internal async Task<string> RunAsync(string name, string? on = null, params (string Written, string Here)[] changes) =>
        Printed[name] = await Machines.RunAsync(Chapter, name, on, changes);

    public async ValueTask DisposeAsync()
    {
        if (_machines is not null)
            await _machines.DisposeAsync();
    }
}
