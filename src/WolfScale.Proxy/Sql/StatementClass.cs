namespace WolfScale.Proxy.Sql;

public enum StatementRoute : byte
{
    /// <summary>Writes, locks, depends on the session's past, or is doubtful.</summary>
    Leader,

    /// <summary>Certainly a read: any server whose data are fresh enough may answer.</summary>
    Local,
}

/// <summary>
/// <c>/* wolfscale: leader */</c>, <c>local</c> or <c>strong</c>, in any comment before, in or after the statement. The
/// <c>mariadb</c> client strips comments before it sends (<c>--comments</c> keeps them), most libraries do not.
/// Of several, the one that promises most counts.
/// </summary>
public enum RoutingHint : byte
{
    None,

    /// <summary>A read that was only doubtful, or told of one server, may be answered here. Has no effect on anything else.</summary>
    Local,
    Leader,
    Strong,
}

/// <summary>What the proxy answers itself or acts on.</summary>
public enum SpecialStatement : byte
{
    None,

    /// <summary><c>SHOW WOLFSCALE STATUS</c></summary>
    ShowWolfscaleStatus,

    /// <summary><c>SET @wolfscale_consistency = 'strong'</c>; <see cref="StatementClass.Value"/> is what stands within the quotes.</summary>
    SetConsistency,

    /// <summary><c>SET @wolfscale_gtid = '0-1-5'</c>; <see cref="StatementClass.Value"/> is what stands within the quotes, or NULL.</summary>
    SetGtidToken,

    /// <summary>
    /// One of the two in a form that is not understood (in a list, in a multi-statement, not a plain string): to be refused, because
    /// ignoring it would weaken what the client asked for.
    /// </summary>
    InvalidWolfscaleSet,

    /// <summary><c>SELECT @wolfscale_gtid [[AS] alias]</c>; <see cref="StatementClass.Value"/> is the alias, or empty.</summary>
    SelectGtidToken,

    /// <summary><c>SELECT @wolfscale_last_gtid [[AS] alias]</c>, in the same way.</summary>
    SelectLastGtid,

    /// <summary><c>SELECT @wolfscale_consistency [[AS] alias]</c>, in the same way.</summary>
    SelectConsistency,

    /// <summary>KILL; see <see cref="StatementClass.Kill"/>.</summary>
    Kill,

    /// <summary>
    /// Sets sql_log_bin, gtid_domain_id, gtid_seq_no, skip_replication or server_id, or together with something else what the server reports;
    /// <see cref="StatementClass.Value"/> is the name.
    /// </summary>
    ForbiddenSet,
}

/// <summary>What certainly ends when a statement that stands alone has worked.</summary>
public enum ReleasedLocks : byte
{
    None,

    /// <summary>UNLOCK TABLES.</summary>
    Tables,

    /// <summary><c>SELECT RELEASE_ALL_LOCKS()</c>, or DO, and nothing else.</summary>
    User,
}

public enum KillScope : byte
{
    Connection,
    Query,

    /// <summary><c>KILL QUERY ID n</c>: n is a query id, not a connection id.</summary>
    QueryId,

    /// <summary>Every connection of a user; <see cref="StatementClass.Value"/> is the user as written.</summary>
    UserConnections,
    UserQueries,
}

/// <param name="Id">0 where it is not a plain number (MariaDB allows an expression) or a user is meant.</param>
/// <param name="Soft">KILL SOFT; HARD is the default.</param>
/// <param name="IsParameter"><c>KILL ?</c>: the number comes with the execution.</param>
public readonly record struct KillTarget(KillScope Scope, ulong Id, bool Soft, bool IsParameter = false);

/// <summary>A piece of the statement's bytes.</summary>
public readonly record struct TextRange(int Start, int Length)
{
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> sql) => sql.Slice(Start, Length);
}

/// <summary>What a statement is to the proxy. Of several statements in one text: the leader if one needs it, and the union of their traits.</summary>
public readonly record struct StatementClass
{
    public StatementRoute Route { get; init; }

    public RoutingHint Hint { get; init; }

    public SpecialStatement Special { get; init; }

    public StatementTraits Traits { get; init; }

    public TextRange Value { get; init; }

    /// <summary>What the last SET NAMES … COLLATE names, or empty.</summary>
    public TextRange Collation { get; init; }

    public KillTarget Kill { get; init; }

    /// <summary>It names one of <see cref="ClassifierOptions.Views"/>, or something else by that name.</summary>
    public bool NamesHiddenView { get; init; }

    /// <summary>Of several statements it says nothing.</summary>
    public ReleasedLocks Releases { get; init; }

    /// <summary>
    /// The <c>@@</c> of the first <c>SET @@name = …</c> without a scope, or empty. Session tracking passes such an assignment over, while <c>SET name = …</c> does the same
    /// and is reported (MariaDB 10.11, measured).
    /// </summary>
    public TextRange Unscoped { get; init; }

    public bool Has(StatementTraits trait) => (Traits & trait) != 0;
}
