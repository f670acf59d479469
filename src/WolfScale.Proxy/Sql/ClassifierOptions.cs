namespace WolfScale.Proxy.Sql;

/// <summary>What the session knows and a statement's meaning depends on. The default is a fresh utf8 session with MariaDB 10.11.</summary>
public readonly record struct ClassifierOptions
{
    public ClientCharset Charset { get; init; }

    /// <summary><c>sql_mode</c> has NO_BACKSLASH_ESCAPES (status bit 0x0200 of every OK packet).</summary>
    public bool NoBackslashEscapes { get; init; }

    /// <summary><c>sql_mode</c> has ANSI_QUOTES.</summary>
    public bool AnsiQuotes { get; init; }

    /// <summary>
    /// The leader's version as in executable comments, 101119 for 10.11.19; 0 is taken for 101100. A statement whose text depends on a
    /// version later than 10.5 goes to the leader in any case, because the servers of a cluster may differ.
    /// </summary>
    public int ServerVersion { get; init; }

    /// <summary>The session has temporary tables; they are on the leader only, and any name may be one of them.</summary>
    public bool HasTemporaryTables { get; init; }

    /// <summary>Null or empty: none is known.</summary>
    public HiddenViews? Views { get; init; }

    /// <summary>The default schema is information_schema, performance_schema, mysql or sys: a name without a schema may tell of one server.</summary>
    public bool InSystemSchema { get; init; }
}
