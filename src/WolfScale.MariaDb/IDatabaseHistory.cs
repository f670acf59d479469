namespace WolfScale.MariaDb;

/// <summary>Where the MariaDB side tells what it has done with the server. Never blocks and never throws.</summary>
public interface IDatabaseHistory
{
    /// <summary>Transactions that the cluster never committed are saved, before anything is done about them.</summary>
    void Diverged(RewoundTail tail);

    /// <summary>They are rolled back.</summary>
    void Rewound(RewoundTail tail);
}

/// <summary>What a server held and the cluster did not.</summary>
/// <param name="File">Where it is saved; <c>mariadb-binlog</c> reads it.</param>
/// <param name="Groups">How many transactions.</param>
/// <param name="Ancestor">The GTID position up to which server and cluster agree.</param>
/// <param name="End">The server's GTID position with them.</param>
public sealed record RewoundTail(string File, int Groups, string Ancestor, string End);
