using CsCheck;
using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>
/// Whole lives of a log, at random: appends, syncs, truncations, prunings, crashes in the middle of any change to the disk, clean restarts. A naive
/// twin in memory says what must come back. CsCheck shrinks a failure and prints the seed that replays it.
/// </summary>
public sealed class WalStoryTests
{
    private static readonly Gen<Step> Steps = Gen.Frequency(
        (8, Gen.Select(Gen.Int[1, 5], Gen.Int, (count, seed) => new Step(What.Append, count, seed))),
        (5, Gen.Const(new Step(What.Flush, 0, 0))),
        (2, Gen.Int[0, 12].Select(back => new Step(What.Truncate, back, 0))),
        (1, Gen.Int[0, 20].Select(back => new Step(What.Prune, back, 0))),
        (1, Gen.Const(new Step(What.Restart, 0, 0))),
        (3, Gen.Select(Gen.Int[0, 12], Gen.Int, (changes, seed) => new Step(What.PowerLoss, changes, seed))),
        (1, Gen.Const(new Step(What.ProcessDeath, 0, 0))),
        (1, Gen.Int.Select(seed => new Step(What.SyncFailure, 0, seed))));

    internal enum What
    {
        Append,
        Flush,
        Truncate,
        Prune,
        Restart,
        PowerLoss,
        ProcessDeath,
        SyncFailure,
    }

    [Fact]
    public void Any_life_of_a_log_leaves_a_prefix_that_contains_everything_synced() =>
        Steps.Array[1, 40].Sample(steps => Live(steps, fsync: true), iter: Iterations(500), threads: 1, print: Print);

    [Fact]
    public void Without_fsync_it_leaves_a_prefix_all_the_same_and_everything_where_only_the_process_died() =>
        Steps.Array[1, 40].Sample(steps => Live(steps, fsync: false), iter: Iterations(150), threads: 1, print: Print);

    [Fact]
    public void Every_single_change_to_the_disk_may_be_the_last_one()
    {
        // Two segments, a cut over a segment's end, a new term: power is lost at each change in turn, a few times each.
        Step[] story =
        [
            new(What.Append, 5, 1), new(What.Flush, 0, 0), new(What.Append, 5, 2), new(What.Append, 5, 3), new(What.Flush, 0, 0),
            new(What.Append, 5, 4), new(What.Flush, 0, 0), new(What.Truncate, 9, 0), new(What.Append, 3, 5), new(What.Flush, 0, 0),
        ];
        for (int change = 0; change < 45; change++)
        {
            for (int seed = 0; seed < (Long ? 20 : 2); seed++)
            {
                List<Step> steps = [.. story];
                for (int at = 0; at < story.Length; at += 3)
                {
                    steps = [.. story];
                    steps.Insert(at, new Step(What.PowerLoss, change, (seed * 1000) + change));
                    Live([.. steps], fsync: true);
                }
            }
        }
    }

    private static bool Long => Environment.GetEnvironmentVariable("WOLFSCALE_LONG") == "1";

    private static int Iterations(int usual) => Long ? 10 * usual : usual;

    private static string Print(Step[] steps) => string.Join(" ", steps.Select(step => $"new(What.{step.What}, {step.Number}, {step.Seed}),"));

    private static void Live(Step[] steps, bool fsync)
    {
        using var life = new WalLife(fsync);
        foreach (Step step in steps)
            life.Do(step);
        life.Do(new Step(What.PowerLoss, 0, 1));
        life.Do(new Step(What.Restart, 0, 0));
    }

    internal sealed record Step(What What, int Number, int Seed);
}
