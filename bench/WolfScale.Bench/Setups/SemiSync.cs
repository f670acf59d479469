using WolfScale.MariaDb.Local;

namespace WolfScale.Bench.Setups;

/// <summary>
/// (b) MariaDB's own semi-synchronous replication, AFTER_SYNC, with two replicas by GTID and parallel apply. The primary waits for the
/// first of the two, never falls back to asynchronous, and every server syncs its binary log and its redo log at each commit.
/// </summary>
internal sealed class SemiSync(string directory, string template, int basePort) : ISetup
{
    private readonly PrivateServer[] _servers =
        [.. Enumerable.Range(0, 3).Select(i => new PrivateServer(Path.Combine(directory, $"s{i + 1}"), basePort + (i * 10), (uint)i + 1))];

    public char Key => 'b';

    public string Name => "native semi-sync, 2 replicas";

    private PrivateServer Primary => _servers[0];

    private IEnumerable<PrivateServer> Replicas => _servers.Skip(1);

    public IReadOnlyList<Part> Parts =>
        [.. _servers.Select((s, i) => new Part(i == 0 ? "primary" : "replicas", s.ProcessId))];

    public async Task<Target> StartAsync(CancellationToken cancellationToken)
    {
        foreach (var server in _servers)
        {
            var isReplica = server != Primary;
            var settings = new Dictionary<string, string>(Servers.Ungated)
            {
                ["read-only"] = isReplica ? "1" : "0",
                ["rpl-semi-sync-slave-enabled"] = isReplica ? "ON" : "OFF",
            };
            await Servers.CreateAsync(server, template, settings, cancellationToken);
            await server.StartAsync(cancellationToken: cancellationToken);
        }

        await Servers.PrepareAsync(Primary, cancellationToken);
        await Servers.ExecuteAsync(Primary, "CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'repl'", cancellationToken);
        await Servers.ExecuteAsync(Primary, "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'", cancellationToken);
        foreach (var replica in Replicas)
        {
            await Servers.ExecuteAsync(
                replica,
                $"CHANGE MASTER TO master_host='127.0.0.1', master_port={Primary.Port}, master_user='repl', master_password='repl', "
                + "master_use_gtid=slave_pos",
                cancellationToken);
            await Servers.ExecuteAsync(replica, "START SLAVE", cancellationToken);
        }

        await Servers.ExecuteAsync(Primary, "SET GLOBAL rpl_semi_sync_master_enabled=ON", cancellationToken);
        await AwaitClientsAsync(cancellationToken);
        return Servers.TargetOf(Primary);
    }

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        var position = await Servers.TextAsync(Primary, "SELECT @@gtid_binlog_pos", cancellationToken);
        foreach (var replica in Replicas)
        {
            if (await Servers.TextAsync(replica, $"SELECT MASTER_GTID_WAIT('{position}', 55)", cancellationToken) != "0")
            {
                throw new InvalidOperationException(
                    $"The replica on port {replica.Port} did not reach {position} within 55 s. Its log ends:\n{replica.LogTail()}");
            }
        }

        await AwaitClientsAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    /// <summary>Returns when both replicas acknowledge semi-synchronously, and fails where MariaDB has fallen back to asynchronous.</summary>
    private async Task AwaitClientsAsync(CancellationToken cancellationToken)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (30 * TimeProvider.System.TimestampFrequency);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await StatusAsync("Rpl_semi_sync_master_clients") is var clients && clients != "2")
        {
            if (TimeProvider.System.GetTimestamp() > deadline)
                throw new InvalidOperationException($"{clients} of 2 replicas acknowledge to the primary. Its log ends:\n{Primary.LogTail()}");
            _ = await poll.WaitForNextTickAsync(cancellationToken);
        }

        if (await StatusAsync("Rpl_semi_sync_master_status") is var status && status != "ON")
        {
            throw new InvalidOperationException(
                $"Semi-synchronous replication is {status} on the primary; the figures would be those of asynchronous replication.");
        }
    }

    private Task<string> StatusAsync(string name) =>
        Servers.StatusAsync(Primary, name);
}
