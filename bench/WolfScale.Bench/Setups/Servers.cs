using System.Diagnostics;
using WolfScale.MariaDb.Local;

namespace WolfScale.Bench.Setups;

/// <summary>MariaDB servers for the set-ups: all with the settings of WolfScale's own, apart from what makes the set-up what it is.</summary>
internal static class Servers
{
    public const string User = "bench";
    public const string Password = "bench";
    public const string Database = "demo";

    /// <summary>What differs from <see cref="PrivateServer.Settings"/> for a server that nobody gates.</summary>
    public static readonly IReadOnlyDictionary<string, string> Ungated = new Dictionary<string, string>
    {
        ["read-only"] = "0",
        ["rpl-semi-sync-master-enabled"] = "OFF",
    };

    /// <summary>Creates the data directory from a template that is installed once a run, because an installation takes seconds.</summary>
    public static async Task CreateAsync(
        PrivateServer server, string template, IReadOnlyDictionary<string, string> overrides, CancellationToken cancellationToken)
    {
        if (!System.IO.Directory.Exists(template))
        {
            var installer = new PrivateServer(template + ".new", port: 1, serverId: 1); // never started
            await installer.CreateAsync(cancellationToken: cancellationToken);
            System.IO.Directory.Move(template + ".new", template);
        }

        System.IO.Directory.CreateDirectory(server.Directory);
        await CopyAsync(Path.Combine(template, "data"), Path.Combine(server.Directory, "data"), cancellationToken);
        await server.CreateAsync(overrides, cancellationToken);
    }

    /// <summary>Copies a folder with everything in it.</summary>
    public static async Task CopyAsync(string from, string to, CancellationToken cancellationToken)
    {
        using var copy = Process.Start("cp", ["-a", from, to]);
        await copy.WaitForExitAsync(cancellationToken);
        if (copy.ExitCode != 0)
            throw new IOException($"Copying {from} to {to} failed: cp ended with {copy.ExitCode}.");
    }

    /// <summary>Creates the database and the load's account.</summary>
    public static async Task PrepareAsync(PrivateServer primary, CancellationToken cancellationToken)
    {
        await ExecuteAsync(primary, $"CREATE DATABASE IF NOT EXISTS {Database}", cancellationToken);
        await ExecuteAsync(primary, $"CREATE USER {User}@'127.0.0.1' IDENTIFIED BY '{Password}'", cancellationToken);
        await ExecuteAsync(primary, $"GRANT ALL ON {Database}.* TO {User}@'127.0.0.1'", cancellationToken);
    }

    public static async Task ExecuteAsync(PrivateServer server, string sql, CancellationToken cancellationToken) =>
        _ = await server.ScalarAsync(sql, cancellationToken: cancellationToken);

    public static async Task<string> TextAsync(PrivateServer server, string sql, CancellationToken cancellationToken) =>
        (await server.ScalarAsync(sql, cancellationToken: cancellationToken))?.ToString() ?? "";

    /// <summary>A status variable of the server.</summary>
    public static Task<string> StatusAsync(PrivateServer server, string name) =>
        TextAsync(server, $"SELECT variable_value FROM information_schema.global_status WHERE variable_name='{name}'", CancellationToken.None);

    public static Target TargetOf(PrivateServer server) => new("127.0.0.1", server.Port, User, Password, Database);
}
