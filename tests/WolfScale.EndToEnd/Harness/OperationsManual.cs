using System.Globalization;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;

namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// The procedures of <c>docs/operations.md</c>, run as they stand there. What a machine has and a demo has not, stands in a folder of programs of the same names: <c>systemctl</c>
/// starts and stops the demo's processes, <c>wolfctl</c> is the local node's, <c>sudo</c> only runs, <c>apt-get</c> does nothing, <c>mariadb</c> finds the local server.
/// </summary>
internal sealed partial class OperationsManual : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);
    private readonly TempFolder _programs = new("ops");
    private readonly DemoCluster _cluster;

    public OperationsManual(DemoCluster cluster)
    {
        _cluster = cluster;
        var wolfscale = Invocation(Repository.WolfScale);
        Program("wolfctl", $$"""
            exec {{Invocation(Repository.WolfCtl)}} "$@" -c "$WOLF_DIR/$WOLF_HERE/config.toml" $WOLF_ENDPOINTS
            """);
        Program("sudo", """
            [ "$1" = -u ] && shift 2
            exec "$@"
            """);
        Program("apt-get", "exit 0");
        Program("mariadb", """
            exec /usr/bin/mariadb --no-defaults --user=root --socket="$WOLF_DIR/$WOLF_HERE/mariadb/m.sock" "$@"
            """);
        Program("systemctl", $$"""
            verb=$1; shift
            pids() {
              case $1 in
                wolfscale) what="start .*$WOLF_DIR/$WOLF_HERE/config.toml" ;;
                mariadb) what="mariadbd .*$WOLF_DIR/$WOLF_HERE/mariadb/my.cnf" ;;
              esac
              for file in /proc/[0-9]*/cmdline; do
                if tr '\0' ' ' < "$file" 2> /dev/null | grep -q -- "$what"; then basename "$(dirname "$file")"; fi
              done
            }
            stop() {
              for pid in $(pids "$1"); do kill -TERM "$pid" 2> /dev/null || true; done
              while [ -n "$(pids "$1")" ]; do sleep 0.1; done
            }
            start() {
              if [ -d "$WOLF_DIR/$WOLF_HERE" ]; then
                {{wolfscale}} demo start "$WOLF_HERE" --dir "$WOLF_DIR" --what "$([ "$1" = mariadb ] && echo mariadb || echo node)"
              elif [ "$1" = wolfscale ]; then
                {{wolfscale}} demo add --dir "$WOLF_DIR"
              fi
            }
            for unit in "$@"; do
              case $verb in
                start) start "$unit" ;;
                stop) stop "$unit" ;;
                restart) stop "$unit"; start "$unit" ;;
              esac
            done
            """);
    }

    public static string Text { get; } = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));

    /// <summary>Every procedure: its name, its machine, its commands.</summary>
    public static IReadOnlyDictionary<string, (string Machine, string Commands)> Blocks { get; } = Fence()
        .Matches(Text)
        .ToDictionary(m => m.Groups["id"].Value, m => (m.Groups["machine"].Value, m.Groups["commands"].Value), StringComparer.Ordinal);

    /// <summary>Runs a procedure on its machine; every command must succeed, unless the last one is meant to end with another exit code.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="exitCode">How it is to end.</param>
    /// <param name="mountsOf">A process whose disks the machine has; null for those of the test.</param>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(string id, int exitCode = 0, int? mountsOf = null)
    {
        var (here, commands) = Blocks[id];
        await _cluster.RefreshAsync();
        var nodes = _cluster.Facts.Nodes;
        var endpoints = nodes.Where(n => n.Id == here).Concat(nodes.Where(n => n.Id != here)).Select(n => "-e " + n.Api);
        var text = commands.Replace("/etc/wolfscale/config.toml", $"{_cluster.Directory}/{here}/config.toml", StringComparison.Ordinal);
        text = DataDirectory().Replace(text, $"{_cluster.Directory}/$1/wolfscale");
        // A node that joins is not in the demo's list yet: its own API is not known.
        var script = $"export WOLF_DIR='{_cluster.Directory}' WOLF_HERE={here} WOLF_ENDPOINTS='{string.Join(' ', nodes.Any(n => n.Id == here) ? endpoints : [])}' PATH='{_programs.Path}':\"$PATH\"\nset -euo pipefail\n{text}";
        string[] command = mountsOf is { } pid ? ["nsenter", "-m", "-t", pid.ToString(CultureInfo.InvariantCulture), "bash", "-c", script] : ["bash", "-c", script];
        var result = await Command.RunAsync(command[0], command[1..], Limit);
        Assert.True(result.ExitCode == exitCode, $"{id}: {result}");
        await _cluster.RefreshAsync();
        return result.Output;
    }

    public void Dispose() => _programs.Dispose();

    private void Program(string name, string body)
    {
        var path = Path.Combine(_programs.Path, name);
        File.WriteAllText(path, "#!/bin/bash\nset -euo pipefail\n" + body + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static string Invocation(string program) => program.EndsWith(".dll", StringComparison.Ordinal) ? $"dotnet '{program}'" : $"'{program}'";

    [GeneratedRegex(@"^```sh (?<id>[a-z-]+) @(?<machine>node-\d)\n(?<commands>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("/var/lib/wolfscale/(node-[0-9])")]
    private static partial Regex DataDirectory();
}
