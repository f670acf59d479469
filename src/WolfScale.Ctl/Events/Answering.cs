using System.Text.Json;

namespace WolfScale.Ctl.Events;

/// <summary>A node that is asked for its history.</summary>
internal sealed class Answering(NodeClient node)
{
    private const string Prefix = "data: ";

    /// <summary>Where several are asked, one that does not answer soon is left out.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>A node says at least so often that it is still there, with much to spare.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <summary>Why it has not answered.</summary>
    public string? Silence { get; private set; }

    public async Task<Answer> AnswerAsync(string path, CancellationToken cancellationToken) => new(node, await node.GetTextAsync(path, cancellationToken));

    /// <summary>Null: it does not answer, and <see cref="Silence"/> says why.</summary>
    public async Task<EventsDocument?> TryAsync(string path, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return (await AnswerAsync(path, limit.Token)).Read(ApiJson.Default.EventsDocument);
        }
        catch (UnreachableException e)
        {
            Silence = $"does not answer at {e.Address} ({e.Reason})";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Silence = $"does not answer at {node.Address} (no answer in time)";
        }

        return null;
    }

    /// <summary>A node that is restarted is waited for, and goes on where it was: ids outlive its process.</summary>
    /// <param name="from">The id of the last event that is known, or a time.</param>
    /// <param name="tell">Called with each event.</param>
    /// <param name="cancellationToken">Ends it; nothing else does.</param>
    public async Task FollowAsync(string from, Action<EventDocument> tell, CancellationToken cancellationToken)
    {
        var told = Silence is not null;
        while (true)
        {
            try
            {
                await foreach (var line in node.StreamAsync("/events?since=" + Uri.EscapeDataString(from), "text/event-stream", LongestSilence, cancellationToken))
                {
                    told = false;
                    if (!line.StartsWith(Prefix, StringComparison.Ordinal))
                        continue;
                    var e = JsonSerializer.Deserialize(line[Prefix.Length..], ApiJson.Default.EventDocument)!;
                    from = e.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
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
}
