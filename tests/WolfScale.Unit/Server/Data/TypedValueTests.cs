using System.Text.Json;
using WolfScale.Server.Http.Data;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Unit.Server.Data;

/// <summary>What a JSON value means to a column, exactly or not at all.</summary>
public class TypedValueTests
{
    [Theory]
    [InlineData("9007199254740993", "9007199254740993")]
    [InlineData("\"9223372036854775807\"", "9223372036854775807")] // as a Snowflake id comes
    [InlineData("-9223372036854775808", "-9223372036854775808")]
    [InlineData("1e3", "1000")]
    [InlineData("1.0", "1")]
    [InlineData("true", "1")]
    public void An_integer_keeps_all_its_digits(string json, string expected) =>
        Assert.Equal(expected, Bind(Column("bigint(20)", ColumnKind.Integer), json));

    [Fact]
    public void An_unsigned_integer_goes_to_two_to_the_64() =>
        Assert.Equal(ulong.MaxValue, TypedValue.Bind(Column("bigint(20) unsigned", ColumnKind.Integer) with { Unsigned = true }, Json("18446744073709551615")).Value);

    [Theory]
    [InlineData("1.5", "wrong_type")]
    [InlineData("\"abc\"", "wrong_type")] // MariaDB would read 0
    [InlineData("\"\"", "wrong_type")]
    [InlineData("\"1 OR 1=1\"", "wrong_type")]
    [InlineData("{}", "wrong_type")]
    [InlineData("9223372036854775808", "value_out_of_range")]
    [InlineData("1e400", "value_out_of_range")]
    [InlineData("1e-2147483648", "wrong_type")]
    public void What_is_no_such_integer_is_refused(string json, string code) =>
        Assert.Equal(code, Refusal(Column("bigint(20)", ColumnKind.Integer), json));

    [Theory]
    [InlineData("0.1", "0.1")]
    [InlineData("\"12345678901234567890123456789012345.123456789012345678901234567891\"", "12345678901234567890123456789012345.123456789012345678901234567891")]
    [InlineData("1.10", "1.1")]
    [InlineData("-0.0", "0")]
    [InlineData("12.5e-1", "1.25")]
    [InlineData("5E2", "500")]
    public void A_decimal_is_digits_and_never_a_binary_fraction(string json, string expected) =>
        Assert.Equal(expected, Bind(Column("decimal(65,30)", ColumnKind.Decimal) with { Digits = (65, 30) }, json));

    [Theory]
    [InlineData("1.005")]
    [InlineData("100000000")]
    [InlineData("1e9")]
    public void A_decimal_that_the_column_would_round_is_refused(string json) =>
        Assert.Equal("value_out_of_range", Refusal(Column("decimal(10,2)", ColumnKind.Decimal) with { Digits = (10, 2) }, json));

    [Fact]
    public void Binary_values_come_as_base64_or_hex()
    {
        var column = Column("varbinary(10)", ColumnKind.Binary);

        Assert.Equal(new byte[] { 0, 255 }, TypedValue.Bind(column, Json("{\"base64\": \"AP8=\"}")).Value);
        Assert.Equal(new byte[] { 0, 255 }, TypedValue.Bind(column, Json("{\"hex\": \"00fF\"}")).Value);
        Assert.Equal("wrong_type", Refusal(column, "\"text\""));
        Assert.Equal("wrong_type", Refusal(column, "{\"hex\": \"0\"}"));
        Assert.Equal("wrong_type", Refusal(column, "{\"base64\": \"AP8=\", \"hex\": \"00\"}"));
    }

    [Fact]
    public void A_json_column_takes_any_value_as_it_was_written()
    {
        var column = Column("longtext", ColumnKind.Json);

        Assert.Equal("{\"a\": [1.10, null]}", Bind(column, "{\"a\": [1.10, null]}"));
        Assert.Equal("\"text\"", Bind(column, "\"text\""));
        Assert.Null(TypedValue.Bind(column, Json("null")).Value);
    }

    [Theory]
    [InlineData("DateTime", "\"2026-01-31T12:34:56.123456Z\"", "2026-01-31T12:34:56.123456")]
    [InlineData("DateTime", "\"2026-01-31 12:34:56\"", "2026-01-31 12:34:56")]
    [InlineData("Date", "\"2026-01-31\"", "2026-01-31")]
    [InlineData("Time", "\"-838:59:59\"", "-838:59:59")]
    public void Dates_are_strings(string kind, string json, string expected) => Assert.Equal(expected, Bind(Column("a date", Enum.Parse<ColumnKind>(kind)), json));

    [Theory]
    [InlineData("DateTime", "\"2026-01-31T12:34:56+02:00\"")]
    [InlineData("DateTime", "\"yesterday\"")]
    [InlineData("Date", "\"2026-01-31' OR ''='\"")]
    [InlineData("Date", "\"2026-01-31\\n\"")]
    [InlineData("Text", "5")]
    [InlineData("Text", "[\"a\"]")]
    [InlineData("Real", "\"NaN\"")]
    public void What_is_of_another_type_is_refused(string kind, string json) => Assert.Equal("wrong_type", Refusal(Column("a type", Enum.Parse<ColumnKind>(kind)), json));

    [Fact]
    public void Half_a_surrogate_pair_is_no_text() => Assert.Equal("invalid_utf8", Refusal(Column("text", ColumnKind.Text), "\"\\ud800\""));

    [Theory]
    [InlineData("9007199254740993", typeof(long))]
    [InlineData("18446744073709551615", typeof(ulong))]
    [InlineData("0.1", typeof(decimal))]
    [InlineData("\"a\"", typeof(string))]
    [InlineData("{\"base64\": \"AP8=\"}", typeof(byte[]))]
    [InlineData("{\"a\": 1}", typeof(string))]
    public void A_parameter_of_sql_has_the_type_of_its_json(string json, Type expected) => Assert.IsType(expected, TypedValue.Bind(Json(json), 1).Value);

    [Fact]
    public void A_parameter_with_more_digits_than_can_be_bound_is_refused() =>
        Assert.Equal("value_out_of_range", Assert.Throws<DataProblemException>(() => TypedValue.Bind(Json("0.12345678901234567890123456789012345"), 1)).Code);

    private static TableColumn Column(string type, ColumnKind kind) => new("c", type, kind);

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement;

    private static string? Bind(TableColumn column, string json) => TypedValue.Bind(column, Json(json)).Value?.ToString();

    private static string Refusal(TableColumn column, string json) => Assert.Throws<DataProblemException>(() => TypedValue.Bind(column, Json(json))).Code;
}
