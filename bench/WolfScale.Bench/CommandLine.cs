using System.CommandLine;
using System.Globalization;

namespace WolfScale.Bench;

/// <summary>The options of <c>./run.sh bench</c>.</summary>
internal static class CommandLine
{
    public static ParseResult Parse(string[] args, Func<BenchOptions, Task<int>> run)
    {
        Option<int> seconds = new("--seconds") { Description = "length of one measurement", DefaultValueFactory = _ => 15 };
        Option<string> threads = new("--threads") { Description = "client threads, comma-separated", DefaultValueFactory = _ => "1,16,64" };
        Option<string> only = new("--only")
        {
            Description = "set-ups: a one MariaDB, b native semi-sync, c Galera, d WolfScale",
            DefaultValueFactory = _ => "a,b,c,d",
        };
        Option<string> workloads = new("--workloads") { Description = "sysbench workloads", DefaultValueFactory = _ => "oltp_insert,oltp_write_only" };
        Option<int> tables = new("--tables") { Description = "tables that the load is spread over", DefaultValueFactory = _ => 8 };
        Option<int> rows = new("--table-size") { Description = "rows of each table at the start", DefaultValueFactory = _ => 10000 };
        Option<int> rounds = new("--rounds") { Description = "repetitions; the set-ups take turns and medians are shown", DefaultValueFactory = _ => 3 };
        Option<bool> galeraBinlog = new("--galera-binlog") { Description = "Galera's servers write a binary log too, as the others do; without it they are faster" };
        Option<string> directory = new("--dir")
        {
            Description = "folder for the servers, on the disk to measure; deleted at the end",
            DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"wsb{Environment.ProcessId}")),
        };
        Option<int> basePort = new("--base-port") { Description = "first of the hundred loopback ports used", DefaultValueFactory = _ => 21000 };
        Option<string> wolfscale = new("--wolfscale") { Description = "the wolfscale program", DefaultValueFactory = _ => DefaultProgram() };
        Option<bool> keep = new("--keep") { Description = "leave the folder, for a look at the logs" };
        Option<bool> json = new("--json") { Description = "print the result as JSON" };
        Option<string[]> set = new("--set") { Description = "section.key=value for WolfScale's nodes", DefaultValueFactory = _ => [] };
        var root = new RootCommand("Compares WolfScale with MariaDB alone, native semi-sync and Galera on this machine.")
        {
            seconds, threads, only, workloads, tables, rows, rounds, galeraBinlog, directory, basePort, wolfscale, keep, json, set,
        };
        root.SetAction((result, _) => run(new BenchOptions(
            result.GetValue(seconds),
            [.. List(result.GetValue(threads)).Select(t => int.Parse(t, CultureInfo.InvariantCulture))],
            [.. List(result.GetValue(only)).Select(k => k[0])],
            List(result.GetValue(workloads)),
            result.GetValue(tables),
            result.GetValue(rows),
            result.GetValue(rounds),
            result.GetValue(galeraBinlog),
            result.GetValue(directory)!,
            result.GetValue(basePort),
            result.GetValue(wolfscale)!,
            result.GetValue(keep),
            result.GetValue(json),
            result.GetValue(set) ?? [])));
        return root.Parse(args);
    }

    private static string[] List(string? text) => (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>The server is built beside the benchmark: artifacts/bin/WolfScale.Bench/release → artifacts/bin/WolfScale.Server/release.</summary>
    private static string DefaultProgram()
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(own.Parent!.Parent!.FullName, "WolfScale.Server", own.Name, "wolfscale");
    }
}
