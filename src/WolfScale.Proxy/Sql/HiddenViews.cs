using System.Collections.Frozen;
using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Views that do more than their name shows: they call a stored function, ask of the session, take a lock, or stand on such a view. Also routines, and tables with triggers, that take user-level locks
/// or run dynamic SQL (<see cref="StoredBody"/>). A statement is compared with them by its identifiers alone, without
/// their schemas: a column of that name costs a way to the leader, and nothing else. Immutable.
/// </summary>
public sealed class HiddenViews
{
    private const int LongestName = 64;

    private const StatementTraits Kept = StoredBody.Kept | StatementTraits.RefersToLastStatement | StatementTraits.RefersToInsertId;

    private readonly FrozenDictionary<string, StatementTraits> _byName;
    private readonly FrozenDictionary<string, StatementTraits>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly bool _hasOddNames; // that a statement may write in several ways

    private HiddenViews(Dictionary<string, StatementTraits> views)
    {
        _byName = views.ToFrozenDictionary(StringComparer.Ordinal);
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<char>>();
        _hasOddNames = views.Keys.Any(name => !Ascii.IsValid(name) || name.AsSpan().IndexOfAny('`', '"') >= 0);
    }

    private HiddenViews(FrozenDictionary<string, StatementTraits> views, bool hasOddNames)
    {
        (_byName, _hasOddNames) = (views, hasOddNames);
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public static HiddenViews None { get; } = new([]);

    public bool IsEmpty => _byName.Count == 0;

    /// <summary>The server may have others by now: which statements hide something is not known.</summary>
    public bool IsOld { get; private init; }

    /// <summary>The same, which may not be all any more.</summary>
    public HiddenViews AsOld() => new(_byName, _hasOddNames) { IsOld = true };

    /// <param name="views">All views: names, and definitions as information_schema.VIEWS shows them; empty where it may not be seen.</param>
    /// <param name="bodies">Routines, and triggers under the names of their tables: names, texts, and the SQL mode that they are read under.</param>
    public static HiddenViews Among(IReadOnlyList<(string Name, string Definition)> views, IReadOnlyList<(string Name, string Body, string SqlMode)>? bodies = null)
    {
        var found = None;
        for (var goesOn = true; goesOn;)
        {
            var more = found._byName.ToDictionary(StringComparer.Ordinal);
            foreach (var (name, body, mode) in bodies ?? [])
            {
                if (StoredBody.TraitsOf(body, mode, found) is var traits and not StatementTraits.None)
                    Add(more, name, traits);
            }

            foreach (var (name, definition) in views)
            {
                var statement = StatementClassifier.Classify(Encoding.UTF8.GetBytes(definition), new ClassifierOptions { Views = found });
                if (statement.Route != StatementRoute.Local)
                    Add(more, name, statement.Traits & Kept);
            }

            goesOn = more.Any(entry => !found._byName.TryGetValue(entry.Key, out var known) || known != entry.Value);
            found = new HiddenViews(more);
        }

        return found;
    }

    private static void Add(Dictionary<string, StatementTraits> views, string name, StatementTraits traits)
    {
        var key = name.ToLowerInvariant();
        views[key] = views.GetValueOrDefault(key) | traits;
    }

    /// <summary>Whether one of them has this name, and what is known of it.</summary>
    internal bool TryFind(ReadOnlySpan<byte> name, out StatementTraits traits)
    {
        traits = default;
        Span<char> lower = stackalloc char[LongestName];
        if (name.Length > lower.Length || Ascii.ToLower(name, lower, out var written) != System.Buffers.OperationStatus.Done || name.IndexOfAny((byte)'`', (byte)'"') >= 0)
            return _hasOddNames;
        return _lookup.TryGetValue(lower[..written], out traits);
    }
}
