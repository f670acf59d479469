using System.Diagnostics;
using System.Globalization;
using System.Text;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>
/// A machine of a <see cref="NetworkBed"/> with a system of its own: Debian with systemd and MariaDB, booted by <c>systemd-nspawn</c>. What it writes lies on top of a root that all of them
/// share, and goes with it.
/// </summary>
internal sealed class Container : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly TempFolder _folder = new("root");
    private readonly NetworkHost _host;
    private readonly StringBuilder _console = new();
    private Process? _nspawn;
    private string _leader = "";

    private Container(NetworkHost host) => _host = host;

    /// <summary>Where its files are seen from outside.</summary>
    public string Root => Path.Combine(_folder.Path, "root");

    /// <summary>Boots one, with the checkout at /src for it to read. Skips the test, with the reason, where that cannot be done.</summary>
    public static async Task<Container> BootAsync(NetworkHost host)
    {
        var shared = Path.Combine(Repository.Root, "artifacts", "container", "root");
        var made = await Command.RunAsync(Path.Combine(Repository.Root, "tests", "WolfScale.EndToEnd", "Installing", "container-root.sh"), [shared], TimeSpan.FromMinutes(10));
        Assert.True(made.ExitCode == 0, made.ToString());
        var container = new Container(host);
        try
        {
            await container.MountAsync(shared);
            await container.PowerOnAsync();
            return container;
        }
        catch
        {
            await container.DisposeAsync();
            throw;
        }
    }

    /// <summary>Boots what is not running, until its services are.</summary>
    public async Task PowerOnAsync()
    {
        string[] arguments =
        [
            "--quiet", $"--directory={Root}", "--boot", "--register=no", "--keep-unit", "--console=pipe", $"--network-namespace-path=/run/netns/{_host.Namespace}",
            string.Create(CultureInfo.InvariantCulture, $"--machine=wolf{_host.Number}"), "--resolv-conf=off", "--timezone=off",
            // The mark of this run: whatever happens to it, the container's first process, and with that all others, ends with it.
            $"--setenv=WOLFSCALE_TEST_RUN={Environment.GetEnvironmentVariable("WOLFSCALE_TEST_RUN")}", $"--bind-ro={Repository.Root}:/src",
        ];
        var start = new ProcessStartInfo("systemd-nspawn", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        _nspawn = Process.Start(start) ?? throw new InvalidOperationException("systemd-nspawn could not be started.");
        _nspawn.OutputDataReceived += (_, e) => Append(e.Data);
        _nspawn.ErrorDataReceived += (_, e) => Append(e.Data);
        _nspawn.BeginOutputReadLine();
        _nspawn.BeginErrorReadLine();
        await Poll.UntilAsync("a booted container", TimeSpan.FromMinutes(2), async () =>
        {
            Assert.False(_nspawn.HasExited, $"systemd-nspawn ended: {_console}");
            _leader = (await File.ReadAllTextAsync(string.Create(CultureInfo.InvariantCulture, $"/proc/{_nspawn.Id}/task/{_nspawn.Id}/children"))).Trim().Split(' ')[0];
            if (_leader.Length == 0)
                return "no child of systemd-nspawn";
            var state = await TryAsync("systemctl is-system-running");
            return state.Output.Trim() is "running" or "degraded" ? null : $"{state}\n{_console}";
        }, TimeSpan.FromMilliseconds(300));
    }

    /// <summary>Runs a line of the shell in it, as root.</summary>
    public Task<CommandResult> TryAsync(string line) =>
        Command.RunAsync("nsenter", ["-t", _leader, "-a", "--", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "HOME=/root", "LANG=C.UTF-8", "bash", "-c", line], Limit);

    /// <summary>The same, and it must succeed.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(string line)
    {
        var result = await TryAsync(line);
        Assert.True(result.ExitCode == 0, $"{line}\n{result}");
        return (result.Output + result.Error).Trim();
    }

    /// <summary>Copies a file into it.</summary>
    public void Take(string file, string target) => File.Copy(file, Root + target, overwrite: true);

    /// <summary>Takes its power away. What it has written stays; <see cref="PowerOnAsync"/> brings it back.</summary>
    public async Task CutPowerAsync()
    {
        if (_nspawn is { HasExited: false } nspawn)
        {
            if (int.TryParse(_leader, CultureInfo.InvariantCulture, out var first))
                Processes.Send(first, Signal.Kill); // the container's first process: all others go with it, which they would not with systemd-nspawn
            else
                nspawn.Kill();
            await nspawn.WaitForExitAsync();
        }

        _nspawn?.Dispose();
        (_nspawn, _leader) = (null, "");
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed && _leader.Length > 0)
            TestContext.Current.TestOutputHelper?.WriteLine((await TryAsync("journalctl --no-pager -n 200 -u 'wolfscale*' -u mariadb")).ToString());
        await CutPowerAsync();
        _ = await Command.RunAsync("umount", ["-l", Root], Limit);
        _folder.Dispose();
    }

    private async Task MountAsync(string shared)
    {
        foreach (var name in (string[])["root", "upper", "work"])
            Directory.CreateDirectory(Path.Combine(_folder.Path, name));
        var mounted = await Command.RunAsync(
            "mount", ["-t", "overlay", "overlay", "-o", $"lowerdir={shared},upperdir={_folder.Path}/upper,workdir={_folder.Path}/work", Root], Limit);
        if (mounted.ExitCode != 0)
            Assert.Skip($"File systems cannot be laid over one another here: {mounted}");
    }

    private void Append(string? line)
    {
        lock (_console)
            _ = _console.AppendLine(line);
    }
}
