using System.Globalization;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Unit.Proxy.Fuzzing;

/// <summary>
/// Damaged packets from both sides, to sessions in every phase: no crash, no hang, nothing that grows without bound, no session out of step. `./run.sh fuzz` runs the long form, with the
/// branch coverage; a seed that failed becomes one of the fixed.
/// </summary>
public sealed class SessionFuzzTests(ITestOutputHelper output)
{
    private static readonly long Packets = long.Parse(Environment.GetEnvironmentVariable("WOLFSCALE_FUZZ_PACKETS") ?? "30000", CultureInfo.InvariantCulture) / 3; // of each seed

    public static TheoryData<int> Seeds => [1, 605899614, Random.Shared.Next()];

    [Theory, MemberData(nameof(Seeds))]
    public async Task Damaged_packets_in_any_phase_close_a_session_or_leave_it_in_step(int seed)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using var fuzzer = new SessionFuzzer(seed, Packets);
        output.WriteLine($"seed {seed}");

        await fuzzer.RunAsync();

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{fuzzer}; {fuzzer.Total / clock.Elapsed.TotalSeconds:0} packets/s"));
        Assert.All(fuzzer.Counts, c => Assert.True(c.Value >= Packets / 100, $"{c.Key}: only {c.Value} of {Packets}"));
        Assert.True(fuzzer.Checked > fuzzer.Sessions / 10, "too few sessions live long enough to be checked");
    }
}
