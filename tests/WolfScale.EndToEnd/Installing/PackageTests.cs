using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>What is in the Debian package, and what systemd thinks of its units.</summary>
public sealed partial class PackageTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task It_holds_what_a_machine_needs_and_belongs_to_root()
    {
        var files = (await DebianPackage.AskAsync("--contents")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => Entry().Match(l)).ToDictionary(m => m.Groups["path"].Value, m => m);

        Assert.All((string[])
        [
            "/opt/wolfscale/wolfscale", "/opt/wolfscale/wolfctl", "/usr/lib/systemd/system/wolfscale.service", "/usr/lib/systemd/system/wolfscale-proxy.service",
            "/usr/lib/systemd/system/wolfscale-load-balancer.service", "/etc/default/wolfscale", "/etc/logrotate.d/wolfscale", "/usr/share/man/man1/wolfscale.1.gz", "/usr/share/man/man1/wolfctl.1.gz",
            "/usr/share/bash-completion/completions/wolfctl", "/usr/share/zsh/vendor-completions/_wolfscale", "/usr/share/fish/vendor_completions.d/wolfctl.fish",
            "/usr/share/wolfscale/grafana/wolfscale.json", "/usr/share/wolfscale/prometheus/alerts.yml", "/usr/share/wolfscale/scripts/backup.sh", "/usr/share/wolfscale/scripts/dump.bash",
            "/usr/share/doc/wolfscale/copyright", "/usr/share/doc/wolfscale/changelog.gz", "/usr/share/doc/wolfscale/installation.md",
        ], path => Assert.Contains(path, files.Keys));
        Assert.Equal("/opt/wolfscale/wolfctl", files["/usr/bin/wolfctl"].Groups["target"].Value);
        Assert.Equal("-rwxr-xr-x", files["/opt/wolfscale/wolfscale"].Groups["mode"].Value);
        Assert.All(files.Values, f => Assert.Equal("root/root", f.Groups["owner"].Value));
        Assert.All(files.Values, f => Assert.Matches("^(l|.rw[x-]r-[x-]r-[x-]$)", f.Groups["mode"].Value)); // nobody else writes, nothing has a set-id bit
        Assert.DoesNotContain(files.Keys, path => path.StartsWith("/etc/wolfscale", StringComparison.Ordinal)); // secrets are this machine's own
    }

    [Fact]
    public async Task Its_version_is_the_checkouts_and_its_configuration_files_are_dpkgs()
    {
        Assert.Equal(await DebianPackage.VersionAsync(), (await DebianPackage.AskAsync("--field", "Version")).Trim());
        Assert.Equal(["/etc/default/wolfscale", "/etc/default/wolfscale-load-balancer", "/etc/default/wolfscale-proxy", "/etc/logrotate.d/wolfscale"],
            (await DebianPackage.AskAsync("--info", "conffiles")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Its_programs_run_without_NET_and_its_units_are_right_and_hardened()
    {
        using var folder = new TempFolder("deb");
        _ = await Command.RunAsync("dpkg-deb", ["-x", await DebianPackage.FileAsync(), folder.Path], Limit);
        foreach (var program in (string[])["wolfscale", "wolfctl"])
        {
            var version = await Command.RunAsync("env", ["-i", "DOTNET_ROOT=/nonexistent", $"{folder.Path}/opt/wolfscale/{program}", "--version"], Limit);
            Assert.Equal($"{program} {await DebianPackage.VersionAsync()}", version.Output.Trim());
        }

        foreach (var unit in Directory.GetFiles(Path.Combine(folder.Path, "usr/lib/systemd/system")))
        {
            var security = await Command.RunAsync("systemd-analyze", ["security", "--no-pager", "--offline=true", "--threshold=29", unit], Limit); // 2.9
            Assert.True(security.ExitCode == 0, security.ToString());
            // What it refers to lies in the unpacked folder, all but systemd's own targets.
            var here = Path.Combine(folder.Path, Path.GetFileName(unit));
            await File.WriteAllTextAsync(here, (await File.ReadAllTextAsync(unit)).Replace("/opt/wolfscale/", $"{folder.Path}/opt/wolfscale/", StringComparison.Ordinal));
            var verified = await Command.RunAsync("systemd-analyze", ["verify", "--man=no", here], Limit);
            Assert.True(verified.ExitCode == 0 && (verified.Output + verified.Error).Trim().Length == 0, verified.ToString());
        }
    }

    /// <summary>Its wolfctl is machine code alone, and what nothing in it calls is left out: the keys of a configuration, which are found by their names at run time, must not be.</summary>
    [Fact]
    public async Task Its_wolfctl_is_machine_code_and_knows_every_key()
    {
        using var folder = new TempFolder("deb");
        _ = await Command.RunAsync("dpkg-deb", ["-x", await DebianPackage.FileAsync(), folder.Path], Limit);
        Assert.False(File.Exists($"{folder.Path}/opt/wolfscale/wolfctl.dll"));
        var configuration = Path.Combine(folder.Path, "config.toml");
        await File.WriteAllTextAsync(configuration, """
            [node]
            id = "node-01"
            bind_address = "127.0.0.1:7654"
            [cluster]
            mode = "available"
            peers = ["127.0.0.1:7655"]
            [api]
            bind_address = "127.0.0.1:8080"
            [[api.tokens]]
            token = "of the reader"
            role = "read"
            [wal]
            fsync = true
            [proxy]
            pool_idle_ms = 5000
            """);
        var wolfctl = $"{folder.Path}/opt/wolfscale/wolfctl";

        var right = await Command.RunAsync(wolfctl, ["check-config", "--offline", "-f", configuration], Limit);
        await File.AppendAllTextAsync(configuration, "\npool_idle = 5\n");
        var wrong = await Command.RunAsync(wolfctl, ["check-config", "--offline", "-f", configuration], Limit);

        Assert.True(right.ExitCode == 0, right.ToString());
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("did you mean \"pool_idle_ms\"?", wrong.Output, StringComparison.Ordinal);
    }

    /// <summary>The one thing that a shell script can be checked for without running it.</summary>
    [Fact]
    public async Task Its_scripts_can_be_read_by_the_shell_that_runs_them()
    {
        foreach (var script in (string[])["postinst", "prerm", "postrm"])
        {
            using var folder = new TempFolder("script");
            var text = await DebianPackage.AskAsync("--info", script);
            Assert.DoesNotContain("@", text.Split('\n').Where(l => l.StartsWith('@')));
            var file = Path.Combine(folder.Path, script);
            await File.WriteAllTextAsync(file, text);
            var read = await Command.RunAsync("sh", ["-n", file], Limit);
            Assert.True(read.ExitCode == 0, read.ToString());
        }
    }

    [GeneratedRegex(@"^(?<mode>\S{10}) (?<owner>\S+)\s+\d+ \S+ \S+ \.(?<path>/.*?)(?: -> (?<target>.*))?$")]
    private static partial Regex Entry();
}
