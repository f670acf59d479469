using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>
/// A machine's life with the package, and with install_service.sh, in a booted container: its systemd, its dpkg, its MariaDB. The rest of its cluster are nodes of the usual kind.
/// </summary>
public sealed class InstallationTests : IAsyncDisposable
{
    private const string Secret = "a secret of the tests' clusters";
    private const string Configuration = "/etc/wolfscale/config.toml";

    private const string Longer = "makes a Debian root, boots it, and takes some minutes: runs with --long";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly List<NodeProcess> _others = [];
    private NetworkBed? _bed;
    private Container? _machine;

    private Container Machine => _machine!;

    [Fact]
    public async Task From_the_package_to_its_purge()
    {
        Assert.SkipUnless(Long.Form, Longer);
        using var folder = new TempFolder("deb");
        var package = await DebianPackage.FileAsync();
        await BootAsync(hosts: 3);
        Machine.Take(package, "/root/first.deb");
        Machine.Take(await DebianPackage.LaterAsync(folder.Path), "/root/later.deb");

        // Installed: enabled, and not started, because nobody has set it up.
        var installed = await Machine.RunAsync("dpkg -i /root/first.deb");
        Assert.Contains("sudo wolfscale init", installed, StringComparison.Ordinal);
        Assert.Equal("enabled", await Machine.RunAsync("systemctl is-enabled wolfscale"));
        Assert.Equal("disabled", (await Machine.TryAsync("systemctl is-enabled wolfscale-proxy")).Output.Trim());
        await Machine.RunAsync("systemctl start wolfscale");
        Assert.Equal("inactive", (await Machine.TryAsync("systemctl is-active wolfscale")).Output.Trim());

        // Set up, and started.
        await Machine.RunAsync($"printf '%s\\n' \"{Secret}\" >/root/secret");
        await Machine.RunAsync($"wolfscale init --node-id node-1 --advertise {Address(1)} --first --peer {Address(2)},{Address(3)} --cluster-name faults --secret-file /root/secret --db-socket /run/mysqld/mysqld.sock");
        Assert.Equal("640 root:wolfscale", await Machine.RunAsync($"stat -c '%a %U:%G' {Configuration}"));
        await Machine.RunAsync("wolfscale init --sql | mariadb");
        var valid = await Machine.RunAsync("wolfscale validate");
        Assert.Contains("is valid", valid, StringComparison.Ordinal);
        await Machine.RunAsync("systemctl start wolfscale");
        Assert.Equal("active", await Machine.RunAsync("systemctl is-active wolfscale"));
        await AwaitAsync("StatusText=LEADER, ACTIVE", "systemctl show -p StatusText wolfscale");
        await JoinOthersAsync();

        // It takes writes through its proxy.
        await Machine.RunAsync("mariadb -e \"CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'%'\"");
        await WriteAsync("CREATE TABLE orders (id INT PRIMARY KEY)", "INSERT INTO orders VALUES (1)");

        // A hung process is killed by the watchdog and started anew.
        await Machine.RunAsync("mkdir -p /run/systemd/system/wolfscale.service.d && printf '[Service]\\nWatchdogSec=4\\n' >/run/systemd/system/wolfscale.service.d/quick.conf && systemctl daemon-reload && systemctl restart wolfscale");
        await AwaitActiveAsync();
        await Machine.RunAsync("kill -STOP $(systemctl show -p MainPID --value wolfscale)");
        await AwaitAsync("NRestarts=1", "systemctl show -p NRestarts wolfscale");
        await Machine.RunAsync("rm -r /run/systemd/system/wolfscale.service.d && systemctl daemon-reload");
        await AwaitActiveAsync();

        // Another version: the lead goes elsewhere meanwhile, and what somebody wrote stays.
        await PromoteAsync("node-1");
        await Machine.RunAsync("echo 'WOLFSCALE_LOGGING__LEVEL=debug' >>/etc/default/wolfscale");
        var configuration = await Machine.RunAsync($"sha256sum {Configuration} /etc/default/wolfscale");
        await Machine.RunAsync("dpkg -i /root/later.deb");
        Assert.EndsWith("+later", await Machine.RunAsync("dpkg-query -W -f '${Version}' wolfscale"), StringComparison.Ordinal);
        Assert.Equal(configuration, await Machine.RunAsync($"sha256sum {Configuration} /etc/default/wolfscale"));
        Assert.Equal("active", await Machine.RunAsync("systemctl is-active wolfscale"));
        await AwaitActiveAsync();
        Assert.Contains("The lead went to", await Machine.RunAsync("journalctl -u wolfscale --no-pager"), StringComparison.Ordinal);
        Assert.NotEqual("node-1", (await _others[0].StatusAsync())!.Leader);
        await WriteAsync("INSERT INTO orders VALUES (2)");

        // A stop hands over and closes MariaDB.
        await PromoteAsync("node-1");
        var before = await CountAsync("The lead went to");
        await Machine.RunAsync("systemctl stop wolfscale");
        Assert.Equal(before + 1, await CountAsync("The lead went to"));
        Assert.Equal("1", await Machine.RunAsync("mariadb -Ne 'SELECT @@read_only'"));
        await Machine.RunAsync("systemctl start wolfscale");
        await AwaitActiveAsync();

        // Removed: MariaDB is open and waits for nobody; configuration and data stay.
        await PromoteAsync("node-1");
        await Machine.RunAsync("dpkg -r wolfscale");
        await AssertGivenBackAsync();
        Assert.Equal("2", await Machine.RunAsync("mariadb -Ne 'SELECT COUNT(*) FROM shop.orders'"));
        await Machine.RunAsync($"test -e {Configuration} && test -d /var/lib/wolfscale/node-1/wal && ! test -e /opt/wolfscale && ! test -e /usr/bin/wolfctl");

        // Purged: no secrets are left; the data are somebody's to delete.
        Assert.Contains("rm -r /var/lib/wolfscale", await Machine.RunAsync("dpkg -P wolfscale"), StringComparison.Ordinal);
        await Machine.RunAsync("test -d /var/lib/wolfscale/node-1/wal && ! test -e /etc/wolfscale && ! test -e /etc/default/wolfscale && ! test -e /var/log/wolfscale");
        Assert.Equal("", (await Machine.TryAsync("systemctl list-unit-files --no-legend 'wolfscale*'")).Output.Trim());
        Assert.Equal("", await Machine.RunAsync("find /etc/systemd /lib/systemd /var/lib/systemd -name 'wolfscale*'"));
    }

    [Fact]
    public async Task With_install_service_sh_twice_and_away_again()
    {
        Assert.SkipUnless(Long.Form, Longer);
        _ = await DebianPackage.FileAsync(); // the programs in artifacts/publish
        await BootAsync(hosts: 1);
        const string Install = "/src/install_service.sh node --from /src/artifacts/publish --yes --account --start";

        var rehearsed = await Machine.RunAsync($"{Install} --dry-run --node-id node-1");
        Assert.Contains("'systemctl' 'enable' 'wolfscale.service'", rehearsed, StringComparison.Ordinal);
        await Machine.RunAsync($"! test -e /opt/wolfscale && ! test -e /etc/wolfscale && ! getent passwd wolfscale");

        await Machine.RunAsync($"{Install} --node-id node-1 --advertise {Address(1)} --first");
        Assert.Equal("active", await Machine.RunAsync("systemctl is-active wolfscale"));
        Assert.Equal("640 root:wolfscale", await Machine.RunAsync($"stat -c '%a %U:%G' {Configuration}"));
        Assert.Equal("wolfscale", await Machine.RunAsync("ps -o user= -p $(systemctl show -p MainPID --value wolfscale)"));
        await AwaitAsync("StatusText=LEADER, ACTIVE", "systemctl show -p StatusText wolfscale");
        await Machine.RunAsync("mariadb -e \"CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'%'\"");
        await WriteAsync("CREATE TABLE orders (id INT PRIMARY KEY)", "INSERT INTO orders VALUES (1)");

        // Again: nothing is asked or overwritten, and what ran runs.
        var configuration = await Machine.RunAsync($"sha256sum {Configuration}");
        await Machine.RunAsync(Install);
        Assert.Equal(configuration, await Machine.RunAsync($"sha256sum {Configuration}"));
        await AwaitAsync("StatusText=LEADER, ACTIVE", "systemctl show -p StatusText wolfscale");
        await WriteAsync("INSERT INTO orders VALUES (2)");

        // A load balancer beside it, on its own ports.
        await Machine.RunAsync($"/src/install_service.sh load-balancer --from /src/artifacts/publish --yes");
        await Machine.RunAsync("echo 'OPTIONS=--listen 127.0.0.1:3406 --api 127.0.0.1:8081' >>/etc/default/wolfscale-load-balancer && systemctl start wolfscale-load-balancer");
        await AwaitAsync("leader node-1", "systemctl show -p StatusText wolfscale-load-balancer");
        Assert.Equal("2", await Machine.RunAsync("mariadb -h127.0.0.1 -P3406 -uapp -papp -Ne 'SELECT COUNT(*) FROM shop.orders'"));

        await Machine.RunAsync("/src/install_service.sh --uninstall --yes");
        await AssertGivenBackAsync();
        await Machine.RunAsync($"test -e {Configuration} && test -d /var/lib/wolfscale/node-1/wal && ! test -e /opt/wolfscale && ! test -e /usr/local/bin/wolfctl && ! test -e /etc/systemd/system/wolfscale.service");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _others)
            await node.DisposeAsync();
        if (_machine is not null)
            await _machine.DisposeAsync();
        if (_bed is not null)
            await _bed.DisposeAsync();
    }

    /// <summary>A machine with MariaDB as WolfScale needs it.</summary>
    private async Task BootAsync(int hosts)
    {
        _bed = await NetworkBed.CreateAsync(hosts);
        _machine = await Container.BootAsync(_bed.Hosts[0]);
        await Machine.RunAsync("cp /src/deploy/99-wolfscale.cnf /etc/mysql/mariadb.conf.d/ && systemctl restart mariadb");
    }

    private static string Address(int number) => string.Create(CultureInfo.InvariantCulture, $"10.77.0.{number}:7654");

    /// <summary>Two more nodes, beside the machine.</summary>
    private async Task JoinOthersAsync()
    {
        var token = await Machine.RunAsync($"sed -n 's/^token = //p' {Configuration} | cut -d' ' -f1"); // one for all, so that an operator's commands reach any node
        foreach (var host in _bed!.Hosts.Skip(1))
        {
            var node = await NodeProcess.CreateAsync(host, string.Create(CultureInfo.InvariantCulture, $"node-{host.Number}"), Secret, "faults");
            node.Settings["api.token"] = token;
            node.Settings["cluster.peers"] = $"[\"{Address(1)}\"]";
            _others.Add(node);
            await node.StartAsync();
        }
        await AwaitActiveAsync();
    }

    private async Task AwaitActiveAsync()
    {
        await AwaitAsync("ACTIVE", "systemctl show -p StatusText wolfscale");
        foreach (var node in _others)
            await node.AwaitAsync("active beside two others", s => s is { Status: "ACTIVE", Leader: not null });
        await Poll.UntilAsync("three active nodes", Patience, async () =>
        {
            var (_, members) = await _others[0].ClusterAsync();
            return members.Split("ACTIVE").Length == _others.Count + 2 ? null : members;
        });
    }

    private async Task PromoteAsync(string id)
    {
        if ((await _others[0].StatusAsync())!.Leader != id)
            await Machine.RunAsync($"wolfctl promote {id} --yes");
        await AwaitAsync("StatusText=LEADER, ACTIVE", "systemctl show -p StatusText wolfscale");
    }

    private Task<string> WriteAsync(params string[] statements) =>
        Machine.RunAsync($"mariadb -h127.0.0.1 -P3307 -uapp -papp shop -e \"{string.Join("; ", statements)}\"");

    private async Task AwaitAsync(string text, string command) => await Poll.UntilAsync($"\"{text}\" from {command}", Patience, async () =>
    {
        var result = await Machine.TryAsync(command);
        return result.Output.Contains(text, StringComparison.Ordinal) ? null : result.ToString();
    }, TimeSpan.FromMilliseconds(300));

    private async Task<int> CountAsync(string words) =>
        int.Parse((await Machine.TryAsync($"journalctl -u wolfscale --no-pager | grep -c '{words}'")).Output, CultureInfo.InvariantCulture);

    private async Task AssertGivenBackAsync()
    {
        Assert.Equal("0\t0", await Machine.RunAsync("mariadb -Ne 'SELECT @@read_only, @@rpl_semi_sync_master_enabled'"));
        // Who has gone is seen by the server a moment later.
        await AwaitAsync("none is left", "mariadb -Ne \"SELECT IF(COUNT(*) = 0, 'none is left', GROUP_CONCAT(ID, ' ', COMMAND, ' ', COALESCE(INFO, ''))) FROM information_schema.PROCESSLIST WHERE USER = 'wolfscale'\"");
        await Machine.RunAsync("timeout 20 mariadb -e 'INSERT INTO shop.orders VALUES (99); DELETE FROM shop.orders WHERE id = 99'");
    }
}
