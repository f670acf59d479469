using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Harness;
using WolfScale.MariaDb.Local;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl binlog-setup</c> against a real source.</summary>
public sealed class BinlogSetupTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new("source");
    private readonly PrivateServer _server;

    public BinlogSetupTests() => _server = new PrivateServer(Path.Combine(_folder.Path, "db"), Ports.FreeRange(10), 7);

    private string PasswordFile => Path.Combine(_folder.Path, "password");

    [Fact]
    public async Task A_fit_sources_section_has_its_position_and_ids_that_nobody_uses()
    {
        await StartAsync("ROW");
        await RunAsync("CREATE DATABASE shop", "CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'hush-repl'", "GRANT REPLICATION SLAVE, BINLOG MONITOR, REPLICATION MASTER ADMIN ON *.* TO repl@'127.0.0.1'");
        var position = (string)(await _server.ScalarAsync("SELECT @@gtid_binlog_pos"))!;

        var told = await SetupAsync("--user", "repl");

        Assert.True(told.ExitCode == 0, told.Output + told.Errors);
        var section = told.Output;
        Assert.Contains($"start_position = \"{position}\"", section, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"host = \"127.0.0.1\"                   # as every node reaches it\nport = {_server.Port}\nuser = \"repl\"\n"), section, StringComparison.Ordinal);
        Assert.Contains("server_id = 1001", section, StringComparison.Ordinal);
        Assert.Contains("not part of this version", told.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", section + told.Errors, StringComparison.Ordinal);

        // The section is one that the configuration knows: but for the mode, which is named as what is not there yet.
        var file = Path.Combine(_folder.Path, "config.toml");
        await File.WriteAllTextAsync(file, "[node]\nid = \"n\"\nbind_address = \"127.0.0.1:7654\"\n[api]\nenabled = false\n" + section);
        using var check = JsonDocument.Parse((await CommandLine.CtlAsync("check-config", "--offline", "--json", "-f", file)).Output);
        Assert.Equal(["not_yet"], check.RootElement.GetProperty("findings").EnumerateArray().Where(f => f.GetProperty("severity").GetString() == "error").Select(f => f.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task What_a_source_lacks_is_told_with_the_statement_that_mends_it()
    {
        await StartAsync("STATEMENT");
        await RunAsync("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'hush-repl'");

        var told = await SetupAsync("--user", "repl", "--json");
        Assert.Equal(1, told.ExitCode);
        using (var document = JsonDocument.Parse(told.Output))
        {
            Assert.False(document.RootElement.GetProperty("fit").GetBoolean());
            var findings = document.RootElement.GetProperty("findings").EnumerateArray().ToList();
            await RunAsync([.. findings.Select(f => f.GetProperty("statement").GetString()).OfType<string>().Distinct()]);
        }

        var mended = await SetupAsync("--user", "repl");
        Assert.True(mended.ExitCode == 0, mended.Errors);
    }

    [Fact]
    public async Task A_source_that_does_not_answer_or_refuses_the_account_is_one_line()
    {
        await StartAsync("ROW");
        var refused = await SetupAsync("--user", "nobody");
        await _server.StopAsync(force: true);
        var silent = await SetupAsync("--user", "repl");

        Assert.Equal((3, 3), (refused.ExitCode, silent.ExitCode));
        Assert.Contains("as nobody", refused.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(_server.Port.ToString(CultureInfo.InvariantCulture), silent.ErrorLine, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartAsync(string format)
    {
        await _server.CreateAsync(new Dictionary<string, string>
        {
            ["binlog-format"] = format, ["read-only"] = "0", ["rpl-semi-sync-master-enabled"] = "OFF", ["extra-port"] = "0",
        });
        await _server.StartAsync();
        await File.WriteAllTextAsync(PasswordFile, "hush-repl\n");
        File.SetUnixFileMode(PasswordFile, UnixFileMode.UserRead);
    }

    private async Task RunAsync(params string[] statements)
    {
        foreach (var statement in statements)
            _ = await _server.ScalarAsync(statement);
    }

    private Task<Outcome> SetupAsync(params string[] arguments) => CommandLine.CtlAsync(
        ["binlog-setup", "--host", "127.0.0.1", "--port", _server.Port.ToString(CultureInfo.InvariantCulture), "--password-file", PasswordFile, .. arguments]);
}
