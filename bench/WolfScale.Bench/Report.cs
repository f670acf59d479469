using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WolfScale.Bench;

/// <summary>One of the aims, and what this run says about it.</summary>
internal sealed record Aim(string Text, string Measured, bool Met);

/// <summary>The tables that a run ends with. All figures are from one run, so only the ratios mean something on another machine.</summary>
internal sealed class Report(BenchOptions options, IReadOnlyDictionary<char, string> names, IReadOnlyList<Cell> cells)
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    private IEnumerable<(string Workload, int Threads)> Rows => options.Workloads.SelectMany(_ => options.Threads, (w, t) => (w, t));

    public IReadOnlyList<Aim> Aims()
    {
        var aims = new List<Aim>();
        foreach (var (workload, threads) in Rows)
        {
            if (Find('d', workload, threads) is not { } d)
                continue;
            if (Find('b', workload, threads) is { } b)
                aims.Add(AtLeast($"{workload}, {threads} threads: at least (b)", d.Tps / b.Tps, 1.0));
            if (threads is 16 or 64 && Find('c', workload, threads) is { } c)
                aims.Add(AtLeast($"{workload}, {threads} threads: at least 1.5 x (c)", d.Tps / c.Tps, 1.5));
            if (threads == 1 && Find('a', workload, threads) is { } a)
            {
                var over = d.MeanMs - a.MeanMs;
                var text = string.Create(CultureInfo.InvariantCulture, $"{over:+0.00;-0.00} ms");
                aims.Add(new Aim($"{workload}, 1 thread: at most 0.5 ms over (a)", text, over <= 0.5));
            }
        }

        return aims;
    }

    public string Text()
    {
        var text = new StringBuilder();
        foreach (var (key, name) in names)
            Line(text, $"({key}) {name}");
        Line(text, $"medians of {options.Rounds} round(s) of {options.Seconds} s, {options.Tables} tables of {options.TableRows} rows");
        Line(text, $"all with sync_binlog=1, innodb_flush_log_at_trx_commit=1");
        _ = text.AppendLine();

        Table(text, "transactions/s (p95 ms)", c => string.Create(CultureInfo.InvariantCulture, $"{c.Tps,9:F0} ({c.P95Ms,6:F2})"), c => c.Tps);
        _ = text.AppendLine();
        Table(text, "… until on every server", c => string.Create(CultureInfo.InvariantCulture, $"{c.EverywhereTps,9:F0}"), c => c.EverywhereTps);
        _ = text.AppendLine();
        Line(text, $"mean ms; processor time for each transaction in microseconds; replicas behind after the load in s");
        foreach (var (workload, threads) in Rows)
        {
            foreach (var key in names.Keys)
            {
                if (Find(key, workload, threads) is not { } c)
                    continue;
                var processor = string.Join(", ", c.CpuMicroseconds.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key} {p.Value:F0}")));
                Line(text, $"{$"{workload}, {threads}",-26}({key}) {c.MeanMs,7:F3} ms  {processor}; {c.DrainSeconds:F1} s");
            }
        }

        _ = text.AppendLine();
        foreach (var aim in Aims())
            Line(text, $"{(aim.Met ? "met    " : "not met")}  {aim.Text,-52} {aim.Measured}");
        return text.ToString();
    }

    private void Table(StringBuilder text, string title, Func<Cell, string> show, Func<Cell, double> value)
    {
        Line(text, $"{title,-26}{string.Concat(names.Keys.Select(k => $"{$"({k})",18}"))}{Ratios(k => $"(d)/({k})")}");
        foreach (var (workload, threads) in Rows)
        {
            var d = Find('d', workload, threads);
            var columns = names.Keys.Select(k => Find(k, workload, threads) is { } c ? show(c) : "-");
            var ratios = Ratios(k => Ratio(d, Find(k, workload, threads), value));
            Line(text, $"{$"{workload}, {threads}",-26}{string.Concat(columns.Select(c => $"{c,18}"))}{ratios}");
        }
    }

    public string Json() =>
        JsonSerializer.Serialize(
            new { Setups = names.ToDictionary(n => n.Key.ToString(), n => n.Value), options.Rounds, options.Seconds, Cells = cells, Aims = Aims() },
            Indented);

    private Cell? Find(char key, string workload, int threads) => cells.FirstOrDefault(c => c.Setup == key && c.Workload == workload && c.Threads == threads);

    private string Ratios(Func<char, string> column) =>
        names.ContainsKey('d') ? string.Concat(names.Keys.Where(k => k != 'd').Select(k => $"{column(k),10}")) : "";

    private static string Ratio(Cell? d, Cell? other, Func<Cell, double> value) =>
        d is null || other is null ? "-" : (value(d) / value(other)).ToString("F2", CultureInfo.InvariantCulture);

    private static Aim AtLeast(string text, double ratio, double wanted) => new(text, ratio.ToString("F2", CultureInfo.InvariantCulture), ratio >= wanted);

    private static void Line(StringBuilder text, FormattableString line) => _ = text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
