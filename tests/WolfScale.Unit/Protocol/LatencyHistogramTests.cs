using CsCheck;
using WolfScale.Wal;

namespace WolfScale.Unit.Protocol;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void A_quantile_is_off_by_an_eighth_at_most() =>
        Gen.Long[1, 100_000_000].Array[1, 50].Sample(microseconds =>
        {
            var histogram = new LatencyHistogram();
            foreach (var value in microseconds)
                histogram.Record(TimeSpan.FromMicroseconds(value));
            Array.Sort(microseconds);
            foreach (var share in new[] { 0.01, 0.5, 0.95, 1.0 })
            {
                var exact = microseconds[(int)Math.Ceiling(share * microseconds.Length) - 1];
                Assert.InRange(histogram.Quantile(share).TotalMicroseconds, exact, exact * 1.126 + 1);
            }
        });

    [Fact]
    public void What_took_no_longer_than_a_limit_is_counted_to_the_width_of_a_bucket() =>
        Gen.Select(Gen.Long[1, 10_000_000].Array[1, 50], Gen.Long[1, 10_000_000]).Sample((microseconds, limit) =>
        {
            var histogram = new LatencyHistogram();
            foreach (var value in microseconds)
                histogram.Record(TimeSpan.FromMicroseconds(value));
            Assert.Equal(microseconds.Sum(), (long)histogram.Sum.TotalMicroseconds);
            Assert.InRange(histogram.CountWithin(TimeSpan.FromMicroseconds(limit)), microseconds.Count(m => m * 1.126 + 1 < limit), microseconds.Count(m => m <= limit));
        });

    [Fact]
    public void Nothing_recorded_is_zero() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Quantile(0.5));
}
