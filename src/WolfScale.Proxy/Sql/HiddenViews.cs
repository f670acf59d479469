using System.Collections.Frozen;
using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Views that do more than their name shows: they call a stored function, ask of the session, take a lock, or stand on such a view. A statement is compared with them by its identifiers alone, without
/// their schemas: a column of that name costs a way to the leader, and nothing else. Immutable.
/// </summary>
public sealed class HiddenViews
{
    private const int LongestName = 64;

    private const StatementTraits Kept = StatementTraits.TakesUserLock | StatementTraits.RefersToLastStatement | StatementTraits.RefersToInsertId;

    private readonly FrozenDictionary<string, StatementTraits> _byName;
    private readonly FrozenDictionary<string, StatementTraits>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly bool _hasOddNames; // that a statement may write in several ways

    private HiddenViews(Dictionary<string, StatementTraits> views)
    {
        _byName = views.ToFrozenDictionary(StringComparer.Ordinal);
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<char>>();
        _hasOddNames = views.Keys.Any(name => !Ascii.IsValid(name) || name.AsSpan().IndexOfAny('`', '"') >= 0);
    }

    public static HiddenViews None { get; } = new([]);

    public bool IsEmpty => _byName.Count == 0;

    /// <param name="views">All views: names, and definitions as information_schema.VIEWS shows them; empty where it may not be seen.</param>
    public static HiddenViews Among(IReadOnlyList<(string Name, string Definition)> views)
    {
        var found = None;
        for (var before = -1; before < found._byName.Count;)
        {
            before = found._byName.Count;
            var more = found._byName.ToDictionary(StringComparer.Ordinal);
            foreach (var (name, definition) in views)
            {
                var statement = StatementClassifier.Classify(Encoding.UTF8.GetBytes(definition), new ClassifierOptions { Views = found });
                if (statement.Route == StatementRoute.Local)
                    continue;
                var key = name.ToLowerInvariant();
                more[key] = more.GetValueOrDefault(key) | (statement.Traits & Kept);
            }

            found = new HiddenViews(more);
        }

        return found;
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
