namespace WolfScale.Server.Http.Data.Values;

/// <summary>A column as the server's catalogue describes it.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="Type">MariaDB's name of the type, for people.</param>
/// <param name="Kind">How it looks in JSON.</param>
internal sealed record TableColumn(string Name, string Type, ColumnKind Kind)
{
    public bool Unsigned { get; init; }

    /// <summary>Digits of a DECIMAL, and those of them behind the point.</summary>
    public (int Precision, int Scale) Digits { get; init; }

    public bool Nullable { get; init; }

    public bool HasDefault { get; init; }

    public bool AutoIncrement { get; init; }

    public bool Generated { get; init; }

    public bool InPrimaryKey { get; init; }
}
