using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MySqlConnector;

namespace WolfScale.MariaDb.Local;

/// <summary>
/// A MariaDB server of our own, started from the installed <c>mariadbd</c> in a folder of its own, on loopback only.
/// The demo and the tests use it; nothing of a system-wide MariaDB is read, started or stopped.
/// </summary>
public sealed class PrivateServer : IAsyncDisposable
{
    private const string WithoutSemiSync = "--rpl-semi-sync-master-enabled=OFF";

    private static readonly TimeSpan RecoveryPatience = TimeSpan.FromSeconds(40);

    private Process? _process;

    public PrivateServer(string directory, int port, uint serverId)
    {
        Directory = Path.GetFullPath(directory);
        Port = port;
        ServerId = serverId;
    }

    /// <summary>What stands before <c>mariadbd</c> and its arguments: a program that executes them elsewhere, in a network namespace for example.</summary>
    public IReadOnlyList<string> Launcher { get; init; } = [];

    /// <summary>The folder that holds data, socket, configuration and error log.</summary>
    public string Directory { get; }

    public int Port { get; }

    public uint ServerId { get; }

    /// <summary>Unix socket; <c>root</c> comes in through it without a password. Kept short: a socket path holds 107 bytes.</summary>
    public string Socket => Path.Combine(Directory, "m.sock");

    public string ErrorLog => Path.Combine(Directory, "error.log");

    public string ConfigurationFile => Path.Combine(Directory, "my.cnf");

    /// <summary>A server that starts deletes every <c>#sql…</c> file in its tmpdir, those of other servers too: so none is shared.</summary>
    private string TemporaryFolder => Path.Combine(Directory, "tmp");

    /// <summary>Process id of the running server, or 0.</summary>
    public int ProcessId => _process is { HasExited: false } p ? p.Id : 0;

    /// <summary>Connection string of <c>root</c> through the socket.</summary>
    public string RootConnectionString => new MySqlConnectionStringBuilder
    {
        Server = Socket,
        ConnectionProtocol = MySqlConnectionProtocol.UnixSocket,
        UserID = "root",
        Pooling = false,
        AllowUserVariables = true,
        DefaultCommandTimeout = 60,
    }.ConnectionString;

    /// <summary>The settings a WolfScale server needs (design: Settings), small enough for several servers on one machine.</summary>
    public string Settings(IReadOnlyDictionary<string, string>? overrides = null)
    {
        var settings = new Dictionary<string, string>
        {
            ["datadir"] = Path.Combine(Directory, "data"),
            ["socket"] = Socket,
            ["tmpdir"] = TemporaryFolder,
            ["pid-file"] = Path.Combine(Directory, "m.pid"),
            ["log-error"] = ErrorLog,
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            ["bind-address"] = "127.0.0.1",
            ["skip-name-resolve"] = "1",
            ["server-id"] = ServerId.ToString(CultureInfo.InvariantCulture),
            ["log-bin"] = Path.Combine(Directory, "data", "binlog"),
            ["log-slave-updates"] = "1",
            ["binlog-format"] = "ROW",
            ["max-binlog-size"] = "64M",
            ["sync-binlog"] = "1",
            ["innodb-flush-log-at-trx-commit"] = "1",
            ["innodb-buffer-pool-size"] = "128M",
            ["innodb-log-file-size"] = "96M",
            ["read-only"] = "1",
            ["skip-slave-start"] = "1",
            ["gtid-strict-mode"] = "1",
            ["slave-parallel-threads"] = "16",
            ["slave-parallel-mode"] = "conservative",
            ["max-connections"] = "200",
            // Fewer than the common limit of 20,000 open files are asked for, or every start of a program complains on the terminal.
            ["table-open-cache"] = "600",
            ["extra-max-connections"] = "10",
            ["extra-port"] = (Port + 4).ToString(CultureInfo.InvariantCulture),
            ["rpl-semi-sync-master-enabled"] = "ON",
            ["rpl-semi-sync-master-wait-point"] = "AFTER_SYNC",
            ["rpl-semi-sync-master-timeout"] = "18446744073709551615",
        };
        foreach (var (key, value) in overrides ?? new Dictionary<string, string>())
            settings[key] = value;
        return "[mariadbd]\n" + string.Concat(settings.Select(s => $"{s.Key} = {s.Value}\n"));
    }

    /// <summary>
    /// Creates the data directory (as <c>mariadb-install-db</c> does) and the configuration file. Overrides replace or add settings.
    /// </summary>
    /// <exception cref="InvalidOperationException">MariaDB's programs are missing, or the installation failed; the message says what to do.</exception>
    public async Task CreateAsync(IReadOnlyDictionary<string, string>? overrides = null, CancellationToken cancellationToken = default)
    {
        System.IO.Directory.CreateDirectory(TemporaryFolder);
        await File.WriteAllTextAsync(ConfigurationFile, Settings(overrides), cancellationToken).ConfigureAwait(false);
        var data = Path.Combine(Directory, "data");
        if (System.IO.Directory.Exists(data))
            return;
        using var install = Start(
            "mariadb-install-db",
            "--no-defaults",
            $"--datadir={data}",
            $"--tmpdir={TemporaryFolder}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--table-open-cache=600",
            "--innodb-log-file-size=96M",
            $"--user={Environment.UserName}");
        var output = await install.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await install.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (install.ExitCode != 0)
            throw new InvalidOperationException($"mariadb-install-db failed for {data} (exit {install.ExitCode}): {output}");
    }

    /// <summary>
    /// Starts the server and returns when <c>root</c> can log in through the socket. A server that was killed in the middle of DDL writes to its binlog at the next start
    /// how it has ended that, also what ran under <c>sql_log_bin=0</c>, and with semi-sync on waits for an ACK that nobody can give, since it does not listen yet (measured on
    /// 10.11: <c>ddl_log_execute_recovery</c>). It is then started without semi-sync; <c>read_only</c> keeps it closed.
    /// </summary>
    /// <exception cref="InvalidOperationException">The server ended before it was ready; the message ends with its error log.</exception>
    public async Task StartAsync(IReadOnlyList<string>? arguments = null, CancellationToken cancellationToken = default)
    {
        _process?.Dispose();
        string[] command = [.. Launcher, Find("mariadbd"), $"--defaults-file={ConfigurationFile}", $"--user={Environment.UserName}", .. arguments ?? []];
        _process = Start(command[0], command[1..]);
        var began = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        while (await poll.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"mariadbd on port {Port} ended with exit code {_process.ExitCode}. Its log ends:\n{LogTail()}");
            try
            {
                await using var connection = new MySqlConnection(RootConnectionString);
                await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (MySqlException)
            {
                // Not listening yet: the next tick tries again, and an ended process is reported above.
            }

            if (Stopwatch.GetElapsedTime(began) > RecoveryPatience && arguments?.Contains(WithoutSemiSync) is not true)
            {
                await StopAsync(force: true, cancellationToken).ConfigureAwait(false);
                await StartAsync([.. arguments ?? [], WithoutSemiSync], cancellationToken).ConfigureAwait(false);
                return;
            }
        }
    }

    /// <summary>Opens a connection as <c>root</c> through the socket.</summary>
    public async Task<MySqlConnection> ConnectAsync(string database = "", CancellationToken cancellationToken = default)
    {
        var connection = new MySqlConnection(new MySqlConnectionStringBuilder(RootConnectionString) { Database = database }.ConnectionString);
        await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        return connection;
    }

    /// <summary>Runs one statement as <c>root</c> and returns the first column of the first row, or null.</summary>
    public async Task<object?> ScalarAsync(string sql, string database = "", CancellationToken cancellationToken = default)
    {
        await using var connection = await ConnectAsync(database, cancellationToken).ConfigureAwait(false);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The caller is the demo or a test: its own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends a signal to the server's process (9 KILL, 15 TERM, 19 STOP, 18 CONT).</summary>
    public void Signal(int signal)
    {
        if (ProcessId is var pid and not 0)
            _ = Kill(pid, signal);
    }

    /// <summary>Waits until the process has ended.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken = default) =>
        _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Asks the server to end (SIGTERM, or SIGKILL when <paramref name="force"/>), and waits for it.</summary>
    public async Task StopAsync(bool force = false, CancellationToken cancellationToken = default)
    {
        Signal(18);
        Signal(force ? 9 : 15);
        await WaitForExitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The last lines of the server's error log.</summary>
    public string LogTail(int lines = 20) =>
        File.Exists(ErrorLog) ? string.Join('\n', File.ReadLines(ErrorLog).TakeLast(lines)) : "(no error log)";

    public async ValueTask DisposeAsync()
    {
        await StopAsync(force: true).ConfigureAwait(false);
        _process?.Dispose();
        _process = null; // may be called twice
    }

    private static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Find(program)) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
    }

    private static string Find(string program)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/local/sbin");
        return folders.Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException(
                $"{program} is not installed. Install MariaDB's programs: apt-get install --no-install-recommends mariadb-server-core mariadb-client");
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Kill(int pid, int signal);
}
