using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using WolfScale.Bench.Commands;
using WolfScale.Bench.Proxying;

namespace WolfScale.Bench;

/// <summary>The options of <c>./run.sh bench</c>.</summary>
internal static class CommandLine
{
    public static ParseResult Parse(string[] args, Func<BenchOptions, Task<int>> run, Func<ProxyOptions, Task<int>> runProxies, Func<CommandOptions, Task<int>> runCommands)
    {
        Option<int> seconds = Of("--seconds", "length of one measurement", 15);
        Option<string> threads = Of("--threads", "client threads, comma-separated", "1,16,64");
        Option<string> only = Of("--only", "set-ups: a one MariaDB, b native semi-sync, c Galera, d WolfScale", "a,b,c,d");
        Option<string> workloads = Of("--workloads", "sysbench workloads", "oltp_insert,oltp_write_only");
        Option<int> tables = Of("--tables", "tables that the load is spread over", 8);
        Option<int> rows = Of("--table-size", "rows of each table at the start", 10000);
        Option<int> rounds = Of("--rounds", "repetitions; the set-ups take turns and medians are shown", 3);
        Option<bool> galeraBinlog = Of("--galera-binlog", "Galera's servers write a binary log too; without it they are faster", false);
        Option<string> directory = Of("--dir", "folder for the servers, on the disk to measure; deleted at the end, but kept where a run fails", DefaultDirectory());
        Option<int> basePort = Of("--base-port", "first of the hundred loopback ports used", 21000);
        Option<string> wolfscale = Of("--wolfscale", "the wolfscale program", DefaultProgram());
        Option<bool> keep = Of("--keep", "leave the folder, for a look at the logs", false);
        Option<bool> json = Of("--json", "print the result as JSON", false);
        Option<string[]> set = Of<string[]>("--set", "section.key=value for WolfScale's nodes", []);
        threads.Validators.Add(r => Check(r, t => int.TryParse(t, out var n) && n > 0, "numbers above 0, such as 1,16"));
        only.Validators.Add(r => Check(r, k => k is "a" or "b" or "c" or "d", "letters out of a,b,c,d"));
        var root = new RootCommand("Compares WolfScale with MariaDB alone, native semi-sync and Galera on this machine.")
        {
            seconds, threads, only, workloads, tables, rows, rounds, galeraBinlog,
            directory, basePort, wolfscale, keep, json, set,
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
        root.Subcommands.Add(Proxies(runProxies));
        root.Subcommands.Add(IdleClients.Command());
        root.Subcommands.Add(CommandTimes.Command(
            Of("--dir", "folder for the servers; deleted at the end, but kept where a run fails", DefaultDirectory()), Of("--base-port", "first of the hundred loopback ports used", 21000),
            Of("--wolfscale", "the wolfscale program", DefaultProgram()), runCommands));
        return root.Parse(args);
    }

    private static Command Proxies(Func<ProxyOptions, Task<int>> run)
    {
        Option<int> seconds = Of("--seconds", "length of one measurement", 10);
        Option<string> threads = Of("--threads", "client threads, comma-separated", "1,16,64");
        Option<string> workloads = Of("--workloads", "sysbench workloads", "oltp_point_select,oltp_read_only,oltp_read_write");
        Option<int> rounds = Of("--rounds", "repetitions; medians are shown", 3);
        Option<string> directory = Of("--dir", "folder for the servers; deleted at the end, but kept where a run fails", DefaultDirectory());
        Option<int> basePort = Of("--base-port", "first of the hundred loopback ports used", 21000);
        Option<string> wolfscale = Of("--wolfscale", "the wolfscale program", DefaultProgram());
        var command = new Command("proxy", "Compares the ways to a leader: directly, through HAProxy, through the leader's proxy, through a follower's.")
        {
            seconds, threads, workloads, rounds, directory, basePort, wolfscale,
        };
        command.SetAction((result, _) => run(new ProxyOptions(
            result.GetValue(seconds),
            [.. List(result.GetValue(threads)).Select(t => int.Parse(t, CultureInfo.InvariantCulture))],
            List(result.GetValue(workloads)),
            result.GetValue(rounds),
            result.GetValue(directory)!,
            result.GetValue(basePort),
            result.GetValue(wolfscale)!)));
        return command;
    }

    private static Option<T> Of<T>(string name, string description, T value) => new(name) { Description = description, DefaultValueFactory = _ => value };

    private static void Check(OptionResult result, Func<string, bool> isRight, string wanted)
    {
        if (List(result.GetValueOrDefault<string>()) is not { Length: > 0 } items || !items.All(isRight))
            result.AddError($"{result.Option.Name} takes {wanted}.");
    }

    private static string DefaultDirectory() =>
        Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"wsb{Environment.ProcessId}"));

    private static string[] List(string? text) =>
        (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>The server is built beside the benchmark: artifacts/bin/WolfScale.Bench/release → artifacts/bin/WolfScale.Server/release.</summary>
    private static string DefaultProgram()
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(own.Parent!.Parent!.FullName, "WolfScale.Server", own.Name, "wolfscale");
    }
}
