using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>
/// A server as the documentation's reader has it, on which its commands run as they stand there: an address, and <c>/etc</c>, <c>/var</c>, <c>/run</c> and <c>/root</c> of its own (namespaces of network and
/// mounts), with Debian's layout of MariaDB. What a machine has and a namespace has not are programs of the same names: <c>systemctl</c> starts and stops the processes, <c>wolfscale</c> and <c>wolfctl</c>
/// are those under test, <c>scp</c> and <c>ssh</c> reach the other machines, <c>apt-get</c> does nothing, <c>sudo</c> only runs. Everything else is the system's.
/// </summary>
internal sealed class Machine : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);
    private static readonly string[] Own = ["etc", "var", "run", "root"];

    private readonly string _bed;
    private readonly string _programs;
    private System.Diagnostics.Process? _holder;

    private Machine(string name, NetworkHost host, string bed, string programs) => (Name, Host, _bed, _programs) = (name, host, bed, programs);

    public string Name { get; }

    public NetworkHost Host { get; }

    /// <summary>Where its files are seen from outside.</summary>
    public string Root => Path.Combine(_bed, Address);

    /// <summary>As the documents write it: 10.0.10.10 for the first machine.</summary>
    public string Address => AddressOf(Host);

    public static string AddressOf(NetworkHost host) => string.Create(CultureInfo.InvariantCulture, $"10.0.10.{host.Number + 9}");

    /// <summary>Makes one with an empty MariaDB, which runs, on an address of its own.</summary>
    /// <param name="name">As the documents call it.</param>
    /// <param name="host">Its network.</param>
    /// <param name="bed">The folder of all machines.</param>
    /// <param name="programs">The folder of the programs that stand for a machine's.</param>
    public static async Task<Machine> CreateAsync(string name, NetworkHost host, string bed, string programs)
    {
        var machine = new Machine(name, host, bed, programs);
        foreach (var folder in (string[])["etc", "var/lib", "var/log", "var/tmp", "var/backups", "run/mysqld", "root"])
            _ = Directory.CreateDirectory(Path.Combine(machine.Root, folder));
        await MustAsync("cp", "-a", "/etc/.", Path.Combine(machine.Root, "etc"));
        foreach (var folder in (string[])["wolfscale", "mysql/conf.d"])
        {
            if (Directory.Exists(Path.Combine(machine.Root, "etc", folder)))
                Directory.Delete(Path.Combine(machine.Root, "etc", folder), recursive: true);
        }
        var options = Path.Combine(machine.Root, "etc/mysql");
        _ = Directory.CreateDirectory(Path.Combine(options, "conf.d"));
        Directory.Delete(Path.Combine(options, "mariadb.conf.d"), recursive: true);
        _ = Directory.CreateDirectory(Path.Combine(options, "mariadb.conf.d"));
        await File.WriteAllTextAsync(Path.Combine(options, "my.cnf"), "[client-server]\nsocket = /run/mysqld/mysqld.sock\n!includedir /etc/mysql/conf.d/\n!includedir /etc/mysql/mariadb.conf.d/\n");
        // Debian's, as far as it sets something, and small enough for several servers on one machine.
        await File.WriteAllTextAsync(Path.Combine(options, "mariadb.conf.d", "50-server.cnf"), $"""
            [mariadbd]
            user = {Environment.UserName}
            pid-file = /run/mysqld/mysqld.pid
            basedir = /usr
            tmpdir = /var/tmp
            bind-address = 127.0.0.1
            expire_logs_days = 10
            character-set-server = utf8mb4
            collation-server = utf8mb4_general_ci
            table-open-cache = 600
            innodb-log-file-size = 48M

            """);
        await machine.HoldAsync();
        return machine;
    }

    /// <summary>Runs commands as the machine's root; every one must succeed.</summary>
    /// <returns>What they printed.</returns>
    public async Task<string> RunAsync(string commands, int exitCode = 0)
    {
        var result = await TryAsync(commands);
        Assert.True(result.ExitCode == exitCode, $"on {Name}:\n{commands}\n{result}\n{LogTails()}");
        return result.Output;
    }

    public Task<CommandResult> TryAsync(string commands)
    {
        string[] environment =
        [
            $"PATH={_programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", $"BED={_bed}", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_NOLOGO=1",
            $"DOTNET_ROOT={Environment.GetEnvironmentVariable("DOTNET_ROOT") ?? "/usr/share/dotnet"}", $"WOLFSCALE_TEST_RUN={Environment.GetEnvironmentVariable("WOLFSCALE_TEST_RUN")}",
        ];
        return Command.RunAsync("nsenter", ["-t", _holder!.Id.ToString(CultureInfo.InvariantCulture), "-m", "-n", "--", "env", "-i", .. environment, "bash", "-euo", "pipefail", "-c", "cd /root\n" + commands], Limit);
    }

    /// <summary>The ends of its servers' logs.</summary>
    public string LogTails() => string.Join('\n', ((string[])["wolfscale.log", "mariadb.log", "wolfscale-load-balancer.log"]).Select(l => Path.Combine(Root, "var/log", l)).Where(File.Exists)
        .Select(l => $"--- {Name} {Path.GetFileName(l)}\n{string.Join('\n', File.ReadLines(l).TakeLast(15))}"));

    public async ValueTask DisposeAsync()
    {
        var ids = await Command.RunAsync("ip", ["netns", "pids", Host.Namespace], Limit);
        foreach (var id in ids.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => int.Parse(l, CultureInfo.InvariantCulture)))
        {
            Processes.Send(id, Signal.Kill);
            await Processes.AwaitEndAsync(id, Name);
        }
        if (_holder is not null)
            await _holder.WaitForExitAsync();
        _holder?.Dispose();
    }

    /// <summary>A process that keeps the machine's namespaces; <c>ip</c> and <c>unshare</c> execute it in their own place. It tells when the folders are in their places.</summary>
    private async Task HoldAsync()
    {
        var mounts = string.Concat(Own.Select(f => $"mount --bind {Root}/{f} /{f} && "));
        var start = new System.Diagnostics.ProcessStartInfo("ip", ["netns", "exec", Host.Namespace, "unshare", "--mount", "--propagation", "private", "sh", "-c", $"{mounts} echo ready && exec sleep infinity"])
        {
            RedirectStandardOutput = true,
        };
        _holder = System.Diagnostics.Process.Start(start)!;
        Assert.Equal("ready", await _holder.StandardOutput.ReadLineAsync());
        await File.WriteAllTextAsync(Root + ".holder", _holder.Id.ToString(CultureInfo.InvariantCulture)); // for `ssh`
        _ = await RunAsync($"mariadb-install-db --auth-root-authentication-method=normal --skip-test-db --user={Environment.UserName} >/dev/null && systemctl start mariadb");
    }

    private static async Task MustAsync(string program, params string[] arguments)
    {
        var result = await Command.RunAsync(program, arguments, Limit);
        Assert.True(result.ExitCode == 0, result.ToString());
    }
}
