using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Views that do more than their name shows: they call a stored function, ask of the session, take a lock, or stand on such a view. Also routines, and tables with triggers, that take user-level locks
/// or run dynamic SQL (<see cref="StoredBody"/>). A statement is compared with them by its identifiers alone, without
/// their schemas: a column of that name costs a way to the leader, and nothing else. So does another name with the same hash. Immutable.
/// </summary>
public sealed class HiddenViews
{
    private const int LongestName = 64;

    private static readonly (StatementTraits Trait, HiddenDoing Does)[] Doings =
    [
        (StatementTraits.TakesUserLock, HiddenDoing.TakesUserLock),
        (StatementTraits.RunsUnseenText, HiddenDoing.RunsUnseenText),
        (StatementTraits.RefersToLastStatement, HiddenDoing.RefersToLastStatement),
        (StatementTraits.RefersToInsertId, HiddenDoing.RefersToInsertId),
    ];

    private const StatementTraits Kept = StoredBody.Kept | StatementTraits.RefersToLastStatement | StatementTraits.RefersToInsertId;

    private readonly FrozenDictionary<ulong, StatementTraits> _byHash; // of the name in lower case

    private HiddenViews(FrozenDictionary<ulong, StatementTraits> byHash, bool hasOddNames, string version) => (_byHash, HasOddNames, Version) = (byHash, hasOddNames, version);

    public static HiddenViews None { get; } = Of([], hasOddNames: false);

    public bool IsEmpty => _byHash.Count == 0 && !HasOddNames;

    /// <summary>The same for the same names that do the same, on every node: 16 hexadecimal digits.</summary>
    public string Version { get; }

    /// <summary>The server may have others by now: which statements hide something is not known.</summary>
    public bool IsOld { get; private init; }

    /// <summary>Some have names beyond ASCII, or with quotes in them, which a statement may write in several ways: any such name may be one of theirs.</summary>
    public bool HasOddNames { get; }

    /// <summary>For who compares statements elsewhere: the hashes of all other names, and what each does.</summary>
    public ImmutableArray<(ulong Hash, HiddenDoing Does)> Hashes => [.. _byHash.Select(entry => (entry.Key, Doing(entry.Value)))];

    /// <summary>The same, which may not be all any more.</summary>
    public HiddenViews AsOld() => new(_byHash, HasOddNames, Version) { IsOld = true };

    /// <summary>As another node tells of them: <see cref="Hashes"/>.</summary>
    public static HiddenViews Told(IEnumerable<(ulong Hash, HiddenDoing Does)> hashes, bool hasOddNames)
    {
        var byHash = new Dictionary<ulong, StatementTraits>();
        foreach (var (hash, does) in hashes)
            byHash[hash] = byHash.GetValueOrDefault(hash) | Traits(does);
        return Of(byHash, hasOddNames);
    }

    /// <param name="views">All views: names, and definitions as information_schema.VIEWS shows them; empty where it may not be seen.</param>
    /// <param name="bodies">Routines, and triggers under the names of their tables: names, texts, and the SQL mode that they are read under.</param>
    public static HiddenViews Among(IReadOnlyList<(string Name, string Definition)> views, IReadOnlyList<(string Name, string Body, string SqlMode)>? bodies = null)
    {
        var found = None;
        var names = new Dictionary<string, StatementTraits>(StringComparer.Ordinal);
        for (var goesOn = true; goesOn;)
        {
            var more = new Dictionary<string, StatementTraits>(names, StringComparer.Ordinal);
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

            goesOn = more.Any(entry => !names.TryGetValue(entry.Key, out var known) || known != entry.Value);
            names = more;
            found = Of(names);
        }

        return found;
    }

    private static void Add(Dictionary<string, StatementTraits> views, string name, StatementTraits traits)
    {
        var key = name.ToLowerInvariant();
        views[key] = views.GetValueOrDefault(key) | traits;
    }

    private static HiddenViews Of(Dictionary<string, StatementTraits> names)
    {
        var byHash = new Dictionary<ulong, StatementTraits>();
        var hasOddNames = false;
        foreach (var (name, traits) in names)
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            if (IsOdd(bytes))
                hasOddNames = true;
            else
                byHash[Hash(bytes)] = byHash.GetValueOrDefault(Hash(bytes)) | traits;
        }

        return Of(byHash, hasOddNames);
    }

    private static HiddenViews Of(Dictionary<ulong, StatementTraits> byHash, bool hasOddNames)
    {
        var version = hasOddNames ? 1UL : 0;
        foreach (var (hash, traits) in byHash.OrderBy(entry => entry.Key))
            version = Mix(Mix(version, hash), (ulong)Doing(traits));
        return new HiddenViews(byHash.ToFrozenDictionary(), hasOddNames, version.ToString("x16", CultureInfo.InvariantCulture));
    }

    /// <summary>Whether one of them has this name, and what is known of it.</summary>
    internal bool TryFind(ReadOnlySpan<byte> name, out StatementTraits traits)
    {
        traits = default;
        return IsOdd(name) ? HasOddNames : _byHash.TryGetValue(Hash(name), out traits);
    }

    private static bool IsOdd(ReadOnlySpan<byte> name) => name.Length > LongestName || name.IndexOfAny((byte)'`', (byte)'"') >= 0 || !Ascii.IsValid(name);

    /// <summary>FNV-1a, 64 bits, of the name in lower case: as the nodes of all versions take it.</summary>
    private static ulong Hash(ReadOnlySpan<byte> name)
    {
        var hash = FnvBasis;
        foreach (var letter in name)
            hash = (hash ^ (letter is >= (byte)'A' and <= (byte)'Z' ? letter | 0x20UL : letter)) * FnvPrime;
        return hash;
    }

    private const ulong FnvBasis = 0xCBF29CE484222325;
    private const ulong FnvPrime = 0x100000001B3;

    private static ulong Mix(ulong so, ulong value)
    {
        for (var i = 0; i < 8; i++)
            so = (so ^ (byte)(value >> (8 * i))) * FnvPrime;
        return so;
    }

    private static HiddenDoing Doing(StatementTraits traits) => Doings.Where(d => traits.HasFlag(d.Trait)).Aggregate(HiddenDoing.None, (all, d) => all | d.Does);

    private static StatementTraits Traits(HiddenDoing does) => Doings.Where(d => does.HasFlag(d.Does)).Aggregate(StatementTraits.None, (all, d) => all | d.Trait);
}

/// <summary>What such a name does besides what its kind does. The numbers go between nodes and proxies of different versions.</summary>
[Flags]
public enum HiddenDoing
{
    None = 0,
    TakesUserLock = 1,
    RunsUnseenText = 2,
    RefersToLastStatement = 4,
    RefersToInsertId = 8,
}
