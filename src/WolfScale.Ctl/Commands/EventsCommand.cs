using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl events [--follow]</c>: what has happened, and why, as the node that answers saw it.</summary>
internal static class EventsCommand
{
    private const string Prefix = "data: ";

    /// <summary>A node says at least so often that it is still there, with much to spare.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what happens from now on, until Ctrl+C" };
        var since = new Option<string?>("--since") { Description = "What comes after this event, or happened since this time (RFC 3339)", HelpName = "ID|TIME" };
        var limit = new Option<int>("--limit", "-n") { Description = "How many events at most", DefaultValueFactory = _ => 100 };
        var command = new Command("events", "The cluster's history as one node saw it: elections, switchovers, joins, rewinds, errors, and why") { follow, since, limit };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(since), parsed.GetValue(limit), parsed.GetValue(follow), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string? since, int limit, bool follow, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var query = string.Create(CultureInfo.InvariantCulture, $"?limit={limit}{(since is null ? "" : "&since=" + Uri.EscapeDataString(since))}");
        var answer = await endpoints.GetAsync("/events" + query, cancellationToken);
        var document = answer.Read(ApiJson.Default.EventsDocument);
        var json = parsed.GetValue(CtlOptions.Json);
        if (json)
            document.Events.ToList().ForEach(Line);
        else
            Table(document, follow);
        if (!follow)
            return ExitCode.Done;
        try
        {
            await FollowAsync(answer.Node, document.Events.Length > 0 ? document.Events[^1].Id : document.LastId, json ? Line : Tell, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl+C is how it ends.
        }

        return ExitCode.Done;
    }

    /// <summary>A node that is restarted is waited for, and goes on where it was: ids outlive its process.</summary>
    private static async Task FollowAsync(NodeClient node, long last, Action<EventDocument> tell, CancellationToken cancellationToken)
    {
        var told = false;
        while (true)
        {
            try
            {
                await foreach (var line in node.StreamAsync(string.Create(CultureInfo.InvariantCulture, $"/events?since={last}"), "text/event-stream", Silence, cancellationToken))
                {
                    told = false;
                    if (!line.StartsWith(Prefix, StringComparison.Ordinal))
                        continue;
                    var e = JsonSerializer.Deserialize(line[Prefix.Length..], ApiJson.Default.EventDocument)!;
                    last = e.Id;
                    tell(e);
                }
            }
            catch (UnreachableException e)
            {
                if (!told)
                    Terminal.Error($"{e.Address} does not answer ({e.Reason}); it is waited for.");
                told = true;
            }

            await Task.Delay(Again, cancellationToken);
        }
    }

    private static void Line(EventDocument e) => Terminal.Line(JsonSerializer.Serialize(e, ApiJson.Readable.EventDocument));

    private static void Tell(EventDocument e) => Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"{e.Id}  {Time(e)}  {e.Node}  {e.Kind}  {e.Message}"));

    private static void Table(EventsDocument document, bool follow)
    {
        if (document.Events.Length == 0 && !follow)
            Terminal.Line($"{document.Node} has no such event.");
        if (document.Events.Length == 0)
            return;
        if (follow)
        {
            document.Events.ToList().ForEach(Tell);
            return;
        }

        var table = Terminal.Table("ID", "TIME", "NODE", "KIND", "WHAT");
        table.Columns[^1].NoWrap = false;
        foreach (var e in document.Events)
            _ = table.AddRow(Terminal.Cell(e.Id), Time(e), e.Node.EscapeMarkup(), e.Kind.EscapeMarkup(), e.Message.EscapeMarkup());
        Terminal.Out.Write(table);
    }

    private static string Time(EventDocument e) => e.Time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
