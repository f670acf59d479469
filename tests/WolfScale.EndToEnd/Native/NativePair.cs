using WolfScale.EndToEnd.Harness;
using WolfScale.MariaDb.Local;

namespace WolfScale.EndToEnd.Native;

/// <summary>
/// Two plain MariaDB servers, the second a replica of the first by MariaDB's own GTID replication, without any WolfScale: the control.
/// What differs here differs because of MariaDB or because of the workload, so the workload must come out identical here first.
/// </summary>
public sealed class NativePair : IAsyncLifetime
{
    private const string ReplicationUser = "repl";
    private readonly TempFolder _folder = new("pair");
    private PrivateServer? _primary;
    private PrivateServer? _replica;

    internal SqlServer Primary => Describe("primary", _primary!);

    internal SqlServer Replica => Describe("replica", _replica!);

    internal IReadOnlyList<SqlServer> Servers => [Primary, Replica];

    /// <summary>Settings of a server that nobody manages: writable, no semi-sync, otherwise as WolfScale wants it.</summary>
    internal static IReadOnlyDictionary<string, string> Unmanaged { get; } = new Dictionary<string, string>
    {
        ["read-only"] = "0",
        ["rpl-semi-sync-master-enabled"] = "OFF",
        ["local-infile"] = "1",
    };

    internal static SqlServer Describe(string name, PrivateServer server) => new(name, "127.0.0.1", server.Port, server.Socket);

    public async ValueTask InitializeAsync()
    {
        var port = Ports.FreeRange(20);
        _primary = new PrivateServer(Path.Combine(_folder.Path, "a"), port, 1);
        _replica = new PrivateServer(Path.Combine(_folder.Path, "b"), port + 10, 2);
        foreach (var server in new[] { _primary, _replica })
        {
            await server.CreateAsync(Unmanaged);
            await server.StartAsync();
        }
        await AttachAsync(Replica, Primary);
    }

    /// <summary>Makes <paramref name="replica"/> an asynchronous GTID replica of <paramref name="source"/>, from its first transaction on.</summary>
    internal static async Task AttachAsync(SqlServer replica, SqlServer source)
    {
        await source.RunAsync(
            $"CREATE USER {ReplicationUser}@'127.0.0.1' IDENTIFIED BY 'repl'",
            $"GRANT REPLICATION SLAVE ON *.* TO {ReplicationUser}@'127.0.0.1'");
        await replica.RunAsync(
            $"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.Port}, MASTER_USER='{ReplicationUser}', MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1",
            "START SLAVE");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in new[] { _replica, _primary })
        {
            if (server is not null)
                await server.DisposeAsync();
        }
        _folder.Dispose();
    }
}
