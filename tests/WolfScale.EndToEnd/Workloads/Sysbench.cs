using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads;

/// <summary>The installed <c>sysbench</c>, on one server over TCP.</summary>
internal sealed partial class Sysbench(string user, string password, string database)
{
    public int Tables { get; init; } = 4;

    public int TableSize { get; init; } = 2000;

    /// <summary>Creates and fills the tables.</summary>
    public async Task PrepareAsync(SqlServer server)
    {
        var result = await Command.RunAsync("sysbench", [.. Arguments("oltp_write_only", server, threads: 1), "prepare"], TimeSpan.FromMinutes(5));
        Assert.True(result.ExitCode == 0, $"sysbench prepare on {server}: {result}");
    }

    /// <summary>
    /// Runs a test until it has run for <paramref name="time"/>, has done <paramref name="events"/> transactions, its connections break, or the token
    /// is cancelled. A broken connection is no failure: it is what a killed leader looks like.
    /// </summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(string test, SqlServer server, int threads, TimeSpan time, long events = 0, CancellationToken stop = default)
    {
        var start = new ProcessStartInfo("sysbench") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] more =
        [
            $"--time={time.TotalSeconds.ToString(CultureInfo.InvariantCulture)}", $"--events={events.ToString(CultureInfo.InvariantCulture)}",
            "--report-interval=1", "--mysql-ignore-errors=1213,1205,1020,1062", "run",
        ];
        foreach (var argument in (string[])[.. Arguments(test, server, threads), .. more])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("sysbench could not be started. Install it: apt-get install sysbench");
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
        return await output + await error;
    }

    /// <summary>Transactions done, added up from its reports of every second: a run that was cut off has no summary.</summary>
    public static long Transactions(string output) => (long)TransactionsPerSecond().Matches(output).Sum(m => double.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"tps: ([0-9.]+)")]
    private static partial Regex TransactionsPerSecond();

    private string[] Arguments(string test, SqlServer server, int threads) =>
    [
        test, "--db-driver=mysql", $"--mysql-host={server.Host}", string.Create(CultureInfo.InvariantCulture, $"--mysql-port={server.Port}"), $"--mysql-user={user}", $"--mysql-password={password}",
        $"--mysql-db={database}", string.Create(CultureInfo.InvariantCulture, $"--tables={Tables}"), string.Create(CultureInfo.InvariantCulture, $"--table-size={TableSize}"),
        string.Create(CultureInfo.InvariantCulture, $"--threads={threads}"),
    ];
}
