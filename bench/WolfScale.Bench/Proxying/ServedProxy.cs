using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Bench.Setups;
using WolfScale.Protocol;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;

namespace WolfScale.Bench.Proxying;

/// <summary>A proxy alone in a process, which tells on its standard output how much memory it has.</summary>
internal sealed class ServedProxy : IAsyncDisposable
{
    private readonly Process _process;

    private ServedProxy(Process process, IPEndPoint address) => (_process, Address) = (process, address);

    public IPEndPoint Address { get; }

    /// <summary>The other process: answers a line with a line until its input ends.</summary>
    public static async Task<int> RunAsync(int serverPort, int sessions, int pool)
    {
        var options = new Proxy.ProxyOptions
        {
            BindAddress = new IPEndPoint(IPAddress.Loopback, 0), MaxConnections = sessions, LoginTimeoutMs = 60_000, PoolConnections = pool, PoolIdleMs = IdleClients.PoolIdleMs,
        };
        var leader = new OneLeader(new IPEndPoint(IPAddress.Loopback, serverPort));
        using var proxy = new ProxyServer(options, leader, leader, leader, NullLoggerFactory.Instance, TimeProvider.System);
        Console.WriteLine(proxy.Address);
        while (await Console.In.ReadLineAsync() is { } question)
        {
            if (question == "memory")
                GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            var resident = long.Parse((await File.ReadAllTextAsync("/proc/self/statm")).Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{proxy.Sessions} {GC.GetTotalMemory(false)} {resident}"));
        }

        return 0;
    }

    public static async Task<ServedProxy> StartAsync(int serverPort, int sessions, int pool)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, "proxy-clients") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (option, value) in new[] { ("--serve", serverPort), ("--clients", sessions), ("--pool", pool) })
            start.Arguments += string.Create(CultureInfo.InvariantCulture, $" {option} {value}");
        var process = Process.Start(start) ?? throw new InvalidOperationException("the proxy's process could not be started");
        return new ServedProxy(process, IPEndPoint.Parse(await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the proxy did not start")));
    }

    public async Task<(long Heap, long Resident)> MemoryAsync()
    {
        var answer = await AskAsync("memory");
        return (answer[1], answer[2]);
    }

    public async Task AwaitSessionsAsync(int count)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var deadline = Stopwatch.StartNew();
        while ((await AskAsync("sessions"))[0] is var now && now != count)
        {
            if (deadline.Elapsed > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException($"the proxy has {now} sessions and should have {count}");
            _ = await ticks.WaitForNextTickAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<long[]> AskAsync(string question)
    {
        await _process.StandardInput.WriteLineAsync(question);
        return [.. (await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the proxy has ended")).Split(' ').Select(n => long.Parse(n, CultureInfo.InvariantCulture))];
    }

    /// <summary>A cluster in which nothing happens.</summary>
    private sealed class OneLeader(IPEndPoint server) : IClusterRoutes, IQuorumGate, IAccountSecrets
    {
        private readonly byte[] _hash = SHA1.HashData(SHA1.HashData(Encoding.UTF8.GetBytes(Servers.Password)));

        public Routes Current { get; } = new(1, server, true, "n1", []);

        public Task<Gtid?> ReadIndexAsync() => Task.FromResult<Gtid?>(null);

        public QuorumAnswer Ask(Gtid gtid, long epoch, int closings) => QuorumAnswer.Held;

        public Task<bool> LogsAsync() => Task.FromResult(true);

        public void Remember()
        {
        }

        public Task<IReadOnlyList<byte[]>> NativeHashesAsync(string user) => Task.FromResult<IReadOnlyList<byte[]>>(user == Servers.User ? [_hash] : []);
    }
}
