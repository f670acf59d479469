using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;

namespace WolfScale.EndToEnd.Harness;

/// <summary><c>wolfscale proxy</c> or <c>wolfscale load-balancer</c>, beside a demo cluster or on a machine of a <see cref="NetworkBed"/>. It must end at once and cleanly when it is told to.</summary>
internal sealed class StandAloneProgram : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly TempFolder _folder = new("lb");
    private readonly StringBuilder _log = new();
    private readonly DemoCluster? _cluster;
    private readonly NetworkHost? _host;
    private readonly int _port = Ports.FreeRange(10);
    private readonly Process _process;

    private StandAloneProgram(DemoCluster? cluster, NetworkHost? host, string verb, string configuration, string[] arguments)
    {
        (_cluster, _host) = (cluster, host);
        _http = host?.Http(TimeSpan.FromSeconds(5)) ?? new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        File.WriteAllText(ConfigurationFile, configuration);
        var (program, prefix) = Command.WolfScaleProgram();
        string[] command = [.. host?.Launcher ?? [], program, .. prefix, verb, "-c", ConfigurationFile, "--listen", Address(0), "--api", Address(1), .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        _process.OutputDataReceived += (_, e) => Append(e.Data);
        _process.ErrorDataReceived += (_, e) => Append(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The file of <c>-c</c>.</summary>
    public string ConfigurationFile => Path.Combine(_folder.Path, "config.toml");

    /// <summary>Its own API.</summary>
    public string Api => $"http://{Address(1)}";

    /// <summary>SIGHUP.</summary>
    public void HangUp() => Assert.True(Processes.Send(_process.Id, Signal.Hangup));

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="cluster">Its credentials are used.</param>
    /// <param name="verb"><c>proxy</c> or <c>load-balancer</c>.</param>
    /// <param name="configuration">The file of <c>-c</c>.</param>
    /// <param name="arguments">More of them, <c>--peers</c> for example.</param>
    public static Task<StandAloneProgram> StartAsync(DemoCluster cluster, string verb, string configuration, params string[] arguments) =>
        ListeningAsync(new StandAloneProgram(cluster, null, verb, configuration, arguments), verb);

    /// <summary>Starts it on a machine of a <see cref="NetworkBed"/> and waits until it listens.</summary>
    public static Task<StandAloneProgram> StartAsync(NetworkHost host, string verb, string configuration, params string[] arguments) =>
        ListeningAsync(new StandAloneProgram(null, host, verb, configuration, arguments), verb);

    private static async Task<StandAloneProgram> ListeningAsync(StandAloneProgram program, string verb)
    {
        try
        {
            await Poll.UntilAsync($"{verb} to listen", TimeSpan.FromSeconds(30), async () =>
            {
                Assert.False(program._process.HasExited, program.Log);
                using var socket = program._host is { } host
                    ? await host.OpenSocketAsync(SocketType.Stream, ProtocolType.Tcp)
                    : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync("127.0.0.1", program._port + 1);
                return null;
            });
            return program;
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client that is logged in as an application.</summary>
    public Task<MySqlConnection> ConnectAsync() =>
        new SqlServer("load balancer", "127.0.0.1", _port, "").ClientAsync(_cluster!.Facts.User, _cluster.Facts.Password, _cluster.Facts.Database);

    /// <summary>Runs statements through it on its own machine, with the <c>mariadb</c> client; returns what that prints.</summary>
    public async Task<string> SqlAsync(string user, string password, string sql)
    {
        string[] command = [.. _host!.Launcher, "mariadb", "--no-defaults", "-h127.0.0.1", $"-P{_port}", $"-u{user}", $"-p{password}", "-N", "-B", "-e", sql];
        var result = await Command.RunAsync(command[0], command[1..], TimeSpan.FromSeconds(30));
        Assert.True(result.ExitCode == 0, $"{sql}: {result}\n{Log}");
        return result.Output.Trim();
    }

    public async Task<JsonElement> StatsAsync() => JsonDocument.Parse(await _http.GetStringAsync(new Uri($"http://{Address(1)}/stats"))).RootElement;

    /// <summary>Status code of <c>/health</c>.</summary>
    public async Task<int> HealthAsync()
    {
        using var answer = await _http.GetAsync(new Uri($"http://{Address(1)}/health"));
        return (int)answer.StatusCode;
    }

    public Task<TimeSpan> AwaitStatsAsync(string what, Func<JsonElement, bool> holds) => Poll.UntilAsync(
        what, TimeSpan.FromSeconds(30), async () => await StatsAsync() is var stats && holds(stats) ? null : $"{stats}\n{Log}");

    public Task<TimeSpan> AwaitLineAsync(params string[] words) => Poll.UntilAsync(
        $"a line with \"{string.Join("\", \"", words)}\"", TimeSpan.FromSeconds(30), () => Task.FromResult(Lines.With(Log, words) is null ? Log : null));

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            TestContext.Current.TestOutputHelper?.WriteLine(Log);
        string? complaint = null;
        if (!_process.HasExited)
        {
            Processes.Send(_process.Id, Signal.Terminate);
            try
            {
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
                complaint = _process.ExitCode == 0 ? null : $"it ended with exit code {_process.ExitCode}";
            }
            catch (TimeoutException)
            {
                Processes.Send(_process.Id, Signal.Kill);
                complaint = "it did not end when it was told to";
            }
        }

        var log = Log;
        _process.Dispose();
        _http.Dispose();
        _folder.Dispose();
        if (TestContext.Current.TestState?.Result != TestResult.Failed)
            Assert.True(complaint is null, $"{complaint}\n{log}");
    }

    private string Address(int offset) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port + offset}");

    private void Append(string? line)
    {
        lock (_log)
            _log.AppendLine(line);
    }
}
