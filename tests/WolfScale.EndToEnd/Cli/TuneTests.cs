using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Harness;
using WolfScale.MariaDb.Local;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl tune-mariadb</c> against a real server that lacks everything. What stands in for systemd restarts that server, and no other.</summary>
public sealed class TuneTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new("tune");
    private readonly int _port = Ports.FreeRange(10);
    private PrivateServer _server = null!;

    private string Options => Path.Combine(_folder.Path, "my.cnf");

    private string Own => Path.Combine(_folder.Path, "conf.d", "99-wolfscale.cnf");

    private string User => Path.Combine(_folder.Path, "conf.d", "50-server.cnf");

    private string Configuration => Path.Combine(_folder.Path, "config.toml");

    [Fact]
    public async Task A_bare_server_gets_all_it_needs_and_check_config_has_nothing_to_say_then()
    {
        await StartAsync();
        var before = await CommandLine.CtlAsync("check-config", "-f", Configuration);
        Assert.Contains("log_bin is off", before.Output, StringComparison.Ordinal);

        var shown = await TuneAsync("--dry-run");
        Assert.Equal(0, shown.ExitCode);
        Assert.Contains("+sync_binlog = 1", shown.Output, StringComparison.Ordinal);
        Assert.Contains("256 MiB of memory (--memory)", shown.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Own));
        var unasked = await TuneAsync();
        Assert.Equal((2, false), (unasked.ExitCode, File.Exists(Own))); // nobody to ask

        using var done = JsonDocument.Parse((await TuneAsync("--yes", "--json")).Output);
        Assert.Equal((true, true, false), (
            done.RootElement.GetProperty("written").GetBoolean(), done.RootElement.GetProperty("restarted").GetBoolean(), done.RootElement.GetProperty("restart_needed").GetBoolean()));
        // Of skip_slave_start MariaDB shows no variable.
        foreach (var setting in done.RootElement.GetProperty("settings").EnumerateArray().Where(s => s.GetProperty("source").GetString() == "wolfscale" && s.GetProperty("name").GetString() != "skip_slave_start"))
            Assert.False(string.IsNullOrEmpty(setting.GetProperty("in_force").GetString()), setting.ToString());
        Assert.Equal("1 ON 64", await _server.ScalarAsync("SELECT CONCAT_WS(' ', @@sync_binlog, IF(@@log_bin AND @@read_only AND @@gtid_strict_mode AND @@rpl_semi_sync_master_enabled, 'ON', 'OFF'), @@max_binlog_size >> 20)"));
        Assert.Equal("134217728", Convert.ToString(await _server.ScalarAsync("SELECT @@innodb_buffer_pool_size"), CultureInfo.InvariantCulture));
        Assert.Equal(UnixFileMode.OtherRead, File.GetUnixFileMode(Own) & UnixFileMode.OtherRead);

        var after = await CommandLine.CtlAsync("check-config", "--strict", "-f", Configuration);
        Assert.True(after.ExitCode == 0, after.Output);
        var again = await TuneAsync();
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("is as it should be", again.Output, StringComparison.Ordinal);
    }

    /// <summary>Found by <c>mariadbd</c> itself before anything is written.</summary>
    [Theory]
    [InlineData("no_such_variable = 1", "no_such_variable")]
    [InlineData("binlog_checksum = CRC99", "binlog_checksum")]
    [InlineData("innodb_buffer_pool_size = lots", "innodb_buffer_pool_size")]
    public async Task Options_that_MariaDB_would_not_start_with_are_refused_before_anything_is_written(string line, string names)
    {
        await StartAsync();
        await File.AppendAllTextAsync(User, line + "\n");

        var refused = await TuneAsync("--yes");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(names, refused.Errors.Replace('-', '_'), StringComparison.Ordinal);
        Assert.False(File.Exists(Own));
    }

    [Fact]
    public async Task A_users_line_that_wins_is_a_conflict_and_nothing_is_restarted()
    {
        await StartAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "conf.d", "99-zz.cnf"), "[mariadbd]\nsync_binlog = 0\n");
        var pid = _server.ProcessId;

        var told = await TuneAsync("--yes");

        Assert.Equal(1, told.ExitCode);
        Assert.Contains("99-zz.cnf:2 sync_binlog = 0 wins", told.Output, StringComparison.Ordinal);
        Assert.Equal((true, pid), (File.Exists(Own), _server.ProcessId));
    }

    [Fact]
    public async Task Without_a_restart_it_says_what_is_in_force_and_that_one_is_needed()
    {
        await StartAsync();
        var written = await TuneAsync("--yes", "--no-restart");
        Assert.Equal(0, written.ExitCode);
        Assert.True(File.Exists(Own));
        Assert.Contains("must be restarted", written.Output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^ *sync_binlog +1 +0 +wolfscale", written.Output);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (var (pid, line) in Processes.Mentioning(_folder.Path)) // what was started in its place
        {
            Processes.Send(pid, Signal.Kill);
            await Processes.AwaitEndAsync(pid, line);
        }

        _folder.Dispose();
    }

    /// <summary>A server with MariaDB's defaults, but for its places and sync_binlog's, and what includes <see cref="Own"/>.</summary>
    private async Task StartAsync()
    {
        _server = new PrivateServer(Path.Combine(_folder.Path, "db"), _port + 3, 1);
        await _server.CreateAsync();
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Own)!);
        await File.WriteAllTextAsync(User, string.Create(CultureInfo.InvariantCulture,
            $"[mariadbd]\ndatadir = {_server.Directory}/data\nsocket = {_server.Socket}\ntmpdir = {_server.Directory}/tmp\npid-file = {_server.Directory}/m.pid\nlog-error = {_server.ErrorLog}\nport = {_server.Port}\nbind-address = 127.0.0.1\ninnodb-log-file-size = 96M\ntable-open-cache = 600\nextra-port = {_port + 7}\n"));
        await File.WriteAllTextAsync(Options, $"!includedir {Path.GetDirectoryName(Own)}\n");
        await File.WriteAllTextAsync(_server.ConfigurationFile, $"!include {Options}\n");
        await _server.StartAsync();
        await File.WriteAllTextAsync(Configuration, string.Create(CultureInfo.InvariantCulture,
            $"[node]\nid = \"node-1\"\nbind_address = \"127.0.0.1:{_port}\"\ndata_dir = \"{_folder.Path}/node\"\n[database]\nsocket = \"{_server.Socket}\"\nport = {_server.Port}\nuser = \"root\"\n[api]\nbind_address = \"127.0.0.1:{_port + 1}\"\n[proxy]\nbind_address = \"127.0.0.1:{_port + 2}\"\n"));
        // Restarts the one server whose process id stands in its file.
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "systemctl"), $"""
            #!/bin/sh
            case "$1" in
            is-active) exit 0 ;;
            show) echo infinity ;;
            restart)
              pid=$(cat {_server.Directory}/m.pid)
              kill -TERM "$pid"
              tail --pid="$pid" -f /dev/null
              setsid mariadbd --defaults-file={_server.ConfigurationFile} --user={Environment.UserName} >/dev/null 2>&1 &
              ;;
            esac
            """);
        File.SetUnixFileMode(Path.Combine(_folder.Path, "systemctl"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Task<Outcome> TuneAsync(params string[] arguments) => CommandLine.CtlAsync(
        new Dictionary<string, string> { ["PATH"] = $"{_folder.Path}:{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin" },
        ["tune-mariadb", "-c", Configuration, "--output", Own, "--defaults-file", Options, "--memory", "256M", .. arguments]);
}
