using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using WolfScale.Bench.Setups;

namespace WolfScale.Bench.Commands;

/// <summary>What a run measures.</summary>
/// <param name="Rounds">How often each command is run; they take turns.</param>
/// <param name="Directory">For the cluster that is asked; deleted at the end.</param>
/// <param name="BasePort">First of the ports used.</param>
/// <param name="WolfScale">The program that runs the cluster.</param>
/// <param name="WolfCtl">The program that is measured, as it is installed.</param>
internal sealed record CommandOptions(int Rounds, string Directory, int BasePort, string WolfScale, string WolfCtl);

/// <summary>
/// How soon an operator's command answers: <c>wolfctl</c> as it is published, asked of a node of a demo cluster, beside <c>wolfctl --version</c>, which asks nobody, and so is what a start alone costs.
/// </summary>
internal sealed class CommandTimes(CommandOptions options)
{
    private static readonly string[][] Asked = [["--version"], ["status"], ["status", "--json"], ["list", "servers"]];

    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Path.Combine(options.Directory, "cluster");
        await using var cluster = new WolfScaleDemo(directory, options.BasePort, options.WolfScale, 3, []);
        _ = await cluster.StartAsync(cancellationToken);
        var configuration = Path.Combine(directory, "node-1", "config.toml");
        var times = Asked.ToDictionary(a => a, _ => new List<double>());
        for (var round = 0; round <= options.Rounds; round++)
        {
            foreach (var arguments in Asked)
            {
                var taken = await TimeAsync(arguments == Asked[0] ? arguments : [.. arguments, "-c", configuration], cancellationToken);
                if (round > 0) // the first reads the files from the disk
                    times[arguments].Add(taken);
            }
        }

        var alone = Median(times[Asked[0]]);
        var text = new StringBuilder().AppendLine("| command | median, ms | least, ms | of --version |").AppendLine("|---|---|---|---|");
        foreach (var (arguments, taken) in times)
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"| `wolfctl {string.Join(' ', arguments)}` | {Median(taken):0} | {taken.Min():0} | {Median(taken) / alone:0.0} |");
        return text.ToString();
    }

    public static Command Command(Option<string> directory, Option<int> basePort, Option<string> wolfscale, Func<CommandOptions, Task<int>> run)
    {
        var rounds = new Option<int>("--rounds") { Description = "repetitions; medians are shown", DefaultValueFactory = _ => 30 };
        var wolfctl = new Option<string>("--wolfctl") { Description = "the program that is measured", DefaultValueFactory = _ => Path.Combine("artifacts", "publish", "wolfctl") };
        var command = new Command("commands", "Measures how soon wolfctl, as it is published, answers.") { rounds, directory, basePort, wolfscale, wolfctl };
        command.SetAction((result, _) => run(new CommandOptions(
            result.GetValue(rounds), result.GetValue(directory)!, result.GetValue(basePort), result.GetValue(wolfscale)!, result.GetValue(wolfctl)!)));
        return command;
    }

    /// <summary>Milliseconds from the start of a process to its end.</summary>
    private async Task<double> TimeAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(options.WolfCtl, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{options.WolfCtl} could not be started.");
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        _ = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        var taken = clock.Elapsed.TotalMilliseconds;
        return process.ExitCode == 0 ? taken : throw new InvalidOperationException($"wolfctl {string.Join(' ', arguments)} ended with {process.ExitCode}: {await error}");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
