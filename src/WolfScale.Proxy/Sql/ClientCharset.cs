using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>What the client's character set (<c>character_set_client</c>) lets one conclude from bytes.</summary>
public enum ClientCharset : byte
{
    /// <summary>utf8mb3, utf8mb4, ascii: a byte of 0x80 or more belongs to an identifier, a string or a comment, and hides no ASCII byte.</summary>
    Utf8,

    /// <summary>
    /// One byte per character (latin1 and the like). Outside quotes a byte of 0x80 or more may be a letter, a sign or a blank (0xA0 in
    /// latin1, measured), so that a statement which has one there is doubtful.
    /// </summary>
    SingleByte,

    /// <summary>gbk, sjis, cp932, big5 and all that is not known: an ASCII byte may be the second half of a character.</summary>
    AsciiUnsafe,
}

public static class ClientCharsets
{
    private const string SingleByteNames =
        " latin1 latin2 latin5 latin7 cp850 cp852 cp866 cp1250 cp1251 cp1256 cp1257 armscii8 dec8 geostd8 greek hebrew hp8 keybcs2 koi8r koi8u macce macroman tis620 ";

    /// <param name="name">As in <c>character_set_client</c>. A name that is not known is taken for unsafe; so is swe7, which has letters in place of quotes.</param>
    public static ClientCharset FromName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Ascii.EqualsIgnoreCase(name, "utf8") || Ascii.EqualsIgnoreCase(name, "utf8mb3") || Ascii.EqualsIgnoreCase(name, "utf8mb4")
            || Ascii.EqualsIgnoreCase(name, "ascii"))
            return ClientCharset.Utf8;
        bool known = name.All(char.IsAsciiLetterOrDigit) && SingleByteNames.Contains($" {name} ", StringComparison.OrdinalIgnoreCase);
        return known ? ClientCharset.SingleByte : ClientCharset.AsciiUnsafe;
    }
}
