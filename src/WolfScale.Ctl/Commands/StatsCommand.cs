using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl stats</c>: live figures, every second until Ctrl+C.</summary>
internal static class StatsCommand
{
    /// <summary>As many as a narrow terminal shows.</summary>
    private const int Remembered = 60;

    private const string Bars = "▁▂▃▄▅▆▇█";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var once = new Option<bool>("--once") { Description = "Print the figures once, and end" };
        var command = new Command("stats", "Live figures of a node and its cluster, every second until Ctrl+C: transactions, latencies, lag, clients") { once };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(once), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, bool once, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var json = parsed.GetValue(CtlOptions.Json);
        var answer = await endpoints.GetAsync("/stats", cancellationToken);
        if (once || json || !Terminal.Interactive)
            return await PrintAsync(answer, json, once, cancellationToken);

        var history = new History();
        using var screen = Terminal.TakeScreen();
        await Terminal.Out.Live(Show(answer, history)).StartAsync(async live =>
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                live.UpdateTarget(Show(answer, history));
                live.Refresh();
                try
                {
                    await Task.Delay(Pause, cancellationToken);
                    answer = await endpoints.GetAsync("/stats", cancellationToken); // of another node, when this one dies
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    return;
                }
                catch (RefusedException e)
                {
                    history.Trouble = e.Message;
                }
            }
        });
        return ExitCode.Done;
    }

    /// <summary>For scripts and pipes: JSON as it came, or a line each second.</summary>
    private static async Task<int> PrintAsync(Answer answer, bool json, bool once, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                Terminal.Line(json ? answer.Body : Line(answer.Read(ApiJson.Default.StatsDocument)));
                if (once)
                    return ExitCode.Done;
                await Task.Delay(Pause, cancellationToken);
                answer = new Answer(answer.Node, await answer.Node.GetTextAsync("/stats", cancellationToken));
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Done;
        }
    }

    private static string Line(StatsDocument s) => string.Create(CultureInfo.InvariantCulture,
        $"{s.At:HH:mm:ss} {s.Node} {s.Role} LSN {s.LastLsn} entries/s {s.EntriesPerSecond}"
        + $"{(s.Leading is { } l ? string.Create(CultureInfo.InvariantCulture, $" transactions/s {l.TransactionsPerSecond} commit ms {Ms(l.Commits.MedianMs)} p95 {Ms(l.Commits.P95Ms)} waiting {l.Waiting}") : "")}"
        + $" sync ms {Ms(s.LogSyncs.MedianMs)} p95 {Ms(s.LogSyncs.P95Ms)}"
        + $"{(s.Proxy is { } p ? string.Create(CultureInfo.InvariantCulture, $" clients {p.Sessions} statements/s {p.StatementsPerSecond}") : "")}"
        + $" lag {string.Join(",", s.Nodes.Where(n => n.LagEntries is not null).Select(n => string.Create(CultureInfo.InvariantCulture, $"{n.Id}={n.LagEntries}")))}");

    private static Rows Show(Answer answer, History history)
    {
        var stats = answer.Read(ApiJson.Default.StatsDocument);
        history.Note(stats);
        var head = new Markup(string.Create(CultureInfo.InvariantCulture,
            $"[bold]{stats.Node.EscapeMarkup()}[/] {Terminal.Coloured(stats.Role)}  leader {(stats.Leader ?? "none").EscapeMarkup()}  term {stats.Term}  LSN {stats.LastLsn}  committed {stats.CommitLsn}  {stats.At:HH:mm:ss}"));
        var figures = new Table { Border = TableBorder.None, ShowHeaders = false };
        _ = figures.AddColumn("").AddColumn("").AddColumn("");
        Row(figures, "entries/s", Number(stats.EntriesPerSecond), history.Of("entries"));
        if (stats.Leading is { } leading)
        {
            Row(figures, "transactions/s", Number(leading.TransactionsPerSecond), history.Of("transactions"));
            Row(figures, "commit, ms", $"{Ms(leading.Commits.MedianMs)} median, {Ms(leading.Commits.P95Ms)} 95 %, {Ms(leading.Commits.P99Ms)} 99 %", history.Of("commit"));
            Row(figures, "waiting", Number(leading.Waiting), "");
        }

        Row(figures, "log syncs, ms", $"{Ms(stats.LogSyncs.MedianMs)} median, {Ms(stats.LogSyncs.P95Ms)} 95 %", history.Of("sync"));
        if (stats.Proxy is { } proxy)
        {
            Row(figures, "statements/s", $"{Number(proxy.StatementsPerSecond)}, {Number(proxy.LocalReadsPerSecond)} read here", history.Of("statements"));
            Row(figures, "clients", $"{proxy.Sessions}, {Number(proxy.ConnectionsPerSecond)} new/s", "");
        }

        var nodes = Terminal.Table("ID", "STATUS", "ROLE", "LSN", "APPLIED", "LAG");
        foreach (var node in stats.Nodes)
            _ = nodes.AddRow(node.Id.EscapeMarkup(), Terminal.Coloured(node.Status), Terminal.Coloured(node.Role), Terminal.Cell(node.LastLsn), Terminal.Cell(node.AppliedLsn), Terminal.Cell(node.LagEntries));
        return new Rows(head, figures, nodes, new Markup(history.Trouble is { } trouble ? $"[red]{trouble.EscapeMarkup()}[/]" : "[grey]Ctrl+C ends it[/]"));
    }

    private static void Row(Table table, string name, string value, string sparkline) => table.AddRow(name.EscapeMarkup(), value.EscapeMarkup(), sparkline.EscapeMarkup());

    private static string Number(double value) => value.ToString(value < 100 ? "0.#" : "0", CultureInfo.InvariantCulture);

    private static string Ms(double? value) => value?.ToString("0.0##", CultureInfo.InvariantCulture) ?? "-";

    /// <summary>What was shown in the last minute.</summary>
    private sealed class History
    {
        private readonly Dictionary<string, Queue<double>> _values = [];

        /// <summary>Why there is nothing new.</summary>
        public string? Trouble { get; set; }

        private DateTimeOffset _last;

        public void Note(StatsDocument stats)
        {
            if (stats.At == _last)
                return; // nothing new has come
            (_last, Trouble) = (stats.At, null);
            Add("entries", stats.EntriesPerSecond);
            Add("transactions", stats.Leading?.TransactionsPerSecond ?? 0);
            Add("commit", stats.Leading?.Commits.MedianMs ?? 0);
            Add("sync", stats.LogSyncs.MedianMs ?? 0);
            Add("statements", stats.Proxy?.StatementsPerSecond ?? 0);
        }

        /// <summary>A bar for each second, the highest as high as a line.</summary>
        public string Of(string name)
        {
            var values = _values[name];
            var most = values.Max();
            return most <= 0 ? "" : string.Concat(values.Select(v => Bars[(int)Math.Round(v / most * (Bars.Length - 1))]));
        }

        private void Add(string name, double value)
        {
            if (!_values.TryGetValue(name, out var values))
                _values[name] = values = new Queue<double>();
            values.Enqueue(value);
            if (values.Count > Remembered)
                _ = values.Dequeue();
        }
    }
}
