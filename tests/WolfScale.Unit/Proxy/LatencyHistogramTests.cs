using CsCheck;
using WolfScale.Proxy;

namespace WolfScale.Unit.Proxy;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Nothing_has_no_quantile() => Assert.Null(new LatencyHistogram().Quantile(0.5));

    /// <summary>From one microsecond to an hour.</summary>
    [Fact]
    public void A_quantile_is_within_6_percent_of_the_truth() =>
        Gen.Select(Gen.Long[0, 3_600_000_000].Array[1, 300], Gen.Double[0.01, 1]).Sample((values, share) =>
        {
            var (one, other, sum) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
            for (var i = 0; i < values.Length; i++)
                (i % 2 == 0 ? one : other).Record(values[i]);
            sum.Add(one);
            sum.Add(other);

            var truth = values.Order().ElementAt((int)Math.Ceiling(share * values.Length) - 1);
            Assert.Equal(values.Length, sum.Count);
            Assert.InRange(sum.Quantile(share)!.Value, truth * 0.94 - 1, truth * 1.07 + 1);
        });

    [Theory, InlineData(-1, 0), InlineData(long.MaxValue, 1L << 33)]
    public void What_is_out_of_range_is_in_the_outermost_buckets(long value, long atLeast)
    {
        var histogram = new LatencyHistogram();
        histogram.Record(value);
        Assert.True(histogram.Quantile(0.5) >= atLeast);
    }
}
