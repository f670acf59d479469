using System.Buffers.Binary;
using System.Text;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// The errors that the proxy itself answers with; everything else is the server's own, unchanged. Codes are MariaDB's where it has one for the case,
/// so that drivers treat them right. They are documented in docs/proxy.md: applications rely on them.
/// </summary>
internal static class ProxyErrors
{
    /// <summary>As the server says it.</summary>
    public static ErrPacket TooManyConnections { get; } = new(1040, "08004", "Too many connections");

    public static ErrPacket LoginTimedOut { get; } = new(1159, "08S01", "Got timeout reading communication packets");

    public const ushort NoLeaderCode = 1053;

    /// <summary>Nothing was sent to any server: trying again is safe.</summary>
    public static ErrPacket NoLeader(int waitedMs) =>
        new(NoLeaderCode, "08S01", $"WolfScale: no node accepts writes (waited {waitedMs} ms); nothing was executed, try again. `wolfctl status` tells why.");

    /// <summary>The server has not had the whole of it.</summary>
    public static ErrPacket LostWhileSent { get; } = new(NoLeaderCode, "08S01", "WolfScale: the connection to the leader was lost while the statement was being sent; nothing was executed, try again");

    /// <summary>As a server with require_secure_transport says it.</summary>
    public static ErrPacket TlsRequired { get; } = new(3159, "08004", "Connections using insecure transport are prohibited while --require_secure_transport=ON.");

    /// <summary>To another proxy that wants this node's own server to answer: as that one says it.</summary>
    public static ErrPacket HidesMore { get; } = new(1792, "25006", "WolfScale: the statement names a view that calls a function, or asks of the session: it is for the leader");

    /// <summary>To another proxy, which then asks the leader.</summary>
    public static ErrPacket ViewsNotKnown { get; } = new(1105, "HY000", "WolfScale: a view or a routine of this node's server is being changed; nothing was executed");

    /// <summary>ER_QUERY_INTERRUPTED: KILL QUERY has met the statement.</summary>
    public const ushort QueryInterrupted = 1317;

    /// <summary>As the server says it.</summary>
    public static ErrPacket Interrupted { get; } = new(QueryInterrupted, "70100", "Query execution was interrupted");

    /// <summary>To another proxy, of whose client it told.</summary>
    public static ErrPacket Killed { get; } = new(1927, "70100", Encoding.UTF8.GetString(IsKilled));

    /// <summary>By which that proxy knows <see cref="Killed"/>.</summary>
    public static ReadOnlySpan<byte> IsKilled => "WolfScale: KILL has ended the session"u8;

    public static ErrPacket NoSuchThread { get; } = new(1094, "HY000", "Unknown thread id");

    /// <summary>Different leaders gave them the same.</summary>
    public static ErrPacket SeveralClients(uint id) => new(
        1094, "HY000", $"WolfScale: several clients of this account were greeted with the id {id}, by different leaders, so none was killed; as another account, KILL takes the leader's own ids (SHOW PROCESSLIST)");

    /// <summary>As a read-only server says it: nothing was executed. Said only of what was sent to no server.</summary>
    public static ErrPacket NotLeader { get; } = new(1290, "HY000", $"{Encoding.UTF8.GetString(DoesNotLead)} any more; nothing was executed");

    /// <summary>By which another proxy knows <see cref="NotLeader"/>.</summary>
    public static ReadOnlySpan<byte> DoesNotLead => "WolfScale: this node does not lead"u8;

    /// <summary>To another proxy, which then asks elsewhere.</summary>
    public static ErrPacket NotFollowing { get; } = new(1290, "HY000", "WolfScale: this node's server does not follow, so it is not read from; nothing was executed");

    /// <summary>The transaction was rolled back, as in a deadlock: applications know what to do.</summary>
    public static ErrPacket TransactionLost { get; } =
        new(1213, "40001", "WolfScale: the leader changed and the open transaction was rolled back; try restarting transaction");

    /// <summary>SQLSTATE 08007 is the standard's "transaction resolution unknown". No driver tries again by itself.</summary>
    public static ErrPacket OutcomeUnknown { get; } =
        new(1180, "08007", "WolfScale: the connection to the leader was lost while this statement could commit. Whether it did is not known: look at the data before you repeat it.");

    /// <summary>These two tell what became of a statement, also behind a part of its answer.</summary>
    public static bool TellsOutcome(ErrPacket error) => error.Code is 1180 or 1213;

    /// <summary>A read that failed half-way through its rows.</summary>
    public static ErrPacket AnswerLost { get; } = new(1927, "08S01", "WolfScale: the server went away in the middle of its answer");

    public static ErrPacket SessionCannotMove(string why) =>
        new(1927, "70100", $"WolfScale: the leader changed and this session cannot move to the new one, because {why}; connect again.");

    public static ErrPacket StatementStayedBehind { get; } = SessionCannotMove("the statement refers to one before it that ran on the old leader");

    public static ErrPacket ServerUnreachable(string address, string reason) =>
        new(1053, "08S01", $"WolfScale: the leader's server at {address} cannot be reached: {reason}");

    /// <summary>Else anybody could pretend to come from an address that is trusted.</summary>
    public static ErrPacket ProxyProtocolRefused(System.Net.IPAddress? from) =>
        new(1130, "HY000", $"WolfScale: the PROXY protocol is accepted only from proxy.proxy_protocol_networks, and {from} is not in one of them");

    /// <summary>As a server says it of what is longer than max_allowed_packet.</summary>
    public static ErrPacket TooLong { get; } = new(1153, "08S01", "WolfScale: got a command of more than 64 KiB that is neither a statement nor its execution");

    public static ErrPacket NotSpoken(string what) => new(1047, "08S01", $"WolfScale: {what}");

    public static ErrPacket Forbidden(ReadOnlySpan<byte> variable) => ForbiddenVariables.IsTracking(variable)
        ? new(1227, "42000", $"WolfScale: {Encoding.UTF8.GetString(variable)} can be set by a statement of its own only (SET SESSION …), because the proxy must hear what other statements change")
        : new(1227, "42000", $"WolfScale: {Encoding.UTF8.GetString(variable)} cannot be set through the proxy, because the cluster's servers would differ");

    /// <summary>As the server says of what cannot be prepared: drivers then send it as text.</summary>
    public static ErrPacket NotPrepared { get; } = new(1295, "HY000", "WolfScale: this statement is the proxy's own and cannot be prepared; send it as text");

    public static ErrPacket InvalidSetting { get; } = new(
        1231, "42000", "WolfScale: write SET @wolfscale_consistency = 'eventual' | 'session' | 'strong', or SET @wolfscale_gtid = '0-1-5', as a statement of its own");

    public static ErrPacket UnknownStatement(ReadOnlySpan<byte> packet) =>
        new(1243, "HY000", $"Unknown prepared statement handler ({BinaryPrimitives.ReadUInt32LittleEndian(packet[5..])}) given to {((CommandCode)packet[4] == CommandCode.StatementExecute ? "mysqld_stmt_execute" : "mysqld_stmt")}");
}
