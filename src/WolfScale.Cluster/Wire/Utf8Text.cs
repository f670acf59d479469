using System.Text;

namespace WolfScale.Cluster.Wire;

internal static class Utf8Text
{
    /// <summary>The longest beginning of <paramref name="text"/> that takes at most <paramref name="maxBytes"/> bytes; no character is cut in two.</summary>
    public static string Limit(string text, int maxBytes)
    {
        var bytes = 0;
        var taken = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (bytes + rune.Utf8SequenceLength > maxBytes)
                return text[..taken];
            bytes += rune.Utf8SequenceLength;
            taken += rune.Utf16SequenceLength;
        }
        return text;
    }

    public static int ByteCount(string text) => Encoding.UTF8.GetByteCount(text);
}
