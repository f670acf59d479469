using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.Acked;

/// <summary>
/// What became of the inserts of one or more writers, read from one server: acknowledged ones must be there exactly once, refused ones not at
/// all, and the others at most once.
/// </summary>
internal sealed record AckedVerdict(IReadOnlyList<Attempt> Lost, IReadOnlyList<Attempt> Twice, IReadOnlyList<Attempt> RefusedYetThere, IReadOnlyList<long> Unheard, int Acknowledged, int UnknownThere, int UnknownAbsent)
{
    public bool IsRight => Lost.Count + Twice.Count + RefusedYetThere.Count + Unheard.Count == 0;

    /// <summary>Reads both tables on <paramref name="server"/>.</summary>
    public static async Task<AckedVerdict> ReadAsync(SqlServer server, string database, params AckedWriter[] writers)
    {
        await using var connection = await server.RootAsync(database);
        var found = await connection.RowsAsync($"SELECT id, COUNT(*) FROM (SELECT id FROM {AckedWriter.Table} UNION ALL SELECT id FROM {AckedWriter.KeylessTable}) AS every_id GROUP BY id");
        return Judge([.. writers.SelectMany(w => w.Attempts)], found.ToDictionary(r => Number(r[0]), r => Number(r[1])));
    }

    /// <param name="attempts">All inserts that were tried.</param>
    /// <param name="found">How often each id is there.</param>
    public static AckedVerdict Judge(IReadOnlyList<Attempt> attempts, IReadOnlyDictionary<long, long> found)
    {
        var tried = attempts.Select(a => a.Id).ToHashSet();
        long Times(Attempt a) => found.GetValueOrDefault(a.Id);
        return new AckedVerdict(
            [.. attempts.Where(a => a.Outcome == Outcome.Acknowledged && Times(a) == 0)],
            [.. attempts.Where(a => Times(a) > 1)],
            [.. attempts.Where(a => a.Outcome == Outcome.Refused && Times(a) > 0)],
            [.. found.Keys.Where(id => !tried.Contains(id))],
            attempts.Count(a => a.Outcome == Outcome.Acknowledged),
            attempts.Count(a => a.Outcome is Outcome.Unknown or Outcome.InFlight && Times(a) > 0),
            attempts.Count(a => a.Outcome is Outcome.Unknown or Outcome.InFlight && Times(a) == 0));
    }

    public void AssertRight() => Assert.True(IsRight, ToString());

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""
        {Acknowledged} acknowledged: {Lost.Count} of them lost; {Twice.Count} ids there twice; {RefusedYetThere.Count} refused and yet there; {Unheard.Count} never sent and yet there; of the unknown {UnknownThere} are there and {UnknownAbsent} are not.
        {Lines("lost", Lost)}{Lines("twice", Twice)}{Lines("refused, yet there", RefusedYetThere)}
        """).TrimEnd();

    private static string Lines(string what, IReadOnlyList<Attempt> attempts) => string.Concat(attempts.Take(10).Select(a => $"  {what}: {a}\n"));

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);
}
