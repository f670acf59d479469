using System.Globalization;
using System.Net.Sockets;
using MySqlConnector;
using WolfScale.MariaDb.Local;
using WolfScale.Server.Cli;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Demo;

/// <summary>The private MariaDB server of one demo node.</summary>
internal static class DemoServer
{
    private const int AccountAttempts = 8;

    /// <summary>WolfScale's account on the demo's servers.</summary>
    public const string Account = "wolfscale";

    /// <summary>Longest path of a unix socket that Linux takes.</summary>
    private const int LongestSocket = 107;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    public static PrivateServer Private(DemoState demo, DemoNode node) =>
        new(Path.Combine(node.Folder(demo.Dir), "mariadb"), node.Ports(demo.BasePort).MariaDb, (uint)node.Index);

    /// <exception cref="RefusedException">The folder's path is too long for a socket in it.</exception>
    public static void CheckPath(DemoState demo, DemoNode node)
    {
        if (Private(demo, node).Socket is { Length: > LongestSocket } socket)
            throw new RefusedException($"{socket} is {socket.Length} characters long, and a unix socket's path holds {LongestSocket}: choose a shorter --dir.");
    }

    /// <summary>Creates the server's folder where it is not there yet, starts the server and creates WolfScale's account on it.</summary>
    /// <param name="demo">The cluster.</param>
    /// <param name="node">The node whose server it is.</param>
    /// <param name="started">Told of the process as soon as there is one, long before it is ready.</param>
    /// <param name="cancellationToken">Gives up waiting; the process stays.</param>
    public static async Task StartAsync(DemoState demo, DemoNode node, Action<ProcessIdentity> started, CancellationToken cancellationToken)
    {
        var server = Private(demo, node);
        await CreateAsync(server, cancellationToken);
        var process = DetachedProcess.Start(
            DetachedProcess.Find("mariadbd"),
            [$"--defaults-file={server.ConfigurationFile}", $"--user={Environment.UserName}"],
            Path.Combine(node.Folder(demo.Dir), "mariadb.out"));
        started(process);
        await WaitUntilReadyAsync(server, process, cancellationToken);
        await CreateAccountAsync(server, demo.ServerPassword, cancellationToken);
    }

    /// <summary>
    /// Creates the application's database and account, once, through the leader: so they are transactions like any other, and reach every server.
    /// </summary>
    public static async Task CreateApplicationAsync(DemoState demo, DemoNode leader, CancellationToken cancellationToken)
    {
        // Without a time-out, and without a token: the connector would send KILL QUERY, and a killed commit is released without an ACK.
        var settings = new MySqlConnectionStringBuilder(Private(demo, leader).RootConnectionString) { DefaultCommandTimeout = 0 };
        await using var connection = new MySqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        foreach (var statement in (string[])
        [
            $"CREATE DATABASE IF NOT EXISTS `{demo.Database}`",
            $"CREATE USER IF NOT EXISTS '{demo.User}'@'%' IDENTIFIED BY '{demo.Password}'",
            $"GRANT ALL PRIVILEGES ON `{demo.Database}`.* TO '{demo.User}'@'%'",
        ])
            await RunAsync(connection, statement, CancellationToken.None).WaitAsync(cancellationToken);
    }

    private static async Task CreateAsync(PrivateServer server, CancellationToken cancellationToken)
    {
        try
        {
            await server.CreateAsync(cancellationToken: cancellationToken);
        }
        catch (InvalidOperationException e)
        {
            throw new RefusedException(e.Message);
        }
    }

    private static async Task WaitUntilReadyAsync(PrivateServer server, ProcessIdentity process, CancellationToken cancellationToken)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        var until = Environment.TickCount64 + (long)StartLimit.TotalMilliseconds;
        while (await poll.WaitForNextTickAsync(cancellationToken))
        {
            if (!process.IsAlive)
                throw new RefusedException(string.Create(CultureInfo.InvariantCulture, $"mariadbd on port {server.Port} ended while it started. {server.ErrorLog} ends:\n{server.LogTail()}"));
            try
            {
                await using var connection = await server.ConnectAsync(cancellationToken: cancellationToken);
                return;
            }
            catch (MySqlException) when (Environment.TickCount64 < until)
            {
                // Not listening yet: the next tick tries again.
            }
        }
    }

    /// <summary>Idempotent. A node that runs beside the server closes it as soon as it sees it, and our connection may be among those it kills.</summary>
    private static async Task CreateAccountAsync(PrivateServer server, string password, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await server.ConnectAsync(cancellationToken: cancellationToken);
                foreach (var statement in AccountSql.Statements(Account, password).Split('\n').Where(line => line.Length > 0 && !line.StartsWith("--", StringComparison.Ordinal)))
                    await RunAsync(connection, statement, cancellationToken);
                return;
            }
            catch (Exception e) when (attempt < AccountAttempts && e is MySqlException or IOException or SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 * attempt), cancellationToken);
            }
        }
    }

    private static async Task RunAsync(MySqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Statements of our own with secrets of our own making; DDL takes no parameters.
        command.CommandText = statement;
#pragma warning restore CA2100
        _ = await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
