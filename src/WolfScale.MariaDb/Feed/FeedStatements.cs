using System.Globalization;
using WolfScale.Protocol;
using WolfScale.Protocol.Responses;

namespace WolfScale.MariaDb;

/// <summary>
/// The statements a MariaDB replica sends to its master, and the answers. It sends them in this order: <c>SET NAMES latin1</c> (on a reconnect
/// only) · <c>SELECT UNIX_TIMESTAMP()</c> · <c>SHOW VARIABLES LIKE 'SERVER_ID'</c> · SETs of its user variables, and between them
/// <c>SELECT @master_binlog_checksum</c> and <c>SELECT @@GLOBAL.gtid_domain_id</c> · <c>SHOW VARIABLES LIKE 'rpl_semi_sync_master_enabled'</c>.
/// On STOP SLAVE it kills its own dump from another connection: <c>KILL n</c>, with the connection id of the greeting.
/// </summary>
internal static class FeedStatements
{
    /// <summary>Writes the answer.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="settings">Takes what the replica says about itself.</param>
    /// <param name="serverId">Our own server id; must differ from the replica's.</param>
    /// <param name="now">For <c>UNIX_TIMESTAMP()</c>.</param>
    /// <param name="kill">Ends the connection with this id.</param>
    /// <param name="writer">The answer's packets; the sequence number is set.</param>
    /// <returns>False for a statement that is not known: the answer is then an error.</returns>
    public static bool Answer(string sql, ReplicaSettings settings, uint serverId, DateTimeOffset now, Action<uint> kill, PacketWriter writer)
    {
        if (TryParseSet(sql, out var name, out var value))
        {
            if (!settings.TrySet(name, value))
                return Unknown(writer);
            OkPacket.WriteEmpty(writer);
        }
        else if (Begins(sql, "SET NAMES ") || Begins(sql, "SET character_set") || Begins(sql, "SET SESSION "))
        {
            OkPacket.WriteEmpty(writer);
        }
        else if (Begins(sql, "KILL ") && uint.TryParse(sql.AsSpan("KILL ".Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var connectionId))
        {
            kill(connectionId);
            OkPacket.WriteEmpty(writer);
        }
        else if (Holds(sql, "UNIX_TIMESTAMP()"))
        {
            TextResultSet.Write(writer, ["UNIX_TIMESTAMP()"], [now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)]);
        }
        else if (Holds(sql, "'SERVER_ID'"))
        {
            TextResultSet.Write(writer, ["Variable_name", "Value"], ["server_id", serverId.ToString(CultureInfo.InvariantCulture)]);
        }
        else if (Begins(sql, "SELECT @master_binlog_checksum"))
        {
            TextResultSet.Write(writer, ["@master_binlog_checksum"], ["CRC32"]);
        }
        else if (Holds(sql, "@@GLOBAL.gtid_domain_id"))
        {
            TextResultSet.Write(writer, ["@@GLOBAL.gtid_domain_id"], ["0"]);
        }
        else if (Holds(sql, "'rpl_semi_sync_master_enabled'"))
        {
            // "ON" makes the replica expect semi-sync headers, and with them it applies events that bear its own server_id.
            TextResultSet.Write(writer, ["Variable_name", "Value"], ["rpl_semi_sync_master_enabled", "ON"]);
        }
        else
        {
            return Unknown(writer);
        }

        return true;
    }

    /// <summary><c>SET @name= value</c>, one variable; quotes around the value are taken off.</summary>
    private static bool TryParseSet(string sql, out string name, out string value)
    {
        name = value = "";
        if (!Begins(sql, "SET @") || sql.StartsWith("SET @@", StringComparison.OrdinalIgnoreCase) || sql.IndexOf('=', StringComparison.Ordinal) is var equals && equals < 0)
            return false;
        name = sql["SET @".Length..equals].Trim();
        value = sql[(equals + 1)..].Trim().TrimEnd(';').Trim('\'', '"');
        return true;
    }

    private static bool Unknown(PacketWriter writer)
    {
        new ErrPacket(1064, "42000", "WolfScale's feed answers what a MariaDB replica asks, and nothing else.").Write(writer);
        return false;
    }

    private static bool Begins(string sql, string text) => sql.StartsWith(text, StringComparison.OrdinalIgnoreCase);

    private static bool Holds(string sql, string text) => sql.Contains(text, StringComparison.OrdinalIgnoreCase);
}
