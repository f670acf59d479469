using System.Globalization;
using System.Net.Sockets;
using System.Text;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>The programs as services of <c>Type=notify</c>, with the test as systemd.</summary>
public sealed class ServiceTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new("notify");
    private readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly List<string> _told = [];

    public ServiceTests() => _manager.Bind(new UnixDomainSocketEndPoint(Address));

    private string Address => Path.Combine(_folder.Path, "s");

    [Fact]
    public async Task A_node_is_ready_when_its_API_answers_and_tells_its_role_and_LSN_until_it_stops()
    {
        await using var node = await NodeProcess.CreateAsync("node-1", 1);
        node.Wrapper = ["env", $"NOTIFY_SOCKET={Address}", "WATCHDOG_USEC=1000000"];
        await node.StartAsync("--bootstrap");

        Assert.StartsWith("READY=1\nSTATUS=", await ToldAsync("READY=1"), StringComparison.Ordinal);
        Assert.NotNull(await node.StatusAsync());
        var status = await ToldAsync("STATUS=LEADER, ACTIVE: LSN ");
        Assert.EndsWith("WATCHDOG=1", status, StringComparison.Ordinal);
        Assert.Contains("leads in term", status, StringComparison.Ordinal);

        await node.StopAsync();
        _ = await ToldAsync("STOPPING=1");
        Assert.Single(_told, t => t.StartsWith("READY=1", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("proxy")]
    [InlineData("load-balancer")]
    public async Task A_stand_alone_proxy_too(string verb)
    {
        var port = Ports.FreeRange(10);
        var manager = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = Address, ["WATCHDOG_USEC"] = "1000000" };
        using var program = CommandLine.Start(
            manager, verb, "--listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "--peers", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port + 1}"), "--api", "off",
            "-c", WriteEmpty());
        try
        {
            Assert.Contains($"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}; no leader known", await ToldAsync("READY=1"), StringComparison.Ordinal);
            Assert.EndsWith("WATCHDOG=1", await ToldAsync("STATUS="), StringComparison.Ordinal);
            Processes.Send(program.Id, Signal.Terminate);
            _ = await ToldAsync("STOPPING=1");
            await program.WaitForExitAsync().WaitAsync(Limit);
            Assert.Equal(0, program.ExitCode);
        }
        finally
        {
            if (!program.HasExited)
                program.Kill();
        }
    }

    public void Dispose()
    {
        _manager.Dispose();
        _folder.Dispose();
    }

    private string WriteEmpty()
    {
        var file = Path.Combine(_folder.Path, "config.toml");
        File.WriteAllText(file, "");
        return file;
    }

    /// <summary>The next word to the service manager that begins so.</summary>
    private async Task<string> ToldAsync(string beginning)
    {
        using var limit = new CancellationTokenSource(Limit);
        var buffer = new byte[4096];
        while (true)
        {
            var length = await _manager.ReceiveAsync(buffer.AsMemory(), SocketFlags.None, limit.Token);
            var told = Encoding.UTF8.GetString(buffer, 0, length);
            _told.Add(told);
            if (told.StartsWith(beginning, StringComparison.Ordinal))
                return told;
        }
    }
}
