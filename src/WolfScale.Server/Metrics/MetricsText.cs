using System.Globalization;
using System.Text;

namespace WolfScale.Server.Metrics;

/// <summary>
/// Prometheus' text format, version 0.0.4. Written here and by no library, because what libraries have wants to be told of every observation, and the histograms of commits and statements are
/// counted elsewhere, without locks and without a call per statement.
/// </summary>
internal sealed class MetricsText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Upper limits of the buckets, in seconds: from a statement on a quiet machine to one that waited for another leader.</summary>
    private static readonly double[] Limits = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly StringBuilder _text = new(16 << 10);
    private string _name = "";

    /// <summary>A value that goes up and down; samples follow.</summary>
    public MetricsText Gauge(string name, string help) => Family(name, "gauge", help);

    /// <summary>A value that grows, and begins anew with the process; samples follow.</summary>
    public MetricsText Counter(string name, string help) => Family(name, "counter", help);

    /// <summary>How durations are distributed; distributions follow.</summary>
    public MetricsText Histogram(string name, string help) => Family(name, "histogram", help);

    /// <summary>A value of the family; none where it is unknown.</summary>
    public MetricsText Sample(double? value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        if (value is { } known)
            Line("", known, labels);
        return this;
    }

    public MetricsText Sample(bool value, params ReadOnlySpan<(string Name, string Value)> labels) => Sample(value ? 1 : 0, labels);

    /// <summary>A histogram of the family.</summary>
    /// <param name="within">How many took no longer than so many seconds.</param>
    /// <param name="count">All.</param>
    /// <param name="seconds">All together.</param>
    /// <param name="labels">Which one it is.</param>
    public void Distribution(Func<double, long> within, long count, double seconds, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        foreach (var limit in Limits)
            Line("_bucket", Math.Min(within(limit), count), [.. labels, ("le", Number(limit))]); // it may have been counted on meanwhile
        Line("_bucket", count, [.. labels, ("le", "+Inf")]);
        Line("_sum", seconds, labels);
        Line("_count", count, labels);
    }

    public override string ToString() => _text.ToString();

    private MetricsText Family(string name, string type, string help)
    {
        _name = name;
        _ = _text.Append("# HELP ").Append(name).Append(' ').Append(help.Replace("\\", @"\\", StringComparison.Ordinal)).Append('\n')
            .Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        return this;
    }

    private void Line(string suffix, double value, ReadOnlySpan<(string Name, string Value)> labels)
    {
        _ = _text.Append(_name).Append(suffix);
        var separator = '{';
        foreach (var (name, text) in labels)
        {
            _ = _text.Append(separator).Append(name).Append("=\"").Append(Escape(text)).Append('"');
            separator = ',';
        }

        if (!labels.IsEmpty)
            _ = _text.Append('}');
        _ = _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Escape(string text) =>
        text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
