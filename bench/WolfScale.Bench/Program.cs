using System.Runtime.InteropServices;
using MySqlConnector;
using WolfScale.Bench;
using WolfScale.Bench.Commands;
using WolfScale.Bench.Proxying;

// The comparison with peers: see docs/performance.md. Everything it starts, it ends, also on Ctrl+C.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
return await CommandLine.Parse(args, RunAsync, RunProxiesAsync, RunCommandsAsync).InvokeAsync(cancellationToken: stop.Token);

Task<int> RunAsync(BenchOptions options) => GuardedAsync(options.Directory, options.Keep, async () =>
{
    var comparison = new Comparison(options, Console.Error);
    var cells = Cell.Medians(await comparison.RunAsync(stop.Token));
    var report = new Report(options, comparison.Names, cells);
    return options.Json ? report.Json() : report.Text();
});

Task<int> RunProxiesAsync(ProxyOptions options) =>
    GuardedAsync(options.Directory, keep: false, () => new ProxyComparison(options, Console.Error).RunAsync(stop.Token));

Task<int> RunCommandsAsync(CommandOptions options) =>
    GuardedAsync(options.Directory, keep: false, () => new CommandTimes(options).RunAsync(stop.Token));

async Task<int> GuardedAsync(string directory, bool keep, Func<Task<string>> run)
{
    try
    {
        _ = Directory.CreateDirectory(directory);
        Console.WriteLine(await run());
        return 0;
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        Console.Error.WriteLine("Interrupted; everything that was started has been stopped.");
        return 1;
    }
    catch (Exception e) when (e is InvalidOperationException or IOException or FormatException or MySqlException or OperationCanceledException)
    {
        keep = true;
        Console.Error.WriteLine($"{e.Message}\nThe servers have been stopped; their folders, with their logs, are kept in {directory}.");
        return 1;
    }
    finally
    {
        if (!keep && Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }
}

void Cancel(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
