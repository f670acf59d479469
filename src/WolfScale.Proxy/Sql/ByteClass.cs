namespace WolfScale.Proxy.Sql;

/// <summary>MariaDB's lexer states (<c>init_state_maps</c>), as far as they matter here.</summary>
internal static class ByteClass
{
    private const byte Space = 1;
    private const byte Letter = 2;
    private const byte Digit = 4;

    private static ReadOnlySpan<byte> Classes => Table;

    private static readonly byte[] Table = [.. Enumerable.Range(0, 256).Select(Of)];

    /// <summary>A byte of an unquoted identifier.</summary>
    public static bool IsName(byte value) => (Classes[value] & (Letter | Digit)) != 0;

    public static bool IsDigit(byte value) => (Classes[value] & Digit) != 0;

    public static bool IsSpace(byte value) => (Classes[value] & Space) != 0;

    public static bool IsControl(byte value) => value is < 0x20 or 0x7F;

    public static bool IsHexDigit(byte value) => char.IsAsciiHexDigit((char)value);

    private static byte Of(int value) => value switch
    {
        ' ' or (>= 9 and <= 13) => Space,
        >= '0' and <= '9' => Digit,
        (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_' or '$' or >= 0x80 => Letter,
        _ => 0,
    };
}
