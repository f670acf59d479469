namespace WolfScale.Proxy;

/// <summary>Where a statement went, and why.</summary>
public enum TakenRoute
{
    /// <summary>A read, on this node's own server.</summary>
    Local,

    /// <summary>This node leads: its own server is the leader's.</summary>
    LeaderHere,
    InTransaction,
    HintLeader,

    /// <summary>It writes, locks, or depends on what its session did on the leader.</summary>
    Writes,

    /// <summary>It may write, as far as its text tells.</summary>
    MayWrite,

    /// <summary>A command that is no statement.</summary>
    OtherCommand,

    /// <summary>The account cannot be logged in on the local server, or not yet.</summary>
    AccountElsewhere,

    /// <summary>The local server cannot answer, or not in time.</summary>
    LocalNotReady,
}

/// <summary>The routes' names, for people and for metrics.</summary>
public static class TakenRoutes
{
    private static readonly (string Name, string Text)[] Names =
    [
        ("local", "local"),
        ("leader_here", "leader: this node leads"),
        ("in_transaction", "leader: in a transaction"),
        ("hint", "leader: hint"),
        ("writes", "leader: writes, locks or belongs there"),
        ("may_write", "leader: may write"),
        ("other_command", "leader: not a statement"),
        ("account", "leader: the account cannot be logged in on the local server (yet)"),
        ("local_not_ready", "leader: the local server cannot answer, or not in time"),
    ];

    public static int Count => Names.Length;

    public static IEnumerable<TakenRoute> All => Enumerable.Range(0, Count).Select(i => (TakenRoute)i);

    /// <summary>Letters and underscores.</summary>
    public static string Name(this TakenRoute route) => Names[(int)route].Name;

    /// <summary>In the words of SHOW WOLFSCALE STATUS.</summary>
    public static string Describe(this TakenRoute route) => Names[(int)route].Text;
}
