using WolfScale.EndToEnd.Native;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>The writer's bookkeeping, on a single server: what was acknowledged is found, and a verdict can be bad.</summary>
public sealed class AckedWriterTests(NativePair pair) : IClassFixture<NativePair>
{
    [Fact]
    public async Task What_the_writer_was_told_is_what_the_server_holds()
    {
        await pair.Primary.RunAsync("CREATE DATABASE w", "CREATE USER w@'127.0.0.1' IDENTIFIED BY 'w'", "GRANT ALL ON w.* TO w@'127.0.0.1'");
        await AckedWriter.CreateTablesAsync(pair.Primary, "w");
        await pair.Replica.RunAsync("SET GLOBAL read_only = 1");
        await using var writer = AckedWriter.Start(pair.Servers, new WriterOptions("w", "w", "w"));

        await writer.AwaitAcknowledgedAsync(TimeSpan.Zero, TimeSpan.FromSeconds(10), count: 200);
        await pair.Primary.RunAsync("SET GLOBAL read_only = 1");
        var closed = writer.Now;
        await Harness.Poll.UntilAsync("a refusal by the primary", TimeSpan.FromSeconds(10), () => Task.FromResult(
            writer.Attempts.Any(a => a.Started > closed && a.Server == "primary" && a.Outcome == Outcome.Refused) ? null : writer.Summary()));
        await pair.Primary.RunAsync("SET GLOBAL read_only = 0");
        await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(10), count: 20);
        await writer.StopAsync();

        var verdict = await AckedVerdict.ReadAsync(pair.Primary, "w", writer);
        verdict.AssertRight();
        Assert.Equal(0, verdict.UnknownAbsent + verdict.UnknownThere);
        Assert.True(verdict.Acknowledged >= 220, writer.Summary());
        Assert.Contains(writer.Attempts, a => a.Server == "replica" && a.Outcome == Outcome.Refused);
    }

    [Fact]
    public void The_verdict_tells_lost_double_refused_and_unheard_ids_apart()
    {
        Attempt[] attempts = [Ended(1, Outcome.Acknowledged), Ended(2, Outcome.Acknowledged), Ended(3, Outcome.Refused), Ended(4, Outcome.Unknown), Ended(5, Outcome.Unknown), Ended(6, Outcome.Acknowledged)];
        var verdict = AckedVerdict.Judge(attempts, new Dictionary<long, long> { [2] = 2, [3] = 1, [4] = 1, [6] = 1, [99] = 1 });

        Assert.False(verdict.IsRight);
        Assert.Equal(1, Assert.Single(verdict.Lost).Id);
        Assert.Equal(2, Assert.Single(verdict.Twice).Id);
        Assert.Equal(3, Assert.Single(verdict.RefusedYetThere).Id);
        Assert.Equal(99, Assert.Single(verdict.Unheard));
        Assert.Equal((1, 1), (verdict.UnknownThere, verdict.UnknownAbsent));
    }

    private static Attempt Ended(long id, Outcome outcome)
    {
        var attempt = new Attempt(id, "a", TimeSpan.Zero);
        attempt.End(outcome, TimeSpan.FromSeconds(1));
        return attempt;
    }
}
