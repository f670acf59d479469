using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>
/// A new user's hour: three machines with nothing but Debian and MariaDB, the package, and the chapters "three servers", "moving in" and "installation", whose commands are run as they stand there. One of the
/// machines has a database already.
/// </summary>
public sealed class NewUsersHourTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly List<Container> _machines = [];
    private NetworkBed? _bed;

    [Fact]
    public async Task The_document_leads_from_three_machines_to_a_cluster_and_through_its_life()
    {
        Assert.SkipUnless(Long.Form, "boots three Debian roots and takes some minutes: runs with --long");
        using var folder = new TempFolder("deb");
        var (package, later) = (await DebianPackage.FileAsync(), await DebianPackage.LaterAsync(folder.Path));
        _bed = await NetworkBed.CreateAsync(3);
        foreach (var host in _bed.Hosts)
        {
            var machine = await Container.BootAsync(host);
            _machines.Add(machine);
            machine.Take(package, $"/root/{Path.GetFileName(package)}");
            await InstallationGuide.PrepareAsync(machine);
        }

        await Machine(1).RunAsync("mariadb -e \"CREATE DATABASE old; USE old; CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(50)); INSERT INTO customers SELECT seq, CONCAT('customer ', seq) FROM seq_1_to_5000\"");

        // Three nodes, step by step.
        await OnAllAsync("**1. The package**");
        await OnAllAsync("**2. MariaDB's settings**");
        await TypeAsync(1, "**3. The first node.**");
        await AwaitStatusAsync(1, "LEADER, ACTIVE");
        foreach (var number in (int[])[2, 3])
        {
            await InstallationGuide.ShareAsync(Machine(1), _bed.Hosts[0], Machine(number));
            await TypeAsync(number, "**4. The others**", withoutLastLine: true); // as "moving in" says
        }

        foreach (var number in (int[])[2, 3])
        {
            await AwaitStatusAsync(number, "NEEDS_MIGRATION"); // they have nothing of the old database
            await TypeAsync(number, "## The server becomes the first node");
        }

        await AwaitClusterAsync(active: 3);
        Assert.Equal("5000", await Machine(3).RunAsync("mariadb -Ne 'SELECT COUNT(*) FROM old.customers'"));

        // Applications.
        await TypeAsync(1, "**5. An application's account and database**");
        await TypeAsync(2, "**6. Applications**");
        var client = InstallationGuide.Commands("**6. Applications**", 2).Split(" -e ")[0];
        Assert.Equal("Ada", await Machine(3).RunAsync($"{client} -Ne 'SELECT who FROM orders'"));

        // What systemd thinks of it; and MariaDB tuned on a leader's machine, which hands over first.
        await Machine(1).RunAsync("systemd-analyze security --no-pager --threshold=20 wolfscale");
        await Machine(1).RunAsync("wolfctl promote node-1 --yes");
        var before = await Machine(1).RunAsync("systemctl show -p MainPID --value mariadb");
        Assert.Contains("+innodb_buffer_pool_size", await Machine(1).RunAsync("wolfctl tune-mariadb --memory 700M --yes"), StringComparison.Ordinal);
        Assert.NotEqual(before, await Machine(1).RunAsync("systemctl show -p MainPID --value mariadb"));
        Assert.NotEqual(1, await LeaderAsync());
        await AwaitClusterAsync(active: 3);

        // A machine loses its power: another leads, the dashboard says so, and it comes back by itself.
        await Machine(1).RunAsync("wolfctl promote node-1 --yes");
        await AwaitStatusAsync(1, "LEADER, ACTIVE");
        await Machine(1).CutPowerAsync();
        await Machine(2).RunAsync($"{client} -e \"INSERT INTO orders (id, who) VALUES (2, 'Bob')\"");
        Assert.Contains("<title>", await AskAsync(2, "/"), StringComparison.Ordinal);
        await AwaitPictureAsync(2, "\"leader\":\"node-", "\"silent\":{\"node-1\"");
        await Machine(1).PowerOnAsync();
        await AwaitClusterAsync(active: 3);
        Assert.Equal("1\n2", await Machine(1).RunAsync("mariadb -Ne 'SELECT id FROM shop.orders ORDER BY id'"));

        // Upgraded, the leader last.
        var leader = await LeaderAsync();
        foreach (var number in Enumerable.Range(1, 3).OrderBy(n => n == leader))
        {
            Machine(number).Take(later, "/root/wolfscale_NEW_amd64.deb");
            await TypeAsync(number, "## Upgrade");
            Assert.EndsWith("+later", await Machine(number).RunAsync("dpkg-query -W -f '${Version}' wolfscale"), StringComparison.Ordinal);
            await AwaitClusterAsync(active: 3);
        }

        await Machine(3).RunAsync($"{client} -e \"INSERT INTO orders (id, who) VALUES (3, 'Eve')\"");

        // One leaves, and has its MariaDB for itself.
        await Machine(3).RunAsync("wolfctl leave --yes");
        await TypeAsync(3, "## Remove");
        Assert.Equal("0\t3", await Machine(3).RunAsync("timeout 20 mariadb -Ne 'INSERT INTO shop.orders (id) VALUES (99); DELETE FROM shop.orders WHERE id = 99; SELECT @@read_only, (SELECT COUNT(*) FROM shop.orders)'"));
        await AwaitClusterAsync(active: 2);
        await Machine(2).RunAsync("mariadb -h 127.0.0.1 -P 3307 -u app -pchoose-one shop -e 'INSERT INTO orders (id) VALUES (4)'");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in _machines)
            await machine.DisposeAsync();
        if (_bed is not null)
            await _bed.DisposeAsync();
    }

    private Container Machine(int number) => _machines[number - 1];

    private Task OnAllAsync(string words) => Task.WhenAll(Enumerable.Range(1, _machines.Count).Select(n => TypeAsync(n, words)));

    /// <summary>Runs a block of the document. Looks at how things stand are looks: they may tell of a node that is still beginning.</summary>
    private async Task TypeAsync(int number, string words, bool withoutLastLine = false)
    {
        var typed = InstallationGuide.Commands(words, number).TrimEnd().Split('\n');
        var lines = typed[..^(withoutLastLine ? 1 : 0)].Select(l => l.StartsWith("wolfctl status", StringComparison.Ordinal) || l.StartsWith("wolfctl list", StringComparison.Ordinal) ? l.Split('#')[0] + " || true" : l);
        await Machine(number).RunAsync("set -euo pipefail\ncd /root\n" + string.Join('\n', lines));
    }

    private Task<TimeSpan> AwaitStatusAsync(int number, string text) => Poll.UntilAsync($"node-{number} to be {text}", Patience, async () =>
    {
        var shown = await Machine(number).TryAsync("systemctl show -p StatusText wolfscale");
        return shown.Output.Contains(text, StringComparison.Ordinal) ? null : shown.ToString();
    }, TimeSpan.FromMilliseconds(300));

    private Task<TimeSpan> AwaitClusterAsync(int active) => Poll.UntilAsync($"{active} active nodes and a leader", Patience, async () =>
    {
        var list = await Machine(2).TryAsync("wolfctl list servers");
        return list.Output.Split("ACTIVE").Length == active + 1 && list.Output.Split("LEADER").Length == 2 ? null : list.ToString();
    }, TimeSpan.FromMilliseconds(300));

    private async Task<int> LeaderAsync() => int.Parse(
        (await Machine(2).RunAsync("wolfctl list servers")).Split('\n').Single(l => l.Contains("LEADER", StringComparison.Ordinal)).Split("node-")[1][..1], CultureInfo.InvariantCulture);

    private async Task<string> AskAsync(int number, string path)
    {
        using var http = _bed!.Hosts[number - 1].Http(TimeSpan.FromSeconds(20));
        return await http.GetStringAsync(new Uri($"http://{_bed.Hosts[number - 1].Address}:8080{path}"));
    }

    /// <summary>What a browser is shown, until it is this.</summary>
    private async Task AwaitPictureAsync(int number, params string[] parts)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var http = _bed!.Hosts[number - 1].Http(Patience);
        using var stream = new StreamReader(await http.GetStreamAsync(new Uri($"http://{_bed.Hosts[number - 1].Address}:8080/dashboard/stream"), limit.Token));
        var last = "";
        try
        {
            while (await stream.ReadLineAsync(limit.Token) is { } line)
            {
                last = line.StartsWith("data:", StringComparison.Ordinal) ? line : last;
                if (parts.All(p => last.Contains(p, StringComparison.Ordinal)))
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // Not in time.
        }

        Assert.Fail($"The dashboard never showed {string.Join(" and ", parts)}; last: {last}");
    }
}
