using System.Globalization;
using WolfScale.MariaDb.Connections;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Positions;

/// <summary>Reads where the server stands.</summary>
internal static class PositionReader
{
    public static async Task<ServerPosition> ReadAsync(AdminConnection server)
    {
        var row = (await server.QueryAsync(
            "SELECT @@global.gtid_binlog_pos AS binlog_pos, @@global.gtid_slave_pos AS slave_pos, @@global.server_id AS id, @@global.gtid_domain_id AS domain"))[0];
        return new ServerPosition(
            GtidPosition.Parse(row["binlog_pos"]),
            GtidPosition.Parse(row["slave_pos"]),
            uint.Parse(row["id"], CultureInfo.InvariantCulture),
            uint.Parse(row["domain"], CultureInfo.InvariantCulture),
            await HasUserDataAsync(server));
    }

    /// <summary>Rule C2: any schema of a user's counts, an empty one too, because statements that name it would fail elsewhere.</summary>
    public static async Task<bool> HasUserDataAsync(AdminConnection server) =>
        await server.ScalarAsync($"SELECT 1 FROM information_schema.SCHEMATA WHERE {UserSchemas.Are("SCHEMA_NAME")} LIMIT 1") is not null;
}
