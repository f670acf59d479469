namespace WolfScale.Server.Http.Data.Values;

/// <summary>How a column's values look in JSON.</summary>
internal enum ColumnKind
{
    /// <summary>TINYINT to BIGINT, YEAR.</summary>
    Integer,

    /// <summary>BIT: an integer without sign.</summary>
    Bit,
    Decimal,

    /// <summary>FLOAT, DOUBLE.</summary>
    Real,

    /// <summary>CHAR to LONGTEXT, ENUM, SET, UUID, INET4, INET6.</summary>
    Text,
    Binary,

    /// <summary>A text column with MariaDB's own check that it holds JSON, which is what its type JSON is.</summary>
    Json,
    Date,

    /// <summary>DATETIME, TIMESTAMP.</summary>
    DateTime,
    Time,

    /// <summary>Geometry, and what a later MariaDB brings.</summary>
    Other,
}
