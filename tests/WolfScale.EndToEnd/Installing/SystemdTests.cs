using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>What systemd, logrotate and MariaDB as Debian runs it must be there for, in a booted container with the package.</summary>
public sealed class SystemdTests : IAsyncDisposable
{
    private const string Own = "/etc/mysql/mariadb.conf.d/99-wolfscale.cnf";
    private const string Users = "/etc/mysql/mariadb.conf.d/60-mine.cnf";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private NetworkBed? _bed;
    private Container? _machine;

    private Container Machine => _machine!;

    [Fact]
    public async Task MariaDB_is_tuned_by_what_its_unit_may_use_and_restarted_only_when_it_would_start()
    {
        await BootAsync();
        await Machine.RunAsync($"printf '[mariadbd]\\nmax_connections = 77\\n' >{Users} && printf '# mine\\n[mariadbd]\\ntmp_table_size = 33M\\n' >{Own}");
        await Machine.RunAsync("mkdir -p /etc/systemd/system/mariadb.service.d && printf '[Service]\\nMemoryMax=600M\\n' >/etc/systemd/system/mariadb.service.d/memory.conf && systemctl daemon-reload && systemctl restart mariadb");
        await FoundAsync();
        var (pid, mine) = (await PidAsync("mariadb"), await Machine.RunAsync($"cat {Own}"));

        // MariaDB would not start: nothing is written, nothing restarted.
        await Machine.RunAsync($"echo 'no_such_variable = 1' >>{Users}");
        var refused = await Machine.TryAsync("wolfctl tune-mariadb --yes");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("no_such_variable", refused.Error.Replace('-', '_'), StringComparison.Ordinal);
        Assert.Equal((pid, mine), (await PidAsync("mariadb"), await Machine.RunAsync($"cat {Own}")));
        await Machine.RunAsync($"sed -i /no_such_variable/d {Users}");

        // Shown: what would change, by the limit of the unit.
        var shown = await Machine.RunAsync("wolfctl tune-mariadb --dry-run");
        Assert.Contains("600 MiB of memory (MemoryMax of mariadb)", shown, StringComparison.Ordinal);
        Assert.Contains("+sync_binlog = 1", shown, StringComparison.Ordinal);
        Assert.Equal((pid, mine), (await PidAsync("mariadb"), await Machine.RunAsync($"cat {Own}")));

        // Done: MariaDB runs anew, with it and with what the user wrote.
        await Machine.RunAsync("wolfctl tune-mariadb --yes");
        Assert.NotEqual(pid, await PidAsync("mariadb"));
        Assert.Equal("ON 1 ON 77 33", await Machine.RunAsync("mariadb -Ne \"SELECT CONCAT_WS(' ', @@log_bin, @@sync_binlog, @@gtid_strict_mode, @@max_connections, @@tmp_table_size >> 20)\""));
        Assert.StartsWith("# mine\n[mariadbd]\ntmp_table_size = 33M", await Machine.RunAsync($"cat {Own}"), StringComparison.Ordinal);
        Assert.Equal("288", await Machine.RunAsync("mariadb -Ne 'SELECT @@innodb_buffer_pool_size >> 20'")); // half below 2 GiB, in whole pieces of 32 MiB
        Assert.Contains("is valid", await Machine.RunAsync("wolfscale validate"), StringComparison.Ordinal);
        await Machine.RunAsync("systemctl start wolfscale");
        await AwaitAsync("StatusText=LEADER, ACTIVE", "systemctl show -p StatusText wolfscale");
        pid = await PidAsync("mariadb");
        Assert.Contains("is as it should be", await Machine.RunAsync("wolfctl tune-mariadb"), StringComparison.Ordinal); // nothing to ask
        Assert.Equal(pid, await PidAsync("mariadb"));
    }

    [Fact]
    public async Task The_log_file_is_rotated_and_both_services_go_on_in_a_new_one()
    {
        await BootAsync();
        await Machine.RunAsync("cp /src/deploy/99-wolfscale.cnf /etc/mysql/mariadb.conf.d/ && systemctl restart mariadb");
        await FoundAsync();
        await Machine.RunAsync("printf 'WOLFSCALE_LOGGING__FILE=/var/log/wolfscale/wolfscale.log\\n' >>/etc/default/wolfscale");
        await Machine.RunAsync("printf 'WOLFSCALE_LOGGING__FILE=/var/log/wolfscale/balancer.log\\nOPTIONS=--listen 127.0.0.1:3406 --peers 127.0.0.1:8080 --api 127.0.0.1:8081\\n' >>/etc/default/wolfscale-load-balancer");
        await Machine.RunAsync("systemctl start wolfscale wolfscale-load-balancer");
        await AwaitAsync("StatusText=LEADER, ACTIVE", "systemctl show -p StatusText wolfscale");
        await Machine.RunAsync("sed -i 's/^max_connections = 10000/max_connections = 55/' /etc/wolfscale/config.toml && ! grep -q 'max_connections = 10000' /etc/wolfscale/config.toml");

        await Machine.RunAsync("logrotate --force /etc/logrotate.d/wolfscale");

        foreach (var log in (string[])["wolfscale", "balancer"])
        {
            await AwaitAsync("proxy.max_connections is changed from 10000 to 55", $"cat /var/log/wolfscale/{log}.log");
            Assert.Contains("starts", await Machine.RunAsync($"cat /var/log/wolfscale/{log}.log.1"), StringComparison.Ordinal);
            Assert.DoesNotContain("read again", await Machine.RunAsync($"cat /var/log/wolfscale/{log}.log.1"), StringComparison.Ordinal);
            Assert.Equal("wolfscale:wolfscale", await Machine.RunAsync($"stat -c %U:%G /var/log/wolfscale/{log}.log"));
        }

        // Nobody holds the old ones open, which logrotate compresses the next time.
        await AwaitAsync("none", "ls -l /proc/$(systemctl show -p MainPID --value wolfscale)/fd /proc/$(systemctl show -p MainPID --value wolfscale-load-balancer)/fd | grep 'log[.]1' || echo none");

        // However wrong the configuration is by then.
        await Machine.RunAsync("echo 'nonsense' >>/etc/wolfscale/config.toml && logrotate --force /etc/logrotate.d/wolfscale");
        foreach (var log in (string[])["wolfscale", "balancer"])
            await AwaitAsync("nothing is changed", $"cat /var/log/wolfscale/{log}.log");
    }

    public async ValueTask DisposeAsync()
    {
        if (_machine is not null)
            await _machine.DisposeAsync();
        if (_bed is not null)
            await _bed.DisposeAsync();
    }

    private async Task BootAsync()
    {
        Assert.SkipUnless(Long.Form, "makes a Debian root, boots it, and takes some minutes: runs with --long");
        var package = await DebianPackage.FileAsync();
        _bed = await NetworkBed.CreateAsync(1);
        _machine = await Container.BootAsync(_bed.Hosts[0]);
        Machine.Take(package, "/root/wolfscale.deb");
        await Machine.RunAsync("dpkg -i /root/wolfscale.deb");
    }

    /// <summary>A configuration for a node alone, and its account.</summary>
    private async Task FoundAsync()
    {
        await Machine.RunAsync("wolfscale init --first --node-id node-1 --advertise 10.77.0.1:7654 --cluster-name faults --db-socket /run/mysqld/mysqld.sock");
        await Machine.RunAsync("wolfscale init --sql | mariadb");
    }

    private async Task<int> PidAsync(string unit) => int.Parse(await Machine.RunAsync($"systemctl show -p MainPID --value {unit}"), CultureInfo.InvariantCulture);

    private Task<TimeSpan> AwaitAsync(string text, string command) => Poll.UntilAsync($"\"{text}\" from {command}", Patience, async () =>
    {
        var result = await Machine.TryAsync(command);
        return result.Output.Contains(text, StringComparison.Ordinal) ? null : result.ToString();
    }, TimeSpan.FromMilliseconds(300));
}
