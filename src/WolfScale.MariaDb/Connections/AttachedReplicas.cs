using System.Collections.Immutable;
using System.Globalization;
using MySqlConnector;

namespace WolfScale.MariaDb.Connections;

/// <summary>The replicas that fetch from this server, from SHOW SLAVE HOSTS: WolfScale's own captures, and others.</summary>
internal static class AttachedReplicas
{
    /// <summary>Captures register with ids from here on (one fresh id for every connection).</summary>
    private const uint FirstOwnServerId = 0xE000_0000;

    /// <summary>How many are ours: one while capture is attached, and what an earlier life of the node has left, until the server notices.</summary>
    public static async Task<int> CountOwnAsync(AdminConnection server, ServerFacts facts) =>
        (await ListAsync(server, facts)).Count(IsOwn);

    public static async Task<ImmutableArray<string>> ForeignHostsAsync(AdminConnection server, ServerFacts facts) =>
        [.. (await ListAsync(server, facts)).Where(r => !IsOwn(r)).Select(r => $"{(r["Host"].Length > 0 ? r["Host"] : "an unnamed host")} (server_id {r["Server_id"]})")];

    private static async Task<IReadOnlyList<Row>> ListAsync(AdminConnection server, ServerFacts facts)
    {
        if (!facts.Version.IsMariaDb)
            return [];
        try
        {
            return await server.QueryAsync("SHOW SLAVE HOSTS");
        }
        catch (MySqlException e) when (e.Number == ServerErrors.AccessDenied)
        {
            return []; // The missing privilege is reported as such.
        }
    }

    private static bool IsOwn(Row replica) =>
        uint.TryParse(replica["Server_id"], CultureInfo.InvariantCulture, out var id) && id >= FirstOwnServerId;
}
