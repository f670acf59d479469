using System.Collections.Concurrent;
using System.Globalization;

namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// A network of the tests' own: a namespace for each machine, all on one bridge, which stands in a namespace of its own too, so that nothing of the
/// machine's network is touched.
/// <code>
///   host 1 ── eth0 10.77.0.1/24, fd77::1/64 ──┐
///   host 2 ── eth0 10.77.0.2/24, fd77::2/64 ──┼── bridge, in the namespace "…-hub"
///   host 3 ── …                             ──┘
/// </code>
/// Partitions: <see cref="UnplugAsync"/> takes a host off the bridge, silently, as a broken switch would; <see cref="BlockAsync"/> loses what one host sends to
/// another, in that direction alone (its neighbour entry names a card that nobody has). Discovery's broadcasts pass a block.
/// </summary>
internal sealed class NetworkBed : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static int _count;

    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"wsd-{Environment.ProcessId % 100_000}-{Interlocked.Increment(ref _count)}");
    private readonly List<NetworkHost> _hosts = [];
    private readonly ConcurrentDictionary<(NetworkHost From, NetworkHost To), bool> _blocks = [];

    private NetworkBed()
    {
    }

    public IReadOnlyList<NetworkHost> Hosts => _hosts;

    private string Hub => _prefix + "-hub";

    /// <summary>Makes a network with so many machines. Skips the test, with the reason, where namespaces cannot be made.</summary>
    public static async Task<NetworkBed> CreateAsync(int hosts)
    {
        var bed = new NetworkBed();
        try
        {
            if (await TryAsync("netns", "add", bed.Hub) is { } refused)
                Assert.Skip($"Network namespaces cannot be made here, which takes root and iproute2: {refused}");
            await InAsync(bed.Hub, "link", "add", "br0", "type", "bridge", "forward_delay", "0");
            await InAsync(bed.Hub, "link", "set", "br0", "up");
            for (var number = 1; number <= hosts; number++)
                await bed.AddHostAsync(number);
            return bed;
        }
        catch
        {
            await bed.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gives a host one more card and address, on the same bridge.</summary>
    public async Task AddAddressAsync(NetworkHost host, string device, string address)
    {
        var port = $"p{host.Number}-{device}";
        await InAsync(Hub, "link", "add", port, "type", "veth", "peer", "name", device, "netns", host.Namespace);
        await InAsync(Hub, "link", "set", port, "master", "br0", "up");
        await InAsync(host.Namespace, "addr", "add", address, "broadcast", "+", "dev", device);
        await InAsync(host.Namespace, "link", "set", device, "up");
    }

    /// <summary>Changes the network as <c>ip</c> does, within a host.</summary>
    public Task ChangeAsync(NetworkHost host, params string[] arguments) => InAsync(host.Namespace, arguments);

    /// <summary>Takes a host off the network; it does not notice by itself.</summary>
    public Task UnplugAsync(NetworkHost host) => InAsync(Hub, "link", "set", Port(host), "nomaster");

    public Task PlugInAsync(NetworkHost host) => InAsync(Hub, "link", "set", Port(host), "master", "br0");

    /// <summary>From now on nothing that <paramref name="from"/> sends to <paramref name="to"/> arrives; the other direction stays as it is.</summary>
    public async Task BlockAsync(NetworkHost from, NetworkHost to)
    {
        _blocks[(from, to)] = true;
        foreach (var address in (string[])[to.Address, to.AddressV6])
            await InAsync(from.Namespace, "neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "nud", "permanent", "dev", "eth0");
    }

    public async Task UnblockAsync(NetworkHost from, NetworkHost to)
    {
        foreach (var address in (string[])[to.Address, to.AddressV6])
            await InAsync(from.Namespace, "neigh", "del", address, "dev", "eth0");
        _ = _blocks.TryRemove((from, to), out _);
    }

    /// <summary>Takes all blocks away.</summary>
    public Task HealAsync() => Task.WhenAll(_blocks.Keys.Select(b => UnblockAsync(b.From, b.To)));

    /// <summary>Splits the network: within each group all hear one another, and between the groups nobody.</summary>
    public async Task PartitionAsync(params NetworkHost[][] groups)
    {
        await Task.WhenAll(groups.SelectMany(g => groups.Where(o => o != g).SelectMany(o => g.SelectMany(from => o.Select(to => BlockAsync(from, to))))));
    }

    /// <summary>Removes the namespaces, and the links with them. Processes in them must have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
            await TryAsync("netns", "del", host.Namespace);
        await TryAsync("netns", "del", Hub);
    }

    private async Task AddHostAsync(int number)
    {
        var host = new NetworkHost(number, string.Create(CultureInfo.InvariantCulture, $"{_prefix}-{number}"));
        await RunAsync("netns", "add", host.Namespace);
        _hosts.Add(host);
        // Without duplicate address detection, so that IPv6 is there at once.
        await RunAsync("netns", "exec", host.Namespace, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
        await InAsync(Hub, "link", "add", Port(host), "type", "veth", "peer", "name", "eth0", "netns", host.Namespace);
        await InAsync(Hub, "link", "set", Port(host), "master", "br0", "up");
        await InAsync(host.Namespace, "link", "set", "lo", "up");
        await InAsync(host.Namespace, "addr", "add", host.Address + "/24", "broadcast", "+", "dev", "eth0");
        await InAsync(host.Namespace, "addr", "add", host.AddressV6 + "/64", "dev", "eth0", "nodad");
        await InAsync(host.Namespace, "link", "set", "eth0", "up");
    }

    private static string Port(NetworkHost host) => string.Create(CultureInfo.InvariantCulture, $"p{host.Number}");

    private static Task InAsync(string space, params string[] arguments) => RunAsync(["-n", space, .. arguments]);

    private static async Task RunAsync(params string[] arguments)
    {
        var problem = await TryAsync(arguments);
        Assert.True(problem is null, $"ip {string.Join(' ', arguments)}: {problem}");
    }

    /// <returns>What went wrong, or null.</returns>
    private static async Task<string?> TryAsync(params string[] arguments)
    {
        try
        {
            var result = await Command.RunAsync("ip", arguments, Limit);
            return result.ExitCode == 0 ? null : result.ToString();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
