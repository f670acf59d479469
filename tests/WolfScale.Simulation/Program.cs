using System.Diagnostics;
using System.Globalization;
using WolfScale.Consensus;
using WolfScale.Simulation;
using Xunit.MicrosoftTestingPlatform;

// `simulate --seed N --steps M [--count K] [--weather W] [--available] [--trace]` runs the simulator; anything else runs the tests.
if (args is not ["simulate", ..])
    return await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);

long Option(string name, long fallback)
{
    int at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? long.Parse(args[at + 1], CultureInfo.InvariantCulture) : fallback;
}

int weatherAt = Array.IndexOf(args, "--weather");
Weather? weather = weatherAt >= 0 ? Enum.Parse<Weather>(args[weatherAt + 1], ignoreCase: true) : null;
ClusterMode mode = Array.IndexOf(args, "--available") >= 0 ? ClusterMode.Available : ClusterMode.Consistent;
bool traces = Array.IndexOf(args, "--trace") >= 0;
long seed = Option("--seed", Random.Shared.Next());
int steps = (int)Option("--steps", 20_000);
long count = Option("--count", 1);
var watch = Stopwatch.StartNew();
var total = new SimulationStatistics();
long stepsDone = 0;
for (long i = 0; i < count; i++)
{
    try
    {
        SimulationResult result = Simulator.Run(seed + i, steps, traces ? Console.WriteLine : null, weather, mode);
        total.Add(result.Statistics);
        stepsDone += result.Steps;
        if (count == 1)
            Console.WriteLine($"seed {seed}: {result.Steps} steps, {result.VirtualMs} ms of virtual time, digest {result.Digest:x16}");
    }
    catch (InvariantViolationException violation)
    {
        Console.Error.WriteLine(violation.Message);
        return 1;
    }
}

Console.WriteLine($"{count} runs from seed {seed}, {stepsDone} steps in {watch.Elapsed.TotalSeconds:f1} s: no violation. {total}");
return 0;
