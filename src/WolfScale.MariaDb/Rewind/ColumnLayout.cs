using System.Buffers.Binary;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Column types as a TABLE_MAP event writes them (<c>enum_field_types</c>).</summary>
internal enum ColumnType : byte
{
    Decimal = 0,
    Tiny = 1,
    Short = 2,
    Long = 3,
    Float = 4,
    Double = 5,
    Null = 6,
    OldTimestamp = 7,
    LongLong = 8,
    Int24 = 9,
    Date = 10,
    OldTime = 11,
    OldDatetime = 12,
    Year = 13,
    NewDate = 14,
    Varchar = 15,
    Bit = 16,
    Timestamp2 = 17,
    Datetime2 = 18,
    Time2 = 19,
    BlobCompressed = 140,
    VarcharCompressed = 141,
    NewDecimal = 246,
    Enum = 247,
    Set = 248,
    TinyBlob = 249,
    MediumBlob = 250,
    LongBlob = 251,
    Blob = 252,
    VarString = 253,
    String = 254,
    Geometry = 255,
}

/// <summary>How long a column's value is in a row image.</summary>
/// <param name="Type">As in the TABLE_MAP event.</param>
/// <param name="Metadata">Its metadata: one byte, or two with the first one in the low half.</param>
internal readonly record struct ColumnLayout(ColumnType Type, ushort Metadata)
{
    private static ReadOnlySpan<byte> BytesOfDigits => [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

    public static ColumnLayout Read(ColumnType type, ref PayloadReader metadata) => type switch
    {
        ColumnType.Float or ColumnType.Double
            or ColumnType.Timestamp2 or ColumnType.Datetime2 or ColumnType.Time2
            or ColumnType.TinyBlob or ColumnType.Blob or ColumnType.MediumBlob or ColumnType.LongBlob
            or ColumnType.BlobCompressed or ColumnType.Geometry => new(type, metadata.ReadByte()),
        ColumnType.Varchar or ColumnType.VarcharCompressed or ColumnType.Bit or ColumnType.NewDecimal
            or ColumnType.Enum or ColumnType.Set or ColumnType.String or ColumnType.VarString => new(type, metadata.ReadUInt16()),
        _ => new(type, 0),
    };

    /// <summary>Bytes of a value that is not NULL, at the start of <paramref name="value"/>.</summary>
    /// <exception cref="ProtocolException">The length of this type is not certain.</exception>
    public int Length(ReadOnlySpan<byte> value)
    {
        switch (Type)
        {
            case ColumnType.Null:
                return 0;
            case ColumnType.Tiny or ColumnType.Year:
                return 1;
            case ColumnType.Short:
                return 2;
            case ColumnType.Int24 or ColumnType.Date or ColumnType.NewDate:
                return 3;
            case ColumnType.Long:
                return 4;
            case ColumnType.LongLong:
                return 8;
            case ColumnType.Float or ColumnType.Double:
                return Metadata;
            case ColumnType.Timestamp2:
                return 4 + Fraction;
            case ColumnType.Datetime2:
                return 5 + Fraction;
            case ColumnType.Time2:
                return 3 + Fraction;
            case ColumnType.Varchar or ColumnType.VarcharCompressed or ColumnType.VarString:
                return Prefixed(value, Metadata > 255 ? 2 : 1);
            case ColumnType.TinyBlob or ColumnType.Blob or ColumnType.MediumBlob or ColumnType.LongBlob
                or ColumnType.BlobCompressed or ColumnType.Geometry:
                return Prefixed(value, Metadata);
            case ColumnType.Bit:
                return (((Second * 8) + First) + 7) / 8;
            case ColumnType.NewDecimal:
                return Digits(First - Second) + Digits(Second);
            case ColumnType.Enum or ColumnType.Set:
                return Second;
            case ColumnType.String when (ColumnType)First is ColumnType.Enum or ColumnType.Set:
                return Second;
            case ColumnType.String:
                // CHAR(n): the two highest bits of the byte length stand, inverted, in the type byte (max_display_length_for_field).
                var longest = (((First & 0x30) ^ 0x30) << 4) + Second;
                return Prefixed(value, longest > 255 ? 2 : 1);
            default:
                // The temporal types of before 10.0 do not say how long their fractions are.
                throw new ProtocolException($"Rows with a column of type {(byte)Type} ({Type}) cannot be taken apart.");
        }
    }

    private int First => Metadata & 0xFF;

    private int Second => Metadata >> 8;

    private int Fraction => (Metadata + 1) / 2;

    private static int Digits(int count) => (count / 9 * 4) + BytesOfDigits[count % 9];

    private static ProtocolException Short() => new("A row image ends in the middle of a value.");

    private static int Prefixed(ReadOnlySpan<byte> value, int lengthBytes)
    {
        if (value.Length < lengthBytes)
            throw Short();
        var length = lengthBytes switch
        {
            1 => value[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(value),
            3 => (uint)(value[0] | (value[1] << 8) | (value[2] << 16)),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(value),
            _ => uint.MaxValue,
        };
        if (length > (uint)(value.Length - lengthBytes))
            throw Short();
        return lengthBytes + (int)length;
    }
}
