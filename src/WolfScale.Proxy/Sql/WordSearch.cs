using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>Looks for words in a text that comes in pieces, wherever it is cut; also in the middle of other words, in strings and in comments.</summary>
internal sealed class WordSearch
{
    private const int Longest = 32;

    private readonly byte[][] _words;
    private readonly bool _assigned;
    private readonly byte[] _last = new byte[4 * Longest];
    private int _length;
    private byte[]? _named; // behind it only blanks and quotes so far

    /// <param name="words">Of letters and underscores, in lower case.</param>
    /// <param name="assigned">Only those are meant that something stands behind which may begin an assignment.</param>
    private WordSearch(byte[][] words, bool assigned) => (_words, _assigned) = (words, assigned);

    /// <summary>As <see cref="ForbiddenVariables.Find"/>.</summary>
    public static WordSearch ForAssignments() => new(ForbiddenVariables.InText, assigned: true);

    public static WordSearch ForLocks() => new(["get_lock"u8.ToArray()], assigned: false);

    /// <returns>The first word that was found, or null.</returns>
    public byte[]? Read(ReadOnlySpan<byte> piece)
    {
        foreach (byte next in piece)
        {
            if (_named is { } named && !ForbiddenVariables.IsBetween(next))
            {
                if (ForbiddenVariables.BeginsAssignment(next))
                    return named;
                _named = null;
            }

            if (!char.IsAsciiLetter((char)next) && next != '_')
            {
                _length = 0;
                continue;
            }

            if (_length == _last.Length)
            {
                _last.AsSpan(_length - Longest).CopyTo(_last);
                _length = Longest;
            }

            _last[_length++] = next;
            if (Match() is not { } word)
                continue;
            if (!_assigned)
                return word;
            _named = word;
        }

        return null;
    }

    private byte[]? Match()
    {
        foreach (byte[] word in _words)
        {
            if (_length >= word.Length && (_last[_length - 1] | 0x20) == word[^1] && Ascii.EqualsIgnoreCase(_last.AsSpan(_length - word.Length, word.Length), word))
                return word;
        }

        return null;
    }
}
