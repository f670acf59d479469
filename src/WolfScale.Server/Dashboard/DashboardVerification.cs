using System.Collections.Immutable;
using WolfScale.Client.Verifying;

namespace WolfScale.Server.Dashboard;

/// <summary>The comparison of all nodes that somebody asked for on the page: one at a time, as <c>wolfctl verify</c> does it. It goes on when the page is closed, and ends with the node.</summary>
/// <param name="open">A client for the API at this HOST:PORT, with this token.</param>
/// <param name="changed">Called when it begins and when it ends.</param>
/// <param name="time">The clock.</param>
internal sealed class DashboardVerification(Func<string, string, NodeClient> open, Action changed, TimeProvider time) : IAsyncDisposable
{
    private const int Rows = 10_000;

    /// <summary>The node that stops does not wait longer for others that are frozen.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private volatile VerificationProgress? _progress;
    private CancellationTokenSource _cancelled = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Of the last one; null: there was none.</summary>
    public VerificationProgress? Progress => _progress;

    /// <summary>Completes with the one under way.</summary>
    public Task Ended => _running;

    /// <summary>Begins one.</summary>
    /// <param name="report">The members.</param>
    /// <param name="token">Of the person who asks.</param>
    /// <param name="why">Why not.</param>
    public bool TryBegin(NodeReport report, string token, out string why)
    {
        lock (_lock)
        {
            why = !_running.IsCompleted ? "A comparison is under way."
                : report.Leader is null ? "There is no leader, with which the others are compared."
                : "";
            var compared = report.Nodes.Where(n => n is { Role: not "WITNESS", Api: not null }).ToList();
            var leader = compared.FirstOrDefault(n => n.Id == report.Leader);
            if (why.Length == 0 && (leader is null || compared.Count < 2))
                why = "There are no two nodes with a server and an API: there is nothing to compare.";
            if (why.Length > 0)
                return false;
            _cancelled.Dispose();
            _cancelled = new CancellationTokenSource();
            _progress = new VerificationProgress(time.GetUtcNow(), true, null, 0, null, null);
            var stop = _cancelled.Token;
            _running = Task.Run(() => RunAsync(leader!, [.. compared.Where(n => n != leader)], token, stop), CancellationToken.None);
        }

        changed();
        return true;
    }

    /// <summary>Gives it up; nothing where there is none.</summary>
    public void Cancel()
    {
        lock (_lock)
            _cancelled.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        Cancel();
        try
        {
            await _running.WaitAsync(EndLimit, time);
        }
        catch (TimeoutException)
        {
            return; // a node does not hear that it is over; it ends by itself
        }

        _cancelled.Dispose();
    }

    private async Task RunAsync(MemberReport leader, ImmutableArray<MemberReport> others, string token, CancellationToken stop)
    {
        var begun = _progress!;
        var id = Guid.NewGuid().ToString("N");
        var clients = new List<NodeClient>();
        try
        {
            clients.AddRange(others.Prepend(leader).Select(n => open(n.Api!, token)));
            var nodes = others.Prepend(leader).Zip(clients, (member, client) => new VerifiedNode(member.Id, id, client)).ToList();
            var run = new VerifyRun(nodes[0], nodes[1..], Rows, (table, done) => _progress = begun with { Table = table, Rows = done }, time);
            var report = await run.RunAsync(null, stop);
            _progress = begun with { Running = false, Rows = report.Rows, Report = report };
        }
        catch (Exception e) when (e is RefusedException or OperationCanceledException or System.Text.Json.JsonException)
        {
            _progress = begun with { Running = false, Error = e is OperationCanceledException ? "It was given up." : e.Message };
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }

        changed();
    }
}
