using System.Buffers.Binary;
using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Looks words up without allocating: open addressing over their first and last eight bytes in lower case. Those two and the length tell
/// words of up to 16 bytes apart; of longer ones the middle is compared as well.
/// </summary>
internal static class WordTable
{
    private const int SlotBits = 12;
    private const ulong Lower = 0x2020_2020_2020_2020;

    private static readonly int[] Slots = new int[1 << SlotBits];
    private static readonly Entry[] Entries = Build();

    /// <summary>Number of words.</summary>
    public static int Count => Entries.Length - 1;

    /// <param name="word">Letters, digits, <c>_</c>, <c>$</c> and bytes of 0x80 or more; other bytes could be taken for these.</param>
    public static Meaning Find(ReadOnlySpan<byte> word)
    {
        ulong head = Head(word);
        ulong tail = Tail(word);
        for (int slot = Hash(head, tail, word.Length); Slots[slot] != 0; slot = (slot + 1) & (Slots.Length - 1))
        {
            ref readonly var entry = ref Entries[Slots[slot]];
            if (entry.Head == head && entry.Tail == tail && entry.Text.Length == word.Length
                && (word.Length <= 16 || Ascii.EqualsIgnoreCase(entry.Text, word)))
                return entry.Meaning;
        }

        return default;
    }

    private static Entry[] Build()
    {
        var meanings = new SortedDictionary<string, Meaning>(StringComparer.Ordinal);
        foreach (var id in Enum.GetValues<Word>().Where(id => id != Word.None))
            meanings[Snake(id.ToString())] = new Meaning(id, WordUse.Unknown);
        Add(meanings, WordLists.Syntax, WordUse.Syntax);
        Add(meanings, WordLists.Functions, WordUse.Function);
        Add(meanings, WordLists.SpatialFunctions, WordUse.Function);
        Add(meanings, WordLists.SpatialConstructors, WordUse.SpatialConstructor);
        Add(meanings, WordLists.AdjacentFunctions, WordUse.AdjacentFunction);
        Add(meanings, "get_lock", WordUse.TakesUserLock);
        Add(meanings, WordLists.UserLock, WordUse.UserLock);
        Add(meanings, WordLists.LastStatement, WordUse.LastStatement);
        Add(meanings, WordLists.ServerLocal, WordUse.ServerLocal);
        Add(meanings, WordLists.Sequence, WordUse.Sequence);
        Add(meanings, "lastval", WordUse.LastValueOfSequence);

        var entries = new List<Entry> { default };
        foreach (var (text, meaning) in meanings)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(text);
            var entry = new Entry(Head(bytes), Tail(bytes), bytes, meaning);
            int slot = Hash(entry.Head, entry.Tail, bytes.Length);
            while (Slots[slot] != 0)
                slot = (slot + 1) & (Slots.Length - 1);
            Slots[slot] = entries.Count;
            entries.Add(entry);
        }

        return [.. entries];
    }

    private static void Add(SortedDictionary<string, Meaning> meanings, string words, WordUse use)
    {
        foreach (string word in words.Split(' '))
            meanings[word] = meanings.TryGetValue(word, out var meaning) ? meaning with { Use = use } : new Meaning(Word.None, use);
    }

    private static string Snake(string name) =>
        string.Concat(name.Select((c, i) => (char.IsUpper(c) && i > 0 ? "_" : "") + char.ToLowerInvariant(c)));

    private static int Hash(ulong head, ulong tail, int length) =>
        (int)(((head * 0x9E37_79B9_7F4A_7C15) ^ (tail * 0xC2B2_AE3D_27D4_EB4F) ^ (ulong)length * 0x1656_67B1_9E37_79F9) >> (64 - SlotBits));

    private static ulong Head(ReadOnlySpan<byte> word)
    {
        if (word.Length >= 8)
            return BinaryPrimitives.ReadUInt64LittleEndian(word) | Lower;
        ulong value = 0;
        for (int i = 0; i < word.Length; i++)
            value = (value << 8) | word[i] | 0x20u;
        return value;
    }

    private static ulong Tail(ReadOnlySpan<byte> word) =>
        word.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(word[^8..]) | Lower : 0;

    internal readonly record struct Meaning(Word Id, WordUse Use);

    private readonly record struct Entry(ulong Head, ulong Tail, byte[] Text, Meaning Meaning);
}
