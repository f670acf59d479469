using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WolfScale.Bench.Setups;
using WolfScale.MariaDb.Local;

namespace WolfScale.Bench.Proxying;

/// <summary>
/// Many clients that come quickly and then say nothing: how long they take to log in, and what each costs a proxy that does nothing else.
/// <code>
///   this process: clients ──▶ a second process: the proxy ──▶ this process: a server that says what a MariaDB would
/// </code>
/// Each logs in, asks one thing, and waits. With a pool the server is a MariaDB, and at the end all clients ask again.
/// </summary>
internal sealed class IdleClients(int clients, int perSecond, int pool)
{
    /// <summary>Short, because at 1,000 a second each of these milliseconds is a connection more.</summary>
    public const int PoolIdleMs = 20;

    private const int WarmUp = 300;
    private const int DescriptorsOfItsOwn = 300; // of the proxy's process; each session has two, or with a pool one

    private readonly List<Socket> _sockets = [];

    public static Command Command()
    {
        Option<int> clients = new("--clients") { Description = "sessions that stay", DefaultValueFactory = _ => 10_000 };
        Option<int> rate = new("--rate") { Description = "new ones a second", DefaultValueFactory = _ => 1000 };
        Option<int> pool = new("--pool") { Description = "connections that the clients share; 0: each has its own" };
        Option<int?> serve = new("--serve") { Description = "be the proxy in front of this port", Hidden = true };
        var command = new Command("proxy-clients", "Measures 10,000 idle clients of a proxy, and the storm in which they come.") { clients, rate, pool, serve };
        command.SetAction(async (result, cancellation) => result.GetValue(serve) is { } port
            ? await ServedProxy.RunAsync(port, result.GetValue(clients), result.GetValue(pool))
            : await new IdleClients(result.GetValue(clients), result.GetValue(rate), result.GetValue(pool)).RunAsync(cancellation));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellation)
    {
        if (pool == 0)
        {
            using var server = new SayingServer();
            return await RunAsync(server.Port, null, cancellation);
        }

        var directory = Directory.CreateTempSubdirectory("wolfscale-bench-").FullName;
        try
        {
            await using var server = new PrivateServer(Path.Combine(directory, "server"), FreePort(), 1);
            await Servers.CreateAsync(server, Path.Combine(directory, "template"), Servers.Ungated, cancellation);
            await server.StartAsync(cancellationToken: cancellation);
            await Servers.PrepareAsync(server, cancellation);
            return await RunAsync(server.Port, server, cancellation);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<int> RunAsync(int serverPort, PrivateServer? mariaDb, CancellationToken cancellation)
    {
        var most = (OpenFiles() - DescriptorsOfItsOwn - pool) / (pool > 0 ? 1 : 2);
        var wanted = Math.Min(clients, most);
        if (wanted < clients)
            Console.WriteLine($"The limit of open files (ulimit -n) of {OpenFiles()} is enough for {wanted} sessions.");
        await using var proxy = await ServedProxy.StartAsync(serverPort, wanted, pool);

        for (var i = 0; i < WarmUp; i++)
            (await LogInAsync(proxy.Address, cancellation)).Socket!.Dispose();
        await proxy.AwaitSessionsAsync(0);
        var before = await proxy.MemoryAsync();

        var logins = await StormAsync(proxy.Address, wanted, cancellation);
        await proxy.AwaitSessionsAsync(wanted);
        var after = await proxy.MemoryAsync();
        var times = logins.Where(l => l.Socket is not null).Select(l => l.Milliseconds).Order().ToList();
        var refused = logins.Count(l => l.Socket is null);
        Line($"{wanted} clients, {perSecond} a second: {refused} refused; login in ms: median {At(times, 0.5):0.0}, 95 % {At(times, 0.95):0.0}, 99 % {At(times, 0.99):0.0}, longest {times[^1]:0.0}");
        Line($"memory of the proxy for each idle session: {(after.Heap - before.Heap) / 1024.0 / wanted:0.0} KB on the heap, {(after.Resident - before.Resident) / 1024.0 / wanted:0.0} KB resident (aim: 20); in all {after.Resident >> 20} MB");

        if (mariaDb is not null)
            await TellOfServerAsync(mariaDb, cancellation);
        var tooMany = await LogInAsync(proxy.Address, cancellation);
        Line($"one more: {tooMany.Refusal ?? "is let in, and should not be"}");
        _sockets[0].Dispose();
        await proxy.AwaitSessionsAsync(wanted - 1);
        var next = await LogInAsync(proxy.Address, cancellation);
        Line($"after one has gone: {next.Refusal ?? "is let in"}");
        _sockets.ForEach(static s => s.Dispose());
        await proxy.AwaitSessionsAsync(next.Socket is null ? 0 : 1);
        return refused == 0 && tooMany.Refusal is not null && next.Refusal is null ? 0 : 1;
    }

    private async Task TellOfServerAsync(PrivateServer server, CancellationToken cancellation)
    {
        Line($"connections on the server: {await Servers.StatusAsync(server, "Threads_connected")} now, {await Servers.StatusAsync(server, "Max_used_connections")} at most");
        var clock = Stopwatch.StartNew();
        var answers = new List<double>();
        foreach (var batch in _sockets.Chunk(pool))
        {
            answers.AddRange(await Task.WhenAll(batch.Select(async socket =>
            {
                var asked = clock.Elapsed;
                await Packets.SayAsync(socket, 0, Packets.Question, cancellation);
                var answer = await Packets.ReadAsync(socket, cancellation);
                return answer[0] == 0 ? (clock.Elapsed - asked).TotalMilliseconds : throw new InvalidOperationException(Encoding.UTF8.GetString(answer));
            })));
        }

        answers.Sort();
        Line($"all {answers.Count} clients asked again, {pool} at a time: {answers.Count / clock.Elapsed.TotalSeconds:0} answers a second, in ms: median {At(answers, 0.5):0.0}, 95 % {At(answers, 0.95):0.0}, longest {answers[^1]:0.0}");
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>So many a second, each when its moment has come, whether the others are through or not.</summary>
    private async Task<IReadOnlyList<Login>> StormAsync(IPEndPoint proxy, int count, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var logins = new List<Task<Login>>(count);
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (logins.Count < count)
        {
            while (logins.Count < count && logins.Count < clock.Elapsed.TotalSeconds * perSecond)
                logins.Add(LogInAsync(proxy, cancellation));
            _ = await ticks.WaitForNextTickAsync(cancellation);
        }

        var done = await Task.WhenAll(logins);
        _sockets.AddRange(done.Select(l => l.Socket).OfType<Socket>());
        return done;
    }

    private static async Task<Login> LogInAsync(IPEndPoint proxy, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(proxy, cancellation);
            var greeting = await Packets.ReadAsync(socket, cancellation);
            if (greeting[0] == 0xFF)
                return Refused(socket, greeting, clock);
            await Packets.SayAsync(socket, 1, Packets.Login(greeting), cancellation);
            var verdict = await Packets.ReadAsync(socket, cancellation);
            if (verdict[0] != 0)
                return Refused(socket, verdict, clock);
            var took = clock.Elapsed.TotalMilliseconds;
            await Packets.SayAsync(socket, 0, Packets.Question, cancellation);
            _ = await Packets.ReadAsync(socket, cancellation);
            return new Login(socket, took, null);
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            socket.Dispose();
            return new Login(null, clock.Elapsed.TotalMilliseconds, e.Message);
        }
    }

    private static Login Refused(Socket socket, byte[] error, Stopwatch clock)
    {
        socket.Dispose();
        return new Login(null, clock.Elapsed.TotalMilliseconds, $"{error[1] | (error[2] << 8)} {Encoding.UTF8.GetString(error.AsSpan(3))}");
    }

    private static double At(List<double> sorted, double part) => sorted[Math.Min(sorted.Count - 1, (int)(part * sorted.Count))];

    private static int OpenFiles() => File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[4] is var hard && int.TryParse(hard, CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue;

    private static void Line(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private sealed record Login(Socket? Socket, double Milliseconds, string? Refusal);
}
