using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Native;
using WolfScale.EndToEnd.Workloads.MainJob;

namespace WolfScale.EndToEnd;

/// <summary>
/// The instruments, tried where WolfScale has no part: the main job must come out identical under MariaDB's own replication, and the comparer
/// must find each kind of difference.
/// </summary>
public sealed class MainJobControlTests(NativePair pair) : IClassFixture<NativePair>
{
    [Fact]
    public async Task The_main_job_is_identical_under_native_replication_and_every_kind_of_difference_is_found()
    {
        var output = TestContext.Current.TestOutputHelper!;
        await MainJob.WriteAsync(pair.Primary, output.WriteLine);
        var comparer = new Comparer(pair.Servers);
        await comparer.AssertIdenticalAsync(MainJob.Expected);
    }
}
