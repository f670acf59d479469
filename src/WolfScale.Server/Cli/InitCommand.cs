using System.CommandLine;
using System.Net;
using Spectre.Console;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale init</c>: writes a commented configuration with a fresh cluster secret and API token, or prints the account's SQL.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var nodeId = new Option<string?>("--node-id") { Description = "This node's id", HelpName = "ID" };
        var output = new Option<string?>("--output", "-o") { Description = "Where to write; without it, the file --config names", HelpName = "FILE" };
        var force = new Option<bool>("--force") { Description = "Replace an existing file" };
        var sql = new Option<bool>("--sql") { Description = "Print the statements that create WolfScale's MariaDB account" };
        var command = new Command("init", "Writes a commented configuration file") { nodeId, output, force, sql };
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(output) ?? parsed.GetValue(GlobalOptions.Config)!;
            if (parsed.GetValue(sql))
                return PrintSql(path);
            var ask = parsed.GetValue(nodeId) is null && parsed.GetValue(output) is null && !Console.IsInputRedirected && Terminal.Interactive;
            return Write(path, parsed.GetValue(force), ask ? Ask() : Values(parsed.GetValue(nodeId)));
        });
        return command;
    }

    /// <summary>With the account of the configuration where there is one already, so that the two agree.</summary>
    private static int PrintSql(string path)
    {
        var (user, password) = ("wolfscale", "");
        if (File.Exists(path) && GlobalOptions.Read(path) is { Configuration.Database: var database })
            (user, password) = (database.User, database.Password);
        if (password.Length == 0)
        {
            password = Secrets.Fresh();
            Terminal.Line($"-- Put this into the configuration, under [database]: password = \"{password}\"");
        }

        Console.Out.Write(AccountSql.Statements(user, password));
        return ExitCode.Done;
    }

    private static Dictionary<string, string> Values(string? nodeId)
    {
        var values = new Dictionary<string, string>
        {
            ["cluster.secret"] = ConfigurationTemplate.Literal(Secrets.Fresh()),
            ["api.token"] = ConfigurationTemplate.Literal(Secrets.Fresh()),
            ["database.password"] = ConfigurationTemplate.Literal(Secrets.Fresh()),
        };
        if (nodeId is not null)
            values["node.id"] = ConfigurationTemplate.Literal(nodeId);
        return values;
    }

    private static Dictionary<string, string> Ask()
    {
        var values = Values(Terminal.Out.Prompt(new TextPrompt<string>("Node id").DefaultValue(Dns.GetHostName())));
        var address = Terminal.Out.Prompt(new TextPrompt<string>("Address other nodes reach this one at").DefaultValue(Dns.GetHostName() + ":7654").Validate(Valid));
        values["node.advertise_address"] = ConfigurationTemplate.Literal(address);
        var peers = Terminal.Out.Prompt(new TextPrompt<string>("Other nodes, host:port separated by commas (empty: none yet)").AllowEmpty());
        var list = peers.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        values["cluster.peers"] = "[" + string.Join(", ", list.Select(ConfigurationTemplate.Literal)) + "]";
        if (list.Length > 0)
        {
            var secret = Terminal.Out.Prompt(new TextPrompt<string>("Their cluster secret (empty: a new one)").Secret().AllowEmpty());
            if (secret.Length > 0)
                values["cluster.secret"] = ConfigurationTemplate.Literal(secret);
        }

        values["database.socket"] = ConfigurationTemplate.Literal(
            Terminal.Out.Prompt(new TextPrompt<string>("MariaDB's socket (empty: localhost:3306)").DefaultValue("/run/mysqld/mysqld.sock").AllowEmpty()));
        return values;
    }

    private static ValidationResult Valid(string address) =>
        HostPort.TryParse(address, out _, out var problem) ? ValidationResult.Success() : ValidationResult.Error(problem);

    private static int Write(string path, bool force, Dictionary<string, string> values)
    {
        if (File.Exists(path) && !force)
            throw new RefusedException($"{path} exists already; --force replaces it, and with it the cluster secret that it may hold.");
        var text = ConfigurationTemplate.Render(values);
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } folder)
                _ = Directory.CreateDirectory(folder);
            PrivateFile.Write(path, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{path} cannot be written: {e.Message} Name another place with --output.");
        }

        Terminal.Line($"Wrote {path}, readable by you alone, with a new cluster secret, API token and database password.");
        Terminal.Line("Next: set node.advertise_address and cluster.peers (use one secret on all nodes), create the account with");
        Terminal.Line($"`wolfscale init --sql --output {path}` on this node's MariaDB, check with `wolfscale validate {path}`, and start the first");
        Terminal.Line($"node with `wolfscale start --bootstrap -c {path}`, the others without --bootstrap.");
        return ExitCode.Done;
    }
}
