using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Native;
using WolfScale.EndToEnd.Workloads.MainJob;

namespace WolfScale.EndToEnd;

/// <summary>
/// The workload, tried where WolfScale has no part: under MariaDB's own replication the main job comes out identical, so a
/// difference that shows under WolfScale is WolfScale's.
/// </summary>
public sealed class MainJobControlTests(NativePair pair) : IClassFixture<NativePair>
{
    [Fact]
    public async Task The_main_job_comes_out_identical_under_native_replication()
    {
        var output = TestContext.Current.TestOutputHelper!;
        await MainJob.WriteAsync(pair.Primary, output.WriteLine);
        var comparer = new Comparer(pair.Servers);
        await comparer.AssertIdenticalAsync(MainJob.Expected);
    }
}
