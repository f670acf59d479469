using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;

namespace WolfScale.EndToEnd.Harness;

/// <summary><c>wolfscale proxy</c> or <c>wolfscale load-balancer</c>, beside a demo cluster. It must end at once and cleanly when it is told to.</summary>
internal sealed class StandAloneProgram : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly TempFolder _folder = new("lb");
    private readonly StringBuilder _log = new();
    private readonly DemoCluster _cluster;
    private readonly int _port = Ports.FreeRange(10);
    private readonly Process _process;

    private StandAloneProgram(DemoCluster cluster, string verb, string configuration, string[] arguments)
    {
        _cluster = cluster;
        var file = Path.Combine(_folder.Path, "config.toml");
        File.WriteAllText(file, configuration);
        var (program, prefix) = Command.WolfScaleProgram();
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[.. prefix, verb, "-c", file, "--listen", Address(0), "--api", Address(1), .. arguments])
            start.ArgumentList.Add(argument);
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        _process.OutputDataReceived += (_, e) => Append(e.Data);
        _process.ErrorDataReceived += (_, e) => Append(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

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
    public static async Task<StandAloneProgram> StartAsync(DemoCluster cluster, string verb, string configuration, params string[] arguments)
    {
        var program = new StandAloneProgram(cluster, verb, configuration, arguments);
        try
        {
            await Poll.UntilAsync($"{verb} to listen", TimeSpan.FromSeconds(30), async () =>
            {
                Assert.False(program._process.HasExited, program.Log);
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
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
        new SqlServer("load balancer", "127.0.0.1", _port, "").ClientAsync(_cluster.Facts.User, _cluster.Facts.Password, _cluster.Facts.Database);

    public async Task<JsonElement> StatsAsync() => JsonDocument.Parse(await Http.GetStringAsync(new Uri($"http://{Address(1)}/stats"))).RootElement;

    /// <summary>Status code of <c>/health</c>.</summary>
    public async Task<int> HealthAsync()
    {
        using var answer = await Http.GetAsync(new Uri($"http://{Address(1)}/health"));
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
