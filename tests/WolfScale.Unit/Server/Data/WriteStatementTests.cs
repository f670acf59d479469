using System.Text.Json;
using WolfScale.Server.Http.Data;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Values;
using WolfScale.Server.Http.Data.Writing;

namespace WolfScale.Unit.Server.Data;

/// <summary>From a body to a statement whose text is the catalogue's.</summary>
public class WriteStatementTests
{
    private static readonly TableDescription Orders = new("shop", "or`ders", true,
    [
        new("id", "bigint(20)", ColumnKind.Integer) { InPrimaryKey = true },
        new("Name", "varchar(20)", ColumnKind.Text) { Nullable = true },
        new("price", "decimal(10,2)", ColumnKind.Decimal) { Digits = (10, 2), Nullable = true },
    ]);

    [Fact]
    public void An_insert_names_columns_as_the_table_does_and_in_its_order()
    {
        var made = Make(WriteKind.Insert, """{"table": "x", "values": {"price": 1.5, "NAME": "a", "id": 7}}""");

        Assert.Equal("INSERT INTO `shop`.`or``ders` (`id`, `Name`, `price`) VALUES (?, ?, ?)", made.Sql);
        Assert.Equal([7L, "a", "1.5"], made.Values.Select(v => v.Value));
        Assert.Null(made.Id);
    }

    [Fact]
    public void An_absent_key_is_filled_in()
    {
        var made = Make(WriteKind.Insert, """{"table": "x", "values": {"name": "a"}}""");

        Assert.Equal("INSERT INTO `shop`.`or``ders` (`id`, `Name`) VALUES (?, ?)", made.Sql);
        Assert.Equal([99L, "a"], made.Values.Select(v => v.Value));
        Assert.Equal(99, made.Id);
    }

    [Theory]
    [InlineData("int(11)", false, false)]
    [InlineData("bigint(20)", true, false)]
    [InlineData("bigint(20)", false, true)]
    public void Only_a_bigint_that_nothing_else_fills_is_filled_in(string type, bool autoIncrement, bool hasDefault)
    {
        TableColumn key = new("id", type, ColumnKind.Integer) { InPrimaryKey = true, AutoIncrement = autoIncrement, HasDefault = hasDefault };

        Assert.Null(new TableDescription("s", "t", true, [key]).SnowflakeKey);
        Assert.Null(new TableDescription("s", "t", true, [key with { Type = "bigint(20)", AutoIncrement = false, HasDefault = false }, key with { Name = "second" }]).SnowflakeKey);
    }

    [Fact]
    public void Null_is_compared_as_null_and_a_decimal_as_one()
    {
        var made = Make(WriteKind.Update, """{"table": "x", "set": {"name": null}, "where_key": {"name": null, "price": 1.5, "id": "3"}}""");

        Assert.Equal("UPDATE `shop`.`or``ders` SET `Name` = ? WHERE `id` = ? AND `Name` IS NULL AND `price` = CAST(? AS DECIMAL(10, 2))", made.Sql);
        Assert.Equal([null, 3L, "1.5"], made.Values.Select(v => v.Value));
    }

    [Fact]
    public void A_delete_has_its_condition() =>
        Assert.Equal("DELETE FROM `shop`.`or``ders` WHERE `id` = ?", Make(WriteKind.Delete, """{"table": "x", "where_key": {"id": 1}}""").Sql);

    [Theory]
    [InlineData("", "INSERT INTO `shop`.`or``ders` (`id`, `Name`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `Name` = VALUES(`Name`)")]
    [InlineData(""", "update_columns": ["name"]""", "INSERT INTO `shop`.`or``ders` (`id`, `Name`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `Name` = VALUES(`Name`)")]
    [InlineData(""", "update_columns": []""", "INSERT INTO `shop`.`or``ders` (`id`, `Name`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `id` = `id`")]
    public void An_upsert_updates_what_is_no_key(string more, string sql) =>
        Assert.Equal(sql, Make(WriteKind.Upsert, $$"""{"table": "x", "values": {"id": 1, "name": "a"}{{more}}}""").Sql);

    [Theory]
    [InlineData("Update", """{"table": "x", "set": {"name": "a"}, "where_key": {}}""", "empty_where_key")]
    [InlineData("Delete", """{"table": "x"}""", "invalid_request")]
    [InlineData("Delete", """{"table": "x", "where": {"id": 1}}""", "unknown_field")]
    [InlineData("Insert", """{"table": 5, "values": {}}""", "invalid_request")]
    [InlineData("Insert", """[]""", "batch_size")]
    [InlineData("Insert", """[5]""", "invalid_request")]
    [InlineData("Insert", """{"table": "x", "values": {"nmae": "a"}}""", "unknown_column")]
    [InlineData("Insert", """{"table": "x", "values": {"name": "a", "NAME": "b"}}""", "duplicate_key")]
    [InlineData("Insert", """{"table": "x", "values": {"name` = 1 -- ": "a"}}""", "invalid_name")]
    [InlineData("Insert", """{"table": "x", "values": {"\ud800": "a"}}""", "invalid_utf8")]
    [InlineData("Upsert", """{"table": "x", "values": {"id": 1}, "update_columns": ["name"]}""", "unknown_column")]
    public void What_does_not_fit_is_refused_with_a_code(string kind, string body, string code) =>
        Assert.Equal(code, Assert.Throws<DataProblemException>(() => Make(Enum.Parse<WriteKind>(kind), body)).Code);

    [Fact]
    public void The_nearest_column_is_named() =>
        Assert.Equal("price", Assert.Throws<DataProblemException>(() => Make(WriteKind.Insert, """{"table": "x", "values": {"prize": 1}}""")).Nearest);

    [Fact]
    public void A_name_of_a_megabyte_is_refused_by_its_length() =>
        Assert.Equal("invalid_name", Assert.Throws<DataProblemException>(() => Make(WriteKind.Insert, "{\"table\": \"x\", \"values\": {\"" + new string('a', 1 << 20) + "\": 1}}")).Code);

    private static WriteStatement Make(WriteKind kind, string body) =>
        WriteStatement.Make(WriteOperation.Read(kind, JsonDocument.Parse(body).RootElement).Operations[0], Orders, () => 99);
}
