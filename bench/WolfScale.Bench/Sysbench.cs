using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using WolfScale.Bench.Setups;

namespace WolfScale.Bench;

/// <summary>What sysbench reports of one measurement.</summary>
/// <param name="Tps">Transactions a second.</param>
/// <param name="MeanMs">Mean time of a transaction, as its client sees it.</param>
/// <param name="PercentileMs">Percentile of the same: the 95th, unless another was asked for.</param>
/// <param name="Transactions">How many were done.</param>
/// <param name="Errors">Statements refused with a deadlock or a certification failure, and tried again.</param>
/// <param name="Statements">How many were sent.</param>
internal sealed record Load(double Tps, double MeanMs, double PercentileMs, long Transactions, long Errors, long Statements);

/// <summary>Runs sysbench 1.0 against a target.</summary>
/// <param name="tables">Tables that the load is spread over.</param>
/// <param name="tableRows">Rows of each before the load starts.</param>
/// <param name="percentile">That sysbench computes.</param>
internal sealed partial class Sysbench(int tables, int tableRows, int percentile = 95)
{
    public const string Missing = "sysbench is not installed: apt-get install --no-install-recommends sysbench";

    /// <summary>Creates and fills the tables.</summary>
    public async Task PrepareAsync(Target target, CancellationToken cancellationToken) =>
        _ = await RunAsync("oltp_write_only", target, ["prepare"], cancellationToken);

    /// <summary>Runs one workload (<c>oltp_insert</c>, <c>oltp_write_only</c>) for a while.</summary>
    public async Task<Load> RunAsync(string workload, Target target, int threads, int seconds, CancellationToken cancellationToken)
    {
        var text = await RunAsync(
            workload,
            target,
            [
                string.Create(CultureInfo.InvariantCulture, $"--threads={threads}"),
                string.Create(CultureInfo.InvariantCulture, $"--time={seconds}"),
                "run",
            ],
            cancellationToken);
        return Parse(text);
    }

    /// <summary>Reads sysbench's summary.</summary>
    /// <exception cref="FormatException">It is not one of sysbench 1.0; the message holds it.</exception>
    public static Load Parse(string text)
    {
        var transactions = Transactions().Match(text);
        var errors = IgnoredErrors().Match(text);
        var mean = Mean().Match(text);
        var percentile = Percentile().Match(text);
        if (!transactions.Success || !mean.Success || !percentile.Success)
            throw new FormatException($"sysbench printed no summary:\n{text}");
        var ignored = errors.Success ? (long)Number(errors, 1) : 0;
        return new Load(Number(transactions, 2), Number(mean, 1), Number(percentile, 1), (long)Number(transactions, 1), ignored, (long)Number(Queries().Match(text), 1));
    }

    private static double Number(Match match, int group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    private async Task<string> RunAsync(string workload, Target target, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("sysbench") { RedirectStandardOutput = true };
        IEnumerable<string> all =
        [
            workload,
            "--db-driver=mysql",
            $"--mysql-host={target.Host}",
            string.Create(CultureInfo.InvariantCulture, $"--mysql-port={target.Port}"),
            $"--mysql-user={target.User}",
            $"--mysql-password={target.Password}",
            $"--mysql-db={target.Database}",
            string.Create(CultureInfo.InvariantCulture, $"--tables={tables}"),
            string.Create(CultureInfo.InvariantCulture, $"--table-size={tableRows}"),
            string.Create(CultureInfo.InvariantCulture, $"--percentile={percentile}"),
            .. arguments,
        ];
        foreach (var argument in all)
            start.ArgumentList.Add(argument);

        using var process = Start(start);
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0
                ? output
                : throw new InvalidOperationException($"sysbench {workload} ended with {process.ExitCode}: {output}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException(Missing);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException(Missing, e);
        }
    }

    [GeneratedRegex(@"transactions:\s+(\d+)\s+\(([\d.]+) per sec")]
    private static partial Regex Transactions();

    [GeneratedRegex(@"ignored errors:\s+(\d+)")]
    private static partial Regex IgnoredErrors();

    [GeneratedRegex(@"avg:\s+([\d.]+)")]
    private static partial Regex Mean();

    [GeneratedRegex(@"\d+th percentile:\s+([\d.]+)")]
    private static partial Regex Percentile();

    [GeneratedRegex(@"queries:\s+(\d+)\s+\(")]
    private static partial Regex Queries();
}
