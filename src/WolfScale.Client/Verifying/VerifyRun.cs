using System.Collections.Immutable;
using System.Globalization;

namespace WolfScale.Client.Verifying;

/// <summary>What a piece of a table is: behind one key, up to another; null: open.</summary>
public sealed record Piece(ImmutableArray<string>? After, ImmutableArray<string>? UpTo);

/// <summary>
/// Proves that nodes hold the same rows at one LSN: the followers' feeds pause, the leader opens a snapshot, the followers go on to where that ends and open
/// theirs; then all are read piece by piece, side by side. A piece that differs is cut smaller until the keys tell where to look.
/// </summary>
/// <param name="leader">Sets the bounds.</param>
/// <param name="followers">Are compared with it.</param>
/// <param name="rows">Of a piece.</param>
/// <param name="progress">Hears the table and the number of rows compared so far.</param>
/// <param name="time">The clock.</param>
public sealed class VerifyRun(VerifiedNode leader, IReadOnlyList<VerifiedNode> followers, int rows, Action<string, long> progress, TimeProvider time)
{
    private const int SmallestPiece = 10;
    private const int MostDifferences = 100; // of a table and node; then it is clear that the node is to be rebuilt
    private const int Attempts = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LooksAgainAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeepsEvery = TimeSpan.FromSeconds(20); // nodes give up a snapshot that nobody asks for within a minute

    private readonly List<VerifyDifference> _differences = [];
    private readonly List<NotCompared> _notCompared = [];
    private readonly HashSet<VerifiedNode> _refusing = []; // who cannot read the table at hand
    private readonly HashSet<VerifiedNode> _straying = []; // who differs in it
    private List<VerifiedNode> _followers = [.. followers];
    private bool _whole = true;
    private long _rows;
    private int _tables;

    /// <summary>Whether it rests after each piece as long as the piece took, for the sake of the servers' clients.</summary>
    public bool RestsBetweenPieces { get; init; }

    /// <summary>Nodes that hold data and are not asked, and why. With any, nothing is identical.</summary>
    public ImmutableArray<NotCompared> Away { get; init; } = [];

    private IEnumerable<VerifiedNode> Reading => _followers.Where(f => !_refusing.Contains(f));

    /// <summary>Compares.</summary>
    /// <param name="wanted">Which objects; null: all, and then every node remembers what came of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RefusedException">The leader cannot be read, or is left by all others; or what is wanted is nowhere.</exception>
    public async Task<VerifyReport> RunAsync(Selection? wanted, CancellationToken cancellationToken)
    {
        VerifyReport? report = null;
        _notCompared.AddRange(Away);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var keeping = KeepSnapshotsAsync(over.Token);
        try
        {
            var point = await OpenAsync(cancellationToken);
            var at = time.GetUtcNow();
            await CompareAllAsync(wanted, cancellationToken);
            var identical = _whole && _differences.Count == 0 && _followers.Count == followers.Count && Away.IsEmpty;
            return report = new VerifyReport(at, identical, point.Lsn ?? 0, point.Gtid, [leader.Name, .. _followers.Select(f => f.Name)], _tables, _rows, [.. _differences], [.. _notCompared]);
        }
        finally
        {
            await over.CancelAsync();
            await keeping;
            var outcome = report is null || wanted is not null
                ? null
                : new VerifyOutcome(report.At, report.Lsn, report.Identical, report.Nodes, [.. report.Differences.Select(d => d.Node).Distinct()]) { Whole = _whole };
            await Task.WhenAll(followers.Append(leader).Select(node => node.EndAsync(outcome)));
        }
    }

    /// <summary>One may sum up a table for minutes, and meanwhile nothing is asked of the others.</summary>
    private async Task KeepSnapshotsAsync(CancellationToken over)
    {
        using var timer = new PeriodicTimer(KeepsEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
                await Task.WhenAll(_followers.Append(leader).Select(node => node.KeepAsync(over)));
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private async Task<VerifyAnswer> OpenAsync(CancellationToken cancellationToken)
    {
        var fed = 0L;
        await OfFollowersAsync(async follower => fed = Math.Max(fed, (await follower.StepAsync("pause", cancellationToken)).Lsn ?? 0));
        // A follower may have been fed what the leader's own storage engine was about to show: then a moment later.
        for (var attempt = 1; ; attempt++)
        {
            var point = await leader.StepAsync("open", cancellationToken);
            if (point.Lsn >= fed)
            {
                await OfFollowersAsync(follower => follower.StepAsync("open", cancellationToken, point.Lsn));
                return point;
            }

            if (attempt == Attempts)
                throw new RefusedException($"{leader.Name} shows LSN {point.Lsn}, and its followers were fed up to {fed}: is {leader.Name} still the leader? Verify again.");
            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <summary>Does something with all that still take part; who cannot is left out.</summary>
    private async Task OfFollowersAsync(Func<VerifiedNode, Task> work)
    {
        var failures = await Task.WhenAll(_followers.Select(async follower =>
        {
            try
            {
                await work(follower);
                return null;
            }
            catch (RefusedException e)
            {
                return new NotCompared(follower.Name, e.Message);
            }
        }));
        LeaveOut([.. failures.OfType<NotCompared>()]);
    }

    private void LeaveOut(IReadOnlyCollection<NotCompared> nodes)
    {
        _notCompared.AddRange(nodes);
        _followers = [.. _followers.Where(f => nodes.All(n => n.What != f.Name))];
        if (_followers.Count == 0)
            throw new RefusedException("There is nothing to compare with: " + string.Join("; ", _notCompared.Select(n => $"{n.What}: {n.Why}")));
    }

    private void LeaveOut(string table, string why)
    {
        _whole = false;
        _notCompared.Add(new NotCompared(table, why));
    }

    /// <summary>That of a table alone; else the node can be asked no more.</summary>
    private static bool IsOfTable(RefusedException failure) => failure is NodeRefusedException { Code: VerifyProblems.NotCompared or "bad_request" };

    private async Task<VerifyAnswer> AskLeaderAsync(VerifyRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await leader.StepAsync(request, cancellationToken);
        }
        catch (NodeRefusedException e) when (!IsOfTable(e))
        {
            throw new RefusedException($"{leader.Name}, with which the others are compared, takes part no longer: {e.Message}");
        }
    }

    private async Task CompareAllAsync(Selection? wanted, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var table in (await CompareDefinitionsAsync(wanted, cancellationToken)).Where(o => o.Kind == "TABLE"))
            {
                if (table.Skipped is { } why)
                    _notCompared.Add(new NotCompared(Name(table), why));
                else
                    await CompareAsync(table, cancellationToken);
            }
        }
        catch (RefusedException e) when (_differences.Count > 0)
        {
            LeaveOut("what was left", e.Message); // what was found is no less true for that
        }
    }

    /// <summary>A definition is not part of a snapshot, and a statement that changes one is somewhere else a moment later: only what stays different in the same way counts.</summary>
    /// <returns>What the leader has.</returns>
    private async Task<IEnumerable<VerifiedObject>> CompareDefinitionsAsync(Selection? selection, CancellationToken cancellationToken)
    {
        Func<VerifiedObject, bool> wanted = selection is null ? static _ => true : selection.Contains;
        List<VerifyDifference> found = [];
        Dictionary<string, VerifiedObject> here = [];
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            if (attempt > 1)
                await Task.Delay(LooksAgainAfter, cancellationToken);
            here = (await leader.SurveyAsync(cancellationToken)).Where(wanted).ToDictionary(Key);
            var before = found.ToHashSet();
            found = [];
            await OfFollowersAsync(async follower =>
            {
                var there = (await follower.SurveyAsync(cancellationToken)).Where(wanted).ToDictionary(Key);
                var differences = here.Keys.Union(there.Keys)
                    .Where(key => here.GetValueOrDefault(key)?.Digest != there.GetValueOrDefault(key)?.Digest)
                    .Select(key => new VerifyDifference(follower.Name, "DEFINITION", key, null, null, Describe(here.GetValueOrDefault(key)), Describe(there.GetValueOrDefault(key))))
                    .Where(difference => attempt == 1 || before.Contains(difference));
                lock (found)
                    found.AddRange(differences);
            });
            if (found.Count == 0)
                break;
        }

        selection?.RequireAllFound();
        _differences.AddRange(found);
        return here.Values;

        static string Key(VerifiedObject o) => $"{o.Kind.ToLowerInvariant()} {o.Schema}.{o.Name}";
        static string Describe(VerifiedObject? o) => o is null ? "missing" : "made as " + o.Digest;
    }

    private async Task CompareAsync(VerifiedObject table, CancellationToken cancellationToken)
    {
        _refusing.Clear();
        _straying.Clear();
        try
        {
            var hasKey = (await AskLeaderAsync(leader.About(table, "key"), cancellationToken)).Key is { Length: > 0 };
            await CompareAsync(table, new Piece(null, null), hasKey ? rows : 0, cancellationToken);
            if (_refusing.Count == 0)
                _tables++;
        }
        catch (NodeRefusedException e) when (IsOfTable(e))
        {
            LeaveOut(Name(table), e.Message); // changed or locked meanwhile, or not there
        }
        finally
        {
            // Who could not be asked where it differs differs all the same.
            foreach (var node in _straying.Where(node => !_differences.Exists(d => d.Kind == "ROWS" && d.Node == node.Name && d.Object == Name(table))))
                _differences.Add(new VerifyDifference(node.Name, "ROWS", Name(table), null, null, "which ones could not be found out", "other rows"));
        }
    }

    /// <summary>Compares a range in pieces of so many rows; 0: as a whole.</summary>
    private async Task CompareAsync(VerifiedObject table, Piece range, int size, CancellationToken cancellationToken)
    {
        for (var after = range.After; ;)
        {
            var edge = size == 0 ? null : (await AskLeaderAsync(leader.About(table, "edge") with { After = after, Rows = size }, cancellationToken)).Key;
            var isLast = edge is null || (range.UpTo is not null && await IsRestAsync(table, after, range, size, cancellationToken));
            var piece = new Piece(after, isLast ? range.UpTo : edge);
            await ComparePieceAsync(table, piece, size, cancellationToken);
            if (isLast || !Reading.Any())
                return;
            after = edge;
        }
    }

    /// <summary>What is left of a range is one piece. Only the server knows the order of its keys, so it counts.</summary>
    private async Task<bool> IsRestAsync(VerifiedObject table, ImmutableArray<string>? after, Piece range, int size, CancellationToken cancellationToken) =>
        (await AskLeaderAsync(leader.About(table, "sum") with { After = after, UpTo = range.UpTo }, cancellationToken)).Rows <= size;

    private async Task ComparePieceAsync(VerifiedObject table, Piece piece, int size, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var here = AskLeaderAsync(leader.About(table, "sum") with { After = piece.After, UpTo = piece.UpTo }, cancellationToken);
        var there = await SumsAsync(table, piece, cancellationToken);
        var sum = await here;
        if (RestsBetweenPieces)
            await Task.Delay(time.GetElapsedTime(began) is var took && took < LongestRest ? took : LongestRest, time, cancellationToken);
        if (size == rows || size == 0)
            progress(Name(table), _rows += sum.Rows ?? 0);
        var different = there.Where(f => (f.Value.Rows, f.Value.Sum) != (sum.Rows, sum.Sum)).Select(f => f.Key).ToList();
        if (different.Count == 0)
            return;
        _straying.UnionWith(different);
        if (size > SmallestPiece && Room(table, different))
        {
            await CompareAsync(table, piece, Math.Max(SmallestPiece, size / 10), cancellationToken);
            return;
        }

        var (after, upTo) = (await DescribeAsync(table, piece.After, cancellationToken), await DescribeAsync(table, piece.UpTo, cancellationToken));
        foreach (var follower in different)
            _differences.Add(new VerifyDifference(follower.Name, "ROWS", Name(table), after, upTo, Count(sum), Count(there[follower])));

        static string Count(VerifyAnswer sum) => string.Create(CultureInfo.InvariantCulture, $"{sum.Rows} rows");
    }

    /// <summary>What the followers have in a piece. Who cannot read it is left out, of this table or for good.</summary>
    private async Task<Dictionary<VerifiedNode, VerifyAnswer>> SumsAsync(VerifiedObject table, Piece piece, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(Reading.Select(async follower =>
        {
            try
            {
                return (Node: follower, Sum: (VerifyAnswer?)await follower.StepAsync(follower.About(table, "sum") with { After = piece.After, UpTo = piece.UpTo }, cancellationToken), Failure: (RefusedException?)null);
            }
            catch (RefusedException e)
            {
                return (Node: follower, Sum: (VerifyAnswer?)null, Failure: (RefusedException?)e);
            }
        }));
        foreach (var (node, _, failure) in answers.Where(a => a.Failure is { } failure && IsOfTable(failure)))
        {
            _ = _refusing.Add(node);
            LeaveOut($"{Name(table)} on {node.Name}", failure!.Message);
        }

        LeaveOut([.. answers.Where(a => a.Failure is { } failure && !IsOfTable(failure)).Select(a => new NotCompared(a.Node.Name, a.Failure!.Message))]);
        return answers.Where(a => a.Sum is not null).ToDictionary(a => a.Node, a => a.Sum!);
    }

    private static string Name(VerifiedObject table) => $"{table.Schema}.{table.Name}";

    private bool Room(VerifiedObject table, List<VerifiedNode> different) =>
        different.Exists(node => _differences.Count(d => d.Node == node.Name && d.Object == Name(table)) < MostDifferences);

    private async Task<string?> DescribeAsync(VerifiedObject table, ImmutableArray<string>? key, CancellationToken cancellationToken) =>
        key is null ? null : (await AskLeaderAsync(leader.About(table, "describe") with { UpTo = key }, cancellationToken)).Text;
}
