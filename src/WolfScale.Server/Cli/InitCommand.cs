using System.CommandLine;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale init</c>: writes a commented configuration with a fresh cluster secret and API token, or prints the account's SQL.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var given = new InitOptions();
        var output = new Option<string?>("--output", "-o") { Description = "Where to write; without it, the file --config names", HelpName = "FILE" };
        var force = new Option<bool>("--force") { Description = "Replace an existing file" };
        var sql = new Option<bool>("--sql") { Description = "Print the statements that create WolfScale's MariaDB account" };
        var command = new Command("init", "Writes a commented configuration file; asks for its values on a terminal where none are given") { output, force, sql };
        foreach (var option in given.All)
            command.Add(option);
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(output) ?? parsed.GetValue(GlobalOptions.Config)!;
            if (parsed.GetValue(sql))
                return PrintSql(path);
            RefuseExisting(path, parsed.GetValue(force)); // before anybody has answered a question
            var ask = given.AreAbsent(parsed) && parsed.GetValue(output) is null && !Console.IsInputRedirected && Terminal.Interactive;
            return Write(path, parsed.GetValue(force), ask ? InitQuestions.Ask(given.Purpose(parsed)) : given.Choices(parsed));
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

    private static void RefuseExisting(string path, bool force)
    {
        if (File.Exists(path) && !force)
            throw new RefusedException($"{path} exists already; --force replaces it, and with it the cluster secret that it may hold.");
    }

    private static int Write(string path, bool force, InitChoices choices)
    {
        RefuseExisting(path, force);
        var shared = false;
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } folder)
                _ = Directory.CreateDirectory(folder);
            PrivateFile.Write(path, ConfigurationTemplate.Render(choices.Values));
            shared = ServiceUser.TryShare(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{path} cannot be written: {e.Message} Name another place with --output.");
        }

        Terminal.Line($"Wrote {path}, readable by {(shared ? $"root and the service ({ServiceUser.Name})" : "you")} alone, with its secrets.");
        foreach (var line in new InitNextSteps(choices, path, shared).Lines())
            Terminal.Line(line);
        return ExitCode.Done;
    }
}
