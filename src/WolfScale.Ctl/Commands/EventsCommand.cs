using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using WolfScale.Client.Events;
using WolfScale.Ctl.Events;

namespace WolfScale.Ctl.Commands;

/// <summary>
/// <c>wolfctl events [--follow]</c>: what has happened, and why: the histories of all nodes that answer as one, or with <c>--node</c> or <c>--endpoint</c> one node's.
/// </summary>
internal static class EventsCommand
{
    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what happens from now on, until Ctrl+C" };
        var since = new Option<string?>("--since") { Description = "What happened since this time (RFC 3339); of one node also: what comes after this event", HelpName = "TIME|ID" };
        var limit = new Option<int>("--limit", "-n") { Description = "How many events at most", DefaultValueFactory = _ => 100 };
        var node = new Option<string?>("--node") { Description = "The history of this node alone (as with --endpoint)", HelpName = "NODE" };
        var command = new Command("events", "The cluster's history, as all nodes saw it: elections, switchovers, joins, rewinds, errors, and why") { follow, since, limit, node };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed, new Wanted(parsed.GetValue(since), parsed.GetValue(limit), parsed.GetValue(follow), parsed.GetValue(CtlOptions.Json)), parsed.GetValue(node), cancellationToken));
        return command;
    }

    /// <summary>What was asked for.</summary>
    private sealed record Wanted(string? Since, int Limit, bool Follow, bool Json)
    {
        public string Path => string.Create(CultureInfo.InvariantCulture, $"/events?limit={Limit}{(Since is null ? "" : "&since=" + Uri.EscapeDataString(Since))}");

        /// <summary>How an event is told on a line of its own.</summary>
        public Action<EventDocument> Tell => Json ? Line : Words;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Wanted wanted, string? node, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        try
        {
            if (node is not null)
            {
                var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
                await OneAsync(await new Answering(endpoints.Member(cluster, node, asked)).AnswerAsync(wanted.Path, cancellationToken), wanted, cancellationToken);
            }
            else if (endpoints.Given)
            {
                await OneAsync(await endpoints.GetAsync(wanted.Path, cancellationToken), wanted, cancellationToken);
            }
            else
            {
                await AllAsync(endpoints, wanted, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (wanted.Follow && cancellationToken.IsCancellationRequested)
        {
            // Ctrl+C is how it ends.
        }

        return ExitCode.Done;
    }

    private static async Task OneAsync(Answer answer, Wanted wanted, CancellationToken cancellationToken)
    {
        var document = answer.Read(ApiJson.Default.EventsDocument);
        Show(document.Events, wanted, $"{document.Node} has no such event.");
        if (wanted.Follow)
            await new Answering(answer.Node).FollowAsync(Last(document), wanted.Tell, cancellationToken);
    }

    private static async Task AllAsync(Endpoints endpoints, Wanted wanted, CancellationToken cancellationToken)
    {
        if (long.TryParse(wanted.Since, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw new RefusedException("Every node counts its own events, so --since takes a time here (2026-03-01T03:12:00Z). With --node NODE it takes the id of that node's event, too.", ExitCode.Invalid);
        var begun = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
        var nodes = cluster.Nodes.Select(n => (n.Id, Source: endpoints.TryMember(cluster, n.Id, asked) is { } client ? new Answering(client) : null)).ToList();
        var answers = await Task.WhenAll(nodes.Select(n => n.Source?.TryAsync(wanted.Path, cancellationToken) ?? Task.FromResult<EventsDocument?>(null)));
        foreach (var (node, _) in nodes.Zip(answers).Where(n => n.Second is null))
            Terminal.Error($"{node.Id} {node.Source?.Silence ?? "does not say where its API is"}: what it alone saw is missing.");

        var folded = EventFolder.Fold(answers.OfType<EventsDocument>().SelectMany(a => a.Events));
        if (wanted.Since is null)
            folded = [.. folded.TakeLast(wanted.Limit)];
        else if (!wanted.Follow) // who follows gets the rest in any case
            folded = [.. folded.Take(wanted.Limit)];
        Show(folded, wanted, "There is no such event.");
        if (wanted.Follow)
            await FollowAsync([.. nodes.Zip(answers).Where(n => n.First.Source is not null).Select(n => (n.First.Source!, n.Second is { } answer ? Last(answer) : begun))], wanted, cancellationToken);
    }

    /// <summary>In the order in which they arrive; what another node has told already is left out.</summary>
    private static async Task FollowAsync(IReadOnlyList<(Answering Source, string From)> sources, Wanted wanted, CancellationToken cancellationToken)
    {
        var (folder, telling) = (new EventFolder(), new Lock());
        void Tell(EventDocument e)
        {
            lock (telling)
            {
                if (folder.Take(e) is { } seen)
                    wanted.Tell(seen.Document);
            }
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await await Task.WhenAny(sources.Select(s => s.Source.FollowAsync(s.From, Tell, end.Token)));
        }
        finally
        {
            await end.CancelAsync(); // one was refused, or it is the end
        }
    }

    private static string Last(EventsDocument document) =>
        (document.Events.Length > 0 ? document.Events[^1].Id : document.LastId).ToString(CultureInfo.InvariantCulture);

    private static void Show(IReadOnlyList<EventDocument> events, Wanted wanted, string none)
    {
        if (wanted.Json || wanted.Follow)
        {
            foreach (var e in events)
                wanted.Tell(e);
            return;
        }

        if (events.Count == 0)
        {
            Terminal.Line(none);
            return;
        }

        var one = events.All(e => e.SeenBy is null);
        var table = one ? Terminal.Table("ID", "TIME", "NODE", "KIND", "WHAT") : Terminal.Table("TIME", "NODE", "KIND", "WHAT");
        table.Columns[^1].NoWrap = false;
        foreach (var e in events)
            _ = table.AddRow([.. one ? (string[])[Terminal.Cell(e.Id)] : [], Time(e), Nodes(e).EscapeMarkup(), e.Kind.EscapeMarkup(), e.Message.EscapeMarkup()]);
        Terminal.Out.Write(table);
    }

    private static void Line(EventDocument e) => Terminal.Line(JsonSerializer.Serialize(e, ApiJson.Readable.EventDocument));

    private static void Words(EventDocument e) =>
        Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"{(e.SeenBy is null ? $"{e.Id}  " : "")}{Time(e)}  {Nodes(e)}  {e.Kind}  {e.Message}"));

    private static string Nodes(EventDocument e) => e.SeenBy is { } all ? string.Join(',', all) : e.Node;

    private static string Time(EventDocument e) => e.Time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
