using System.Diagnostics;
using System.Text;

namespace WolfScale.MariaDb.Dump;

/// <summary>
/// One of MariaDB's own programs, run against the local server as WolfScale's account. It ends with this object. Its password goes by the environment, which
/// only its own user may read; its option files are left out. It stands behind the server, its clients and the node where cores are short: what it copies waits, a commit does not.
/// </summary>
internal sealed class ClientProgram : IDisposable
{
    private const int LongestError = 2000;

    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private ClientProgram(Process process, string name, Action<string>? hears)
    {
        _process = process;
        Name = name;
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } heard)
                hears?.Invoke(heard);
            lock (_errors)
            {
                if (line.Data is { Length: > 0 } text && _errors.Length < LongestError)
                    _ = _errors.Append(_errors.Length > 0 ? "; " : "").Append(text);
            }
        };
        _process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int ProcessId => _process.Id;

    public Stream Output => _process.StandardOutput.BaseStream;

    public Stream Input => _process.StandardInput.BaseStream;

    /// <exception cref="DumpException">It is not installed.</exception>
    public static ClientProgram Start(string name, DatabaseOptions options, bool reads, params IEnumerable<string> arguments)
    {
        string[] common = ["--no-defaults", $"--user={options.User}", "--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--skip-ssl-verify-server-cert"];
        string[] where = options.Socket.Length > 0 ? ["--protocol=SOCKET", $"--socket={options.Socket}"] : ["--protocol=TCP", $"--host={options.Host}", Port(options)];
        return Start(name, "mariadb-client", options.Password, reads, null, [.. common, .. where, .. arguments]);
    }

    /// <summary><c>mariadb-backup --backup</c>.</summary>
    /// <param name="options">Where the server is.</param>
    /// <param name="hears">Told of every line on its standard error.</param>
    /// <param name="arguments">More of them.</param>
    /// <exception cref="DumpException">It is not installed.</exception>
    public static ClientProgram StartBackup(DatabaseOptions options, Action<string> hears, params IEnumerable<string> arguments)
    {
        string[] where = options.Socket.Length > 0 ? [$"--socket={options.Socket}"] : [$"--host={options.Host}", Port(options)];
        return Start("mariadb-backup", "mariadb-backup", options.Password, reads: false, hears, ["--no-defaults", "--backup", $"--user={options.User}", .. where, .. arguments]);
    }

    private static string Port(DatabaseOptions options) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"--port={options.Port}");

    private static ClientProgram Start(string name, string package, string password, bool reads, Action<string>? hears, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(name, package)) { RedirectStandardError = true, RedirectStandardInput = reads, RedirectStandardOutput = !reads, UseShellExecute = false };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["MYSQL_PWD"] = password;
        var process = Process.Start(start) ?? throw new DumpException($"{name} could not be started.");
        try
        {
            process.PriorityClass = ProcessPriorityClass.BelowNormal;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended already, and says why.
        }

        return new ClientProgram(process, name, hears);
    }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="DumpException">It ended with an error; the message holds what it said.</exception>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        if (_process.ExitCode != 0)
            throw new DumpException($"{Name} ended with {_process.ExitCode}: {Said}");
    }

    /// <summary>Whether it ends within this time.</summary>
    public async Task<bool> EndsAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>What it wrote to its standard error so far.</summary>
    public string Said
    {
        get
        {
            lock (_errors)
                return _errors.Length > 0 ? _errors.ToString() : "(it said nothing)";
        }
    }

    /// <summary>Ends it; for any thread, any number of times.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private static string Find(string name, string package)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Append("/usr/bin").Append("/usr/local/bin");
        return folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists)
            ?? throw new DumpException($"{name} is not installed on this machine. Install it (Debian: apt-get install {package}).");
    }
}
