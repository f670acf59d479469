using System.Globalization;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.Conformance.Harness;

/// <summary>Where a program connects to.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Host">Address.</param>
/// <param name="Port">TCP port.</param>
public sealed record Target(string Name, string Host, int Port);

/// <summary>
/// One cluster for all clients. Its servers speak TLS with the proxies' certificate and have the plugin of <c>ed25519</c> accounts, so that what
/// the proxy offers can be asked of MariaDB too.
/// </summary>
public abstract class ConformanceCluster(params string[] settings) : IAsyncLifetime
{
    public const string User = "conf";
    public const string OtherUser = "conf_other";
    public const string Ed25519User = "conf_ed25519";

    /// <summary>32 bytes: then MariaDB's signature is that of standard Ed25519 with the password as its seed, which clients without a plugin can make.</summary>
    public const string Password = "0123456789abcdef0123456789ABCDEF";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly SemaphoreSlim Starting = new(1);

    /// <summary>Without the folder that another cluster has put in front.</summary>
    private static readonly string OriginalPath = Environment.GetEnvironmentVariable("PATH") ?? "";

    private readonly TempFolder _folder = new("conf");
    private DemoCluster? _cluster;
    private DemoNode? _leader;

    internal string AuthorityFile { get; private set; } = "";

    public string Folder => _folder.Path;

    /// <summary>Clients are greeted by the proxy and not by a server.</summary>
    internal virtual bool IsPooled => false;

    /// <summary>The leader's server itself, its proxy, and that of a follower.</summary>
    internal (Target Direct, Target Leader, Target Follower) Targets { get; private set; }

    public async ValueTask InitializeAsync()
    {
        try
        {
            var certificates = await Certificates.CreateAsync(_folder.Path, "conf");
            AuthorityFile = certificates.AuthorityFile;
            await Starting.WaitAsync(); // the PATH is the process's
            try
            {
                PutServerOnPath(certificates);
                _cluster = await DemoCluster.StartAsync(3, [$"proxy.tls_cert={certificates.CertificateFile}", $"proxy.tls_key={certificates.KeyFile}", .. settings]);
            }
            finally
            {
                _ = Starting.Release();
            }

            await _cluster.AwaitHealthyAsync();
            _leader = await _cluster.LeaderAsync();
            var follower = _cluster.Facts.Nodes.First(n => n.Id != _leader.Id);
            Targets = (
                new("MariaDB", _leader.MariaDb.Host, _leader.MariaDb.Port),
                new("leader's proxy", _leader.Proxy.Host, _leader.Proxy.Port),
                new("follower's proxy", follower.Proxy.Host, follower.Proxy.Port));
            await _leader.Server.RunAsync(
            [
                $"CREATE USER {User}@'%' IDENTIFIED BY '{Password}'",
                $"CREATE USER {OtherUser}@'%' IDENTIFIED BY '{Password}'",
                $"CREATE USER {Ed25519User}@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{Password}')",
                .. ((string[])[User, OtherUser, Ed25519User]).Select(u => $"GRANT ALL ON `conf\\_%`.* TO {u}@'%'"),
            ]);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the client's database new, on every server.</summary>
    internal async Task ResetAsync(string database)
    {
        var schema = await File.ReadAllTextAsync(Path.Combine(ClientPrograms.Folder, "schema.sql"));
        var file = Path.Combine(Folder, $"{database}.sql");
        await File.WriteAllTextAsync(file, schema.Replace("DATABASE_NAME", database, StringComparison.Ordinal));
        var made = await Command.RunAsync(
            "mariadb", ["--no-defaults", "--socket", _leader!.Server.Socket, "--user", "root", "--default-character-set", "utf8mb4", "--execute", $"source {file}"], Patience);
        Assert.True(made.ExitCode == 0, $"{database} could not be made: {made}");
        var position = await _leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos");
        foreach (var node in _cluster!.Facts.Nodes.Where(n => n.Id != _leader.Id))
        {
            var reached = await node.Server.ScalarAsync(string.Create(CultureInfo.InvariantCulture, $"SELECT MASTER_GTID_WAIT('{position}', {Patience.TotalSeconds})"));
            Assert.True(reached == "0", $"{node.Id} has not reached {position}.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is { } cluster)
        {
            _cluster = null;
            await cluster.DisposeAsync();
        }

        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The demo takes <c>mariadbd</c> from the PATH: what it finds first is the installed one with some more settings.</summary>
    private void PutServerOnPath(Certificates certificates)
    {
        var path = OriginalPath.Split(':');
        var server = path.Append("/usr/sbin").Append("/usr/local/sbin").Select(f => Path.Combine(f, "mariadbd")).First(File.Exists);
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "bin")).FullName;
        var script = Path.Combine(folder, "mariadbd");
        File.WriteAllText(script, $"""
            #!/bin/sh
            exec {server} "$@" --ssl-cert={certificates.CertificateFile} --ssl-key={certificates.KeyFile} \
              --plugin-dir={PluginFolder()} --plugin-load-add=auth_ed25519 --max-allowed-packet=64M

            """);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{folder}:{string.Join(':', path)}");
    }

    /// <summary>Debian keeps the plugin in <c>mariadb-server</c>, which starts a service; <c>run.sh</c> unpacks that package instead of installing it.</summary>
    private static string PluginFolder() =>
        ((string[])["/usr/lib/mysql/plugin", Path.Combine(Repository.Root, "artifacts/clients/mariadb-server/usr/lib/mysql/plugin")])
            .FirstOrDefault(f => File.Exists(Path.Combine(f, "auth_ed25519.so")))
        ?? throw new InvalidOperationException("auth_ed25519.so is missing. Run the tests through ./run.sh test, which fetches what the clients need.");
}

/// <summary>As it is without a setting.</summary>
public sealed class PlainCluster() : ConformanceCluster;

/// <summary>With pooled connections. No client is parked: ROW_COUNT() of a program that is slow would tell of it (docs/proxy.md).</summary>
public sealed class PooledCluster() : ConformanceCluster("proxy.pool_connections=20", "proxy.pool_idle_ms=0")
{
    internal override bool IsPooled => true;
}
