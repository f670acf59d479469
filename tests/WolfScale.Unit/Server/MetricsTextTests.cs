using WolfScale.Server.Metrics;

namespace WolfScale.Unit.Server;

/// <summary>Prometheus' text format.</summary>
public sealed class MetricsTextTests
{
    [Fact]
    public void Families_have_their_help_and_type_before_their_samples_and_what_is_unknown_has_none()
    {
        var text = new MetricsText();
        _ = text.Gauge("a", "what it is").Sample(1.5).Sample((double?)null, ("x", "1")).Sample(true, ("x", "2"));
        _ = text.Counter("b_total", @"back\slash").Sample(3, ("x", "quote \" slash \\ line\n"), ("y", "ü"));

        Assert.Equal(
            "# HELP a what it is\n# TYPE a gauge\na 1.5\na{x=\"2\"} 1\n"
            + "# HELP b_total back\\\\slash\n# TYPE b_total counter\nb_total{x=\"quote \\\" slash \\\\ line\\n\",y=\"ü\"} 3\n",
            text.ToString());
    }

    [Fact]
    public void A_histogram_never_falls_though_it_is_counted_on_while_it_is_read()
    {
        var text = new MetricsText();
        text.Histogram("h_seconds", "h").Distribution(limit => limit < 1 ? 2 : 7, count: 5, seconds: 0.25, ("s", "x"));

        var lines = text.ToString().Split('\n');
        Assert.Equal("h_seconds_bucket{s=\"x\",le=\"0.0001\"} 2", lines[2]);
        Assert.Equal("h_seconds_bucket{s=\"x\",le=\"1\"} 5", lines.Single(l => l.Contains("\"1\"", StringComparison.Ordinal)));
        Assert.Equal(["h_seconds_bucket{s=\"x\",le=\"+Inf\"} 5", "h_seconds_sum{s=\"x\"} 0.25", "h_seconds_count{s=\"x\"} 5", ""], lines[^4..]);
    }
}
