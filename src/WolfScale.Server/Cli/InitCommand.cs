using System.CommandLine;
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
            RefuseExisting(path, parsed.GetValue(force)); // before anybody has answered a question
            var asks = parsed.GetValue(nodeId) is null && parsed.GetValue(output) is null && !Console.IsInputRedirected && Terminal.Interactive;
            return Write(path, parsed.GetValue(force), Values(parsed.GetValue(nodeId)), asks ? InitQuestions.Ask() : null);
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

    private static void RefuseExisting(string path, bool force)
    {
        if (File.Exists(path) && !force)
            throw new RefusedException($"{path} exists already; --force replaces it, and with it the cluster secret that it may hold.");
    }

    private static int Write(string path, bool force, Dictionary<string, string> values, InitAnswers? answers)
    {
        RefuseExisting(path, force);
        foreach (var (key, value) in answers?.Values ?? new Dictionary<string, string>())
            values[key] = value;
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

        Terminal.Line(answers?.First == false
            ? $"Wrote {path}, readable by you alone, with the cluster's secret, and a new API token and database password."
            : $"Wrote {path}, readable by you alone, with a new cluster secret, API token and database password.");
        Terminal.Line("Next:");
        if (answers is null)
            Terminal.Line("  set node.advertise_address and cluster.peers in it, and one cluster.secret and api.token on all nodes");
        Terminal.Line($"  wolfscale init --sql -c {path}     prints the statements that create its account: run them as root on this machine's MariaDB");
        Terminal.Line("  wolfctl tune-mariadb               writes the settings that MariaDB needs");
        Terminal.Line($"  wolfctl check-config -f {path}");
        Terminal.Line(answers?.First switch
        {
            true => $"  wolfscale start --bootstrap -c {path}     once: creates the cluster; other nodes need this file's cluster.secret",
            false => $"  wolfscale start -c {path}",
            null => $"  wolfscale start -c {path}          with --bootstrap on the first node, once",
        });
        return ExitCode.Done;
    }
}
