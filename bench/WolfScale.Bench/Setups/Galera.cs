using System.Globalization;
using WolfScale.MariaDb.Local;

namespace WolfScale.Bench.Setups;

/// <summary>
/// (c) A Galera cluster of three, the load on one of its nodes. All three start from one data directory with one cluster state, so that
/// no state transfer is needed.
/// </summary>
internal sealed class Galera(string directory, string template, int basePort, bool binaryLog) : ISetup
{
    /// <summary>Where Debian's galera-4 puts it.</summary>
    public const string Provider = "/usr/lib/galera/libgalera_smm.so";

    private readonly PrivateServer[] _servers =
        [.. Enumerable.Range(0, 3).Select(i => new PrivateServer(Path.Combine(directory, $"g{i + 1}"), basePort + (i * 10), (uint)i + 1))];

    public char Key => 'c';

    public string Name => binaryLog ? "Galera, 3 nodes" : "Galera, 3 nodes, no binary log";

    private PrivateServer Primary => _servers[0];

    public IReadOnlyList<Part> Parts =>
        [.. _servers.Select((s, i) => new Part(i == 0 ? "primary" : "replicas", s.ProcessId))];

    public async Task<Target> StartAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Provider))
            throw new InvalidOperationException($"{Provider} is not there. Install Galera (apt-get install --no-install-recommends galera-4), or leave it out: --only a,b,d");

        // 1 The first node founds the cluster alone, gets the account, and stops: its folder then holds the cluster's state.
        await Servers.CreateAsync(Primary, template, Settings(0), cancellationToken);
        await Primary.StartAsync(["--wsrep-new-cluster"], cancellationToken);
        await Servers.PrepareAsync(Primary, cancellationToken);
        await Primary.StopAsync(cancellationToken: cancellationToken);

        // 2 The others get copies of it.
        for (var i = 1; i < _servers.Length; i++)
        {
            System.IO.Directory.CreateDirectory(_servers[i].Directory);
            await Servers.CopyAsync(Path.Combine(Primary.Directory, "data"), Path.Combine(_servers[i].Directory, "data"), cancellationToken);
            await _servers[i].CreateAsync(Settings(i), cancellationToken);
            foreach (var own in new[] { "gvwstate.dat", "galera.cache" })
                File.Delete(Path.Combine(_servers[i].Directory, "data", own));
        }

        // 3 The first founds it again at that state, and the others join at the same one.
        await Primary.StartAsync(["--wsrep-new-cluster"], cancellationToken);
        foreach (var server in _servers.Skip(1))
            await server.StartAsync(cancellationToken: cancellationToken);
        await AwaitSizeAsync(cancellationToken);
        return Servers.TargetOf(Primary);
    }

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        // A causal read waits until everything that the cluster has ordered is applied here.
        foreach (var server in _servers)
            await Servers.ExecuteAsync(server, "SET STATEMENT wsrep_sync_wait=1 FOR SELECT COUNT(*) FROM mysql.user", cancellationToken);
        await AwaitSizeAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    private Dictionary<string, string> Settings(int index)
    {
        var own = _servers[index];
        var settings = new Dictionary<string, string>(Servers.Ungated)
        {
            ["wsrep-on"] = "ON",
            ["wsrep-provider"] = Provider,
            ["wsrep-cluster-name"] = "bench",
            ["wsrep-cluster-address"] = "gcomm://" + string.Join(',', _servers.Select(s => $"127.0.0.1:{GroupPort(s)}")),
            ["wsrep-node-name"] = $"g{index + 1}",
            ["wsrep-node-address"] = "127.0.0.1",
            ["wsrep-slave-threads"] = "4",
            // The folders are copies already; what the first node has ordered since are changes of membership, no rows.
            ["wsrep-sst-method"] = "skip",
            ["innodb-autoinc-lock-mode"] = "2",
            ["wsrep-provider-options"] = string.Create(
                CultureInfo.InvariantCulture,
                $"\"gmcast.listen_addr=tcp://127.0.0.1:{GroupPort(own)};ist.recv_addr=127.0.0.1:{own.Port + 2};gcache.size=256M\""),
        };
        if (!binaryLog)
            settings["skip-log-bin"] = "1";
        return settings;
    }

    private static int GroupPort(PrivateServer server) => server.Port + 1;

    private async Task AwaitSizeAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        foreach (var server in _servers)
        {
            string? state = null;
            while (state != "3 Synced" && await poll.WaitForNextTickAsync(deadline.Token))
            {
                state = await Servers.TextAsync(
                    server,
                    """
                    SELECT GROUP_CONCAT(variable_value ORDER BY variable_name SEPARATOR ' ') FROM information_schema.global_status
                    WHERE variable_name IN ('wsrep_cluster_size', 'wsrep_local_state_comment')
                    """,
                    deadline.Token);
            }
        }
    }
}
