using System.Globalization;

namespace WolfScale.Server.Http.Data.Values;

/// <summary>A number as digits, without ever being a binary fraction.</summary>
/// <param name="Negative">Below zero.</param>
/// <param name="Whole">Digits before the point, without leading zeros; empty for none.</param>
/// <param name="Fraction">Digits behind it, without trailing zeros.</param>
internal readonly record struct DecimalText(bool Negative, string Whole, string Fraction)
{
    /// <summary>Longer exponents mean numbers that no column holds.</summary>
    private const int MaxExponent = 400;

    /// <summary>Reads JSON's form of a number (RFC 8259): <c>-12.50e3</c>.</summary>
    public static bool TryParse(string text, out DecimalText number)
    {
        number = default;
        var negative = text.StartsWith('-');
        var rest = negative ? text[1..] : text;
        var at = rest.IndexOfAny(['e', 'E']);
        var exponent = 0;
        if (at >= 0)
        {
            if (!int.TryParse(rest[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || exponent is > MaxExponent or < -MaxExponent)
                return false;
            rest = rest[..at];
        }

        var point = rest.IndexOf('.', StringComparison.Ordinal);
        var (whole, fraction) = point < 0 ? (rest, "") : (rest[..point], rest[(point + 1)..]);
        if (whole.Length == 0 || (point >= 0 && fraction.Length == 0) || !whole.All(char.IsAsciiDigit) || !fraction.All(char.IsAsciiDigit))
            return false;
        Shift(ref whole, ref fraction, exponent);
        whole = whole.TrimStart('0');
        fraction = fraction.TrimEnd('0');
        number = new DecimalText(negative && whole.Length + fraction.Length > 0, whole, fraction);
        return true;
    }

    public bool IsWhole => Fraction.Length == 0;

    /// <summary>Whether a DECIMAL of so many digits holds exactly this.</summary>
    public bool Fits(int precision, int scale) => Whole.Length <= precision - scale && Fraction.Length <= scale;

    public override string ToString() => (Negative ? "-" : "") + (Whole.Length == 0 ? "0" : Whole) + (Fraction.Length == 0 ? "" : "." + Fraction);

    private static void Shift(ref string whole, ref string fraction, int exponent)
    {
        if (exponent > 0)
        {
            fraction = fraction.PadRight(exponent, '0');
            (whole, fraction) = (whole + fraction[..exponent], fraction[exponent..]);
        }
        else if (exponent < 0)
        {
            whole = whole.PadLeft(-exponent, '0');
            (whole, fraction) = (whole[..(whole.Length + exponent)], whole[(whole.Length + exponent)..] + fraction);
        }
    }
}
