using System.Globalization;
using System.Text;
using WolfScale.MariaDb.Local;

namespace WolfScale.Bench.Setups;

/// <summary>
/// (c) A Galera cluster of three, the load on one of its nodes. All three start from one data directory with one cluster state, so that
/// no state transfer (and none of the programs for one) is needed.
/// </summary>
internal sealed class Galera(string directory, string template, int basePort, bool binaryLog) : ISetup
{
    /// <summary>Where Debian's galera-4 puts it.</summary>
    public const string Provider = "/usr/lib/galera/libgalera_smm.so";

    private readonly PrivateServer[] _servers =
        [.. Enumerable.Range(0, 3).Select(i => new PrivateServer(Path.Combine(directory, $"g{i + 1}"), basePort + (i * 10), (uint)i + 1))];

    public char Key => 'c';

    public string Name => binaryLog ? "Galera, 3 nodes, with binary log" : "Galera, 3 nodes";

    private PrivateServer Primary => _servers[0];

    public IReadOnlyList<Part> Parts =>
        [.. _servers.Select((s, i) => new Part(i == 0 ? "primary" : "replicas", s.ProcessId))];

    public async Task<Target> StartAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Provider))
        {
            throw new InvalidOperationException(
                $"{Provider} is not there. Install Galera (apt-get install --no-install-recommends galera-4), or leave it out: --only a,b,d");
        }

        // 1 The first node founds the cluster alone, gets the account, and stops: its folder then holds the cluster's state.
        await Servers.CreateAsync(Primary, template, Settings(0), cancellationToken);
        await Primary.StartAsync(["--wsrep-new-cluster"], cancellationToken);
        await Servers.PrepareAsync(Primary, cancellationToken);
        await Primary.StopAsync(cancellationToken: cancellationToken);

        // 2 The others get copies of it, and each gets the file that tells a node of a cluster that went down whole who belonged to it.
        var identities = Array.ConvertAll(_servers, _ => Guid.NewGuid());
        for (var i = 0; i < _servers.Length; i++)
        {
            var data = Path.Combine(_servers[i].Directory, "data");
            if (i > 0)
            {
                _ = System.IO.Directory.CreateDirectory(_servers[i].Directory);
                await Servers.CopyAsync(Path.Combine(Primary.Directory, "data"), data, cancellationToken);
                await _servers[i].CreateAsync(Settings(i), cancellationToken);
            }

            await File.WriteAllTextAsync(Path.Combine(data, "gvwstate.dat"), LastView(identities, i), cancellationToken);
        }

        // 3 All three start at one time, find one another, and restore the cluster where all stand equal (pc.recovery).
        await Task.WhenAll(_servers.Select(s => s.StartAsync(cancellationToken: cancellationToken)));
        await AwaitSyncedAsync(cancellationToken);
        return Servers.TargetOf(Primary);
    }

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        // A causal read waits until everything that the cluster has ordered is applied here.
        foreach (var server in _servers)
            await Servers.ExecuteAsync(server, "SET STATEMENT wsrep_sync_wait=1 FOR SELECT COUNT(*) FROM mysql.user", cancellationToken);
        await AwaitSyncedAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    /// <summary>Galera's gvwstate.dat: the last primary view, and which of its members this node was.</summary>
    private static string LastView(Guid[] members, int self)
    {
        var view = new StringBuilder();
        _ = view.Append(CultureInfo.InvariantCulture, $"my_uuid: {members[self]}\n#vwbeg\nview_id: 3 {members[0]} 1\nbootstrap: 0\n");
        foreach (var member in members)
            _ = view.Append(CultureInfo.InvariantCulture, $"member: {member} 1\n");
        return view.Append("#vwend\n").ToString();
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

    private async Task AwaitSyncedAsync(CancellationToken cancellationToken)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        foreach (var server in _servers)
        {
            while (true)
            {
                var state = await StatusAsync(server, "wsrep_local_state_comment");
                var size = await StatusAsync(server, "wsrep_cluster_size");
                if (state == "Synced" && size == "3")
                    break;
                if (TimeProvider.System.GetTimestamp() > deadline)
                {
                    throw new InvalidOperationException(
                        $"Galera's node on port {server.Port} is {state} in a cluster of {size}; 3 synced nodes were expected. Its log ends:\n"
                        + server.LogTail());
                }

                _ = await poll.WaitForNextTickAsync(cancellationToken);
            }
        }
    }

    private static Task<string> StatusAsync(PrivateServer server, string name) =>
        Servers.StatusAsync(server, name);
}
