using System.Globalization;

namespace WolfScale.Protocol;

/// <summary>
/// A MariaDB global transaction id, written <c>domain-server_id-sequence</c>, for example <c>0-1-5</c>.
/// </summary>
/// <param name="Domain"><c>gtid_domain_id</c> of the session that wrote the group; one for a whole WolfScale cluster.</param>
/// <param name="ServerId"><c>server_id</c> of the server the group was first written on.</param>
/// <param name="Sequence">Grows by one with every group of the domain; under <c>gtid_strict_mode</c> it never goes back.</param>
public readonly record struct Gtid(uint Domain, uint ServerId, ulong Sequence) : ISpanFormattable
{
    /// <summary>Longest text: two 32-bit numbers, a 64-bit number and two dashes.</summary>
    public const int MaxTextLength = 10 + 1 + 10 + 1 + 20;

    /// <exception cref="FormatException">The text is not <c>domain-server_id-sequence</c>.</exception>
    public static Gtid Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var gtid) ? gtid : throw new FormatException($"'{text}' is not a GTID: expected DOMAIN-SERVER_ID-SEQUENCE, for example 0-1-5.");

    /// <summary>Reads <c>domain-server_id-sequence</c>; digits and dashes only, no blanks.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Gtid gtid)
    {
        gtid = default;
        var first = text.IndexOf('-');
        if (first < 0)
            return false;
        var rest = text[(first + 1)..];
        var second = rest.IndexOf('-');
        if (second < 0
            || !uint.TryParse(text[..first], NumberStyles.None, CultureInfo.InvariantCulture, out var domain)
            || !uint.TryParse(rest[..second], NumberStyles.None, CultureInfo.InvariantCulture, out var serverId)
            || !ulong.TryParse(rest[(second + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return false;
        }

        gtid = new Gtid(domain, serverId, sequence);
        return true;
    }

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) =>
        destination.TryWrite(CultureInfo.InvariantCulture, $"{Domain}-{ServerId}-{Sequence}", out charsWritten);

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Domain}-{ServerId}-{Sequence}");
}
