using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Catalogue;

/// <summary>A table as the leader's catalogue describes it.</summary>
/// <param name="Schema">As the server has it.</param>
/// <param name="Name">As the server has it.</param>
/// <param name="Transactional">A transaction that fails leaves no rows in it.</param>
/// <param name="Columns">In the table's order.</param>
internal sealed record TableDescription(string Schema, string Name, bool Transactional, IReadOnlyList<TableColumn> Columns)
{
    /// <summary>Column names are compared without case, as MariaDB does.</summary>
    private readonly Dictionary<string, TableColumn> _byName = Columns.ToDictionary(c => c.Name, StringComparer.OrdinalIgnoreCase);

    public string QuotedName => Quote(Schema) + "." + Quote(Name);

    /// <summary>The column for which an insert makes a Snowflake id where none is given: a BIGINT that alone is the primary key, and that nothing else fills.</summary>
    public TableColumn? SnowflakeKey => Columns.Where(c => c.InPrimaryKey).ToList() is [{ Kind: ColumnKind.Integer, AutoIncrement: false, Generated: false, HasDefault: false } only]
        && only.Type.StartsWith("bigint", StringComparison.OrdinalIgnoreCase)
            ? only
            : null;

    public TableColumn? Find(string name) => _byName.GetValueOrDefault(name);

    public static string Quote(string name) => "`" + name.Replace("`", "``", StringComparison.Ordinal) + "`";
}
