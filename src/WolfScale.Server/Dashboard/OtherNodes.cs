using System.Collections.Immutable;
using System.Globalization;

namespace WolfScale.Server.Dashboard;

/// <summary>Asks the other members what only they know, side by side, while somebody looks: one question each, whoever and however many look.</summary>
/// <param name="open">A client for the API at this HOST:PORT.</param>
/// <param name="trust">By what it is opened: with another object all are opened anew. Null: they are kept.</param>
internal sealed class OtherNodes(Func<string, NodeClient> open, Func<object>? trust = null) : IDisposable
{
    private readonly Dictionary<string, NodeClient> _clients = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ImmutableArray<EventDocument>> _events = new(StringComparer.Ordinal);
    private volatile Heard _heard = Heard.Nothing;
    private object? _trust;

    /// <summary>What they answered last, and who did not. Empty until they were asked.</summary>
    public Heard Now => _heard;

    /// <summary>Asks all of them. Not to be called again before it has returned.</summary>
    public async Task AskAsync(NodeReport report, CancellationToken cancellationToken)
    {
        var members = report.Nodes.Where(n => n.Id != report.Id && n.Api is not null).ToList();
        var now = trust?.Invoke();
        var kept = ReferenceEquals(now, _trust) ? members.Select(n => n.Api!) : [];
        _trust = now;
        foreach (var gone in _clients.Keys.Except(kept).ToList())
        {
            _clients[gone].Dispose();
            _ = _clients.Remove(gone);
        }

        var answers = await Task.WhenAll(members.Select(n => TryAsync(Client(n.Api!), Last(n.Id), cancellationToken)));
        var told = answers.Select(a => a.Answer).OfType<DashboardNode>().Where(Remember).ToList(); // all of them are looked at
        _heard = new Heard(
            [.. answers.Select(a => a.Answer).OfType<DashboardNode>().Select(a => a with { Events = null })],
            members.Zip(answers).Where(m => m.Second.Answer is null).ToImmutableSortedDictionary(m => m.First.Id, m => m.Second.Silence, StringComparer.Ordinal),
            told.Count == 0 ? _heard.Events : [.. _events.Values.SelectMany(e => e)]);
    }

    /// <summary>Nobody looks any more: what was heard grows old. Histories do not.</summary>
    public void Forget() => _heard = Heard.Nothing with { Events = _heard.Events };

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
        _clients.Clear();
    }

    private NodeClient Client(string address)
    {
        if (!_clients.TryGetValue(address, out var client))
            _clients[address] = client = open(address);
        return client;
    }

    private long Last(string node) => _events.TryGetValue(node, out var events) && events is [.., var last] ? last.Id : 0;

    /// <summary>Keeps the newest of a node's events. One whose history has begun anew counts from 1 again.</summary>
    /// <returns>Whether there was anything new.</returns>
    private bool Remember(DashboardNode answer)
    {
        if (answer.Events is not { IsEmpty: false } fresh)
            return false;
        var known = _events.GetValueOrDefault(answer.Status.Id, []);
        _events[answer.Status.Id] = fresh[0].Id <= Last(answer.Status.Id) ? fresh : [.. known.Concat(fresh).TakeLast(ClusterHistory.Kept)];
        return true;
    }

    private static async Task<(DashboardNode? Answer, string Silence)> TryAsync(NodeClient node, long since, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await node.GetAsync(string.Create(CultureInfo.InvariantCulture, $"/dashboard/node?since={since}"), ApiJson.Default.DashboardNode, cancellationToken);
            return (answer, "it answers with nothing");
        }
        catch (UnreachableException e)
        {
            return (null, e.Reason);
        }
        catch (Exception e) when (e is RefusedException or System.Text.Json.JsonException)
        {
            return (null, $"it answers as another version does ({e.Message})");
        }
    }
}

/// <summary>What the other members answered.</summary>
/// <param name="Answers">Of those that answered.</param>
/// <param name="Silent">Why the others did not.</param>
/// <param name="Events">The newest of each of their histories; the same array as long as there is nothing new.</param>
internal sealed record Heard(ImmutableArray<DashboardNode> Answers, ImmutableSortedDictionary<string, string> Silent, ImmutableArray<EventDocument> Events)
{
    public static Heard Nothing { get; } = new([], ImmutableSortedDictionary<string, string>.Empty, []);

    /// <summary>Whether a person would see a difference that should not wait for the next second.</summary>
    public bool Differs(Heard other) => Outline() != other.Outline();

    private string Outline() => string.Join(
        ';', Answers.Select(a => $"{a.Status.Id} {a.Status.AcceptsWrites} {a.Status.Maintenance} {a.Status.Status}").Concat(Silent.Keys).Order(StringComparer.Ordinal));
}
