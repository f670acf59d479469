using System.Globalization;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Roles;

/// <summary>What the server says of its two gates: whether it takes writes, and whether commits wait for the quorum.</summary>
/// <param name="IsOpen"><c>read_only</c> is off.</param>
/// <param name="SemiSyncEnabled">Commits wait for an ACK.</param>
/// <param name="SemiSyncStatusOn">The server has not given up waiting.</param>
/// <param name="SemiSyncClients">Attached semi-sync replicas; must be 1, ours, while we lead.</param>
/// <param name="WaitingSessions">Commits that wait now.</param>
/// <param name="Logs">It writes its binary log: without that nothing waits.</param>
internal sealed record GateStatus(bool IsOpen, bool SemiSyncEnabled, bool SemiSyncStatusOn, int SemiSyncClients, int WaitingSessions, bool Logs = true)
{
    /// <summary>Open, and no commit can end without an ACK.</summary>
    public bool HoldsCommits => IsOpen && SemiSyncEnabled && SemiSyncStatusOn && Logs;
}

/// <summary>The server's write gate: <c>read_only</c> and semi-sync.</summary>
internal static class WriteGate
{
    public static async Task<GateStatus> StatusAsync(AdminConnection server)
    {
        var row = (await server.QueryAsync("SELECT @@global.read_only AS ro, @@global.rpl_semi_sync_master_enabled AS ss"))[0];
        var status = (await server.QueryAsync("SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_master\\_%'"))
            .ToDictionary(r => r["Variable_name"].ToLowerInvariant(), r => r["Value"]);
        return new GateStatus(
            IsOpenValue(row["ro"]),
            row["ss"] is "1" or "ON",
            status.GetValueOrDefault("rpl_semi_sync_master_status") == "ON",
            Number(status, "rpl_semi_sync_master_clients"),
            Number(status, "rpl_semi_sync_master_wait_sessions"),
            await BinaryLog.IsOnAsync(server));
    }

    public static async Task<bool> IsOpenAsync(AdminConnection server) => IsOpenValue(await server.ScalarAsync("SELECT @@global.read_only") ?? "");

    /// <summary>Every commit waits for an ACK from now on; without a replica too, and for ever.</summary>
    public static async Task EnableSemiSyncAsync(AdminConnection server)
    {
        await server.ExecuteAsync(
            $"SET GLOBAL rpl_semi_sync_master_timeout = {Preflight.RestartRules.LongestTimeout}, GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC, "
            + "GLOBAL rpl_semi_sync_master_wait_no_slave = ON");
        await server.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled = ON");
    }

    /// <summary>Commits that wait are released and committed at once (measured): only where no client can be told OK any more.</summary>
    public static Task DisableSemiSyncAsync(AdminConnection server) => server.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF");

    public static Task OpenAsync(AdminConnection server) => server.ExecuteAsync("SET GLOBAL read_only = 0");

    private static bool IsOpenValue(string readOnly) => readOnly.ToUpperInvariant() is "0" or "OFF";

    private static int Number(Dictionary<string, string> status, string name) =>
        int.TryParse(status.GetValueOrDefault(name), CultureInfo.InvariantCulture, out var value) ? value : 0;
}
