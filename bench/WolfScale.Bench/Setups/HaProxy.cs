using System.Diagnostics;
using System.Globalization;

namespace WolfScale.Bench.Setups;

/// <summary>HAProxy in TCP mode before one server: what a proxy costs that knows nothing of what passes through it.</summary>
internal sealed class HaProxy : IDisposable
{
    private static readonly string[] Places = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy"];

    private readonly Process _process;

    private HaProxy(Process process, Target target) => (_process, Target) = (process, target);

    public Target Target { get; }

    public int ProcessId => _process.Id;

    /// <param name="directory">For its configuration.</param>
    /// <param name="port">Where it listens.</param>
    /// <param name="server">Where connections go.</param>
    /// <exception cref="InvalidOperationException">It is not installed.</exception>
    public static HaProxy Start(string directory, int port, Target server)
    {
        var file = Path.Combine(directory, "haproxy.cfg");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            global
              maxconn 4096
            defaults
              mode tcp
              timeout connect 5s
              timeout client 1h
              timeout server 1h
            listen mariadb
              bind 127.0.0.1:{port}
              server primary {server.Host}:{server.Port}

            """));
        var program = Places.FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("haproxy is not installed: apt-get install --no-install-recommends haproxy");
        var process = Process.Start(program, ["-f", file, "-db"]);
        return new HaProxy(process, server with { Host = "127.0.0.1", Port = port });
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
