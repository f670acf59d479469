using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>The program as scripts see it: what it prints where, and its exit codes.</summary>
public class CommandTests
{
    [Fact]
    public async Task The_version_is_one_line()
    {
        var outcome = await CommandLine.RunAsync("--version");

        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"^wolfscale \d+\.\d+\.\d+\n$", outcome.Output);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("start", "--bootstarp")]
    [InlineData("validate", "--log-level", "loud")]
    [InlineData("demo", "kill")]
    [InlineData("demo", "kill", "node-1", "--signal", "HUP")]
    public async Task Wrong_usage_is_exit_code_2_and_says_what(params string[] arguments)
    {
        var outcome = await CommandLine.RunAsync(arguments);

        Assert.Equal(2, outcome.ExitCode);
        Assert.StartsWith("wolfscale: ", outcome.Errors, StringComparison.Ordinal);
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public async Task Validate_shows_every_mistake_at_its_place()
    {
        using var folder = new TempFolder("cli");
        var file = Write(folder, "[node]\nid = \"node-1\"\nbind_address = \"127.0.0.1:7654\"\ndvertise_address = \"127.0.0.1:7654\"\n[wal]\nfsync = false\n[api]\nbind_address = \"127.0.0.1:8080\"\n");

        var text = await CommandLine.RunAsync("validate", file);
        var json = await CommandLine.RunAsync("validate", file, "--json");

        Assert.Equal((1, 1), (text.ExitCode, json.ExitCode));
        Assert.Equal(
            [
                $"{file}:4:1: error: unknown key \"dvertise_address\" in [node]; did you mean \"advertise_address\"?",
                $"{file}:6:1: warning: wal.fsync = false: a power cut can lose acknowledged writes",
                $"{file} is not valid: 1 error, 1 warning.",
            ],
            text.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var first = JsonDocument.Parse(json.Output).RootElement.GetProperty("findings")[0];
        Assert.Equal(("error", "unknown_key", 4, 1), (first.GetProperty("severity").GetString(), first.GetProperty("code").GetString(), first.GetProperty("line").GetInt32(), first.GetProperty("column").GetInt32()));
    }

    [Fact]
    public async Task C5_a_mode_that_promises_less_is_said()
    {
        using var folder = new TempFolder("cli");
        var file = Write(folder, $"[node]\nid = \"node-1\"\nbind_address = \"127.0.0.1:7654\"\ndata_dir = \"{folder.Path}/data\"\n[cluster]\nmode = \"available\"\n[api]\nenabled = false\n");

        var outcome = await CommandLine.RunAsync("validate", file);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("a write is acknowledged by the leader alone", outcome.Output + outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_variable_repairs_what_the_file_says()
    {
        using var folder = new TempFolder("cli");
        var file = Write(folder, "[node]\nid = \"node-1\"\n[api]\nenabled = false\n");
        var repaired = new Dictionary<string, string> { ["WOLFSCALE_NODE__BIND_ADDRESS"] = "127.0.0.1:7654" };

        Assert.Equal(1, (await CommandLine.RunAsync("validate", "-c", file)).ExitCode);
        Assert.Equal(0, (await CommandLine.RunAsync(repaired, "validate", "-c", file)).ExitCode);
    }

    [Fact]
    public async Task Init_writes_a_private_file_that_is_valid_but_for_the_address_and_never_overwrites_one()
    {
        using var folder = new TempFolder("cli");
        var file = Path.Combine(folder.Path, "new", "config.toml");

        Assert.Equal(0, (await CommandLine.RunAsync("init", "--node-id", "node-7", "--output", file)).ExitCode);
        var address = new Dictionary<string, string> { ["WOLFSCALE_NODE__ADVERTISE_ADDRESS"] = "10.0.0.7:7654" };
        Assert.Equal(0, (await CommandLine.RunAsync(address, "validate", "--strict", file)).ExitCode);
        Assert.Equal("600", (await ModeAsync(file)));
        var again = await CommandLine.RunAsync("init", "--output", file);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("--force", again.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_accounts_statements_have_the_password_of_the_file()
    {
        using var folder = new TempFolder("cli");
        var file = Write(folder, "[node]\nid = \"n\"\n[database]\npassword = \"open sesame\"\n");

        var outcome = await CommandLine.RunAsync("init", "--sql", "--config", file);

        Assert.Contains("IDENTIFIED BY 'open sesame'", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("SET SESSION sql_log_bin = 0;", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("start")]
    [InlineData("status")]
    [InlineData("info")]
    public async Task A_configuration_that_is_not_valid_is_exit_code_2(string verb)
    {
        using var folder = new TempFolder("cli");

        var broken = await CommandLine.RunAsync(verb, "-c", Write(folder, "[node]\nidd = 1\n"));
        var missing = await CommandLine.RunAsync(verb, "-c", Path.Combine(folder.Path, "none.toml"));

        Assert.Equal((2, 2), (broken.ExitCode, missing.ExitCode));
        Assert.Contains("did you mean \"id\"?", broken.Errors, StringComparison.Ordinal);
        Assert.Contains("none.toml", missing.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_of_a_node_that_does_not_run_is_exit_code_3()
    {
        using var folder = new TempFolder("cli");
        var outcome = await CommandLine.RunAsync("status", "-c", Write(folder, Node(folder, Ports.FreeRange(2))));

        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("No node answers", outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_masks_every_secret_and_works_without_the_node()
    {
        using var folder = new TempFolder("cli");
        var file = Write(folder, Node(folder, Ports.FreeRange(2)) + "token = \"hush-api\"\n[cluster]\nsecret = \"hush-cluster-0123456789\"\n[database]\nsocket = \"/nowhere/s\"\npassword = \"hush-db\"\n");

        var text = await CommandLine.RunAsync("info", "-c", file);
        var json = await CommandLine.RunAsync("info", "-c", file, "--json");

        Assert.Equal((0, 0), (text.ExitCode, json.ExitCode));
        Assert.DoesNotContain("hush", text.Output + json.Output, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(json.Output).RootElement.GetProperty("identity").ValueKind);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_clear_line()
    {
        using var folder = new TempFolder("cli");
        var ports = Ports.FreeRange(2);
        using var other = new TcpListener(IPAddress.Loopback, ports);
        other.Start();

        var outcome = await CommandLine.RunAsync("start", "-c", Write(folder, Node(folder, ports)), "-l", "error");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains($"{ports}", outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_demo_that_is_not_there_is_named()
    {
        using var folder = new TempFolder("cli");

        var outcome = await CommandLine.RunAsync("demo", "status", "--dir", folder.Path);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(folder.Path, outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_demo_does_not_take_a_folder_with_somebody_elses_files()
    {
        using var folder = new TempFolder("cli");
        _ = Write(folder, "precious");

        Assert.Equal(1, (await CommandLine.RunAsync("demo", "--dir", folder.Path, "--detach")).ExitCode);
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(folder.Path, "config.toml")));
    }

    /// <summary>A node on loopback that stands alone; ends inside [api].</summary>
    private static string Node(TempFolder folder, int ports) =>
        $"[node]\nid = \"node-1\"\nbind_address = \"127.0.0.1:{ports}\"\ndata_dir = \"{folder.Path}/data\"\n[proxy]\nenabled = false\n[api]\nbind_address = \"127.0.0.1:{ports + 1}\"\n";

    private static string Write(TempFolder folder, string text)
    {
        var file = Path.Combine(folder.Path, "config.toml");
        File.WriteAllText(file, text);
        return file;
    }

    private static async Task<string> ModeAsync(string file)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%a", file]) { RedirectStandardOutput = true })!;
        return (await stat.StandardOutput.ReadToEndAsync()).Trim();
    }
}
