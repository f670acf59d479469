using System.Runtime.InteropServices;
using MySqlConnector;
using WolfScale.Bench;

// The comparison with peers: see docs/performance.md. Everything it starts, it ends, also on Ctrl+C.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
return await CommandLine.Parse(args, RunAsync).InvokeAsync(cancellationToken: stop.Token);

async Task<int> RunAsync(BenchOptions options)
{
    try
    {
        _ = Directory.CreateDirectory(options.Directory);
        var comparison = new Comparison(options, Console.Error);
        var cells = Cell.Medians(await comparison.RunAsync(stop.Token));
        var report = new Report(options, comparison.Names, cells);
        Console.WriteLine(options.Json ? report.Json() : report.Text());
        return 0;
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        Console.Error.WriteLine("Interrupted; everything that was started has been stopped.");
        return 1;
    }
    catch (Exception e) when (e is InvalidOperationException or IOException or FormatException or MySqlException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
    finally
    {
        if (!options.Keep && Directory.Exists(options.Directory))
            Directory.Delete(options.Directory, recursive: true);
    }
}

void Cancel(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
