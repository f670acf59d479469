using System.Globalization;
using System.Text;
using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>
/// One part of the main job: what it writes on the leader, and the objects that must be found on every server afterwards.
/// A chapter has a schema of its own and depends on no other chapter.
/// </summary>
internal abstract class Chapter
{
    /// <summary>Rows of every table; above the 1,000 that the claim asks for.</summary>
    protected const int Rows = 1200;

    /// <summary>A table that yields the numbers 1 to <see cref="Rows"/> in its column <c>seq</c> (the SEQUENCE engine).</summary>
    protected static string Numbers { get; } = string.Create(CultureInfo.InvariantCulture, $"seq_1_to_{Rows}");

    public abstract string Schema { get; }

    public abstract IReadOnlyList<ExpectedObject> Expected { get; }

    public abstract Task WriteAsync(SqlServer leader);

    /// <summary>Runs the statements as root in the chapter's schema, on one connection, which is closed afterwards.</summary>
    protected async Task RunAsync(SqlServer leader, params string[] statements)
    {
        await using var connection = await leader.RootAsync(Schema);
        foreach (var statement in statements)
            await connection.RunAsync(statement);
    }

    /// <summary>LOAD DATA LOCAL INFILE of <see cref="Rows"/> lines <c>id;"name";amount</c> below a heading.</summary>
    protected static async Task LoadLocalAsync(MySqlConnection connection, string table, Action<MySqlBulkLoader> configure)
    {
        var lines = Enumerable.Range(1, Rows).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i};\"Wölfin, Nr. {i} 🐺\";{i}.5\n"));
        using var source = new MemoryStream(Encoding.UTF8.GetBytes("id;name;amount\n" + string.Concat(lines)));
        var loader = new MySqlBulkLoader(connection)
        {
            TableName = table,
            SourceStream = source,
            Local = true,
            CharacterSet = "utf8mb4",
            FieldTerminator = ";",
            FieldQuotationCharacter = '"',
            FieldQuotationOptional = true,
            LineTerminator = "\n",
            NumberOfLinesToSkip = 1,
        };
        configure(loader);
        Assert.NotEqual(0, await loader.LoadAsync());
    }

    protected ExpectedObject Table(string name, long minimumRows = 1000) => new("table", $"{Schema}.{name}", minimumRows);

    protected ExpectedObject Object(string kind, string name) => new(kind, $"{Schema}.{name}");
}
