using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>The machines of the documentation's examples, <c>node-1</c> on 10.0.10.10 and so on, in one network; and what runs its commands on them.</summary>
internal sealed class Machines : IAsyncDisposable
{
    private readonly TempFolder _folder = new("book");
    private readonly Dictionary<string, Machine> _machines = new(StringComparer.Ordinal);
    private NetworkBed? _bed;

    private Machines()
    {
    }

    public Machine this[string name] => _machines[name];

    /// <summary>Makes them, each with an empty MariaDB that runs.</summary>
    public static async Task<Machines> CreateAsync(params string[] names)
    {
        var machines = new Machines();
        try
        {
            machines._bed = await NetworkBed.CreateAsync(names.Length);
            var programs = machines.WritePrograms();
            foreach (var (name, host) in names.Zip(machines._bed.Hosts))
            {
                await machines._bed.AddAddressAsync(host, "eth1", Machine.AddressOf(host) + "/24");
                machines._machines[name] = await Machine.CreateAsync(name, host, machines._folder.Path, programs);
            }
            return machines;
        }
        catch
        {
            await machines.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a block of a document on its machine, as it stands there.</summary>
    /// <param name="document">The file's name.</param>
    /// <param name="name">The block's.</param>
    /// <param name="on">Another machine than the block says.</param>
    /// <param name="changes">What is another here: text of the block, and what stands in its place.</param>
    /// <returns>What it printed.</returns>
    public Task<string> RunAsync(string document, string name, string? on = null, params (string Written, string Here)[] changes)
    {
        var block = Book.Commands(document, name);
        var text = block.Text.Replace("/usr/share/wolfscale/99-wolfscale.cnf", Path.Combine(Repository.Root, "deploy", "99-wolfscale.cnf"), StringComparison.Ordinal)
            .Replace("/usr/share/wolfscale/scripts", Path.Combine(Repository.Root, "scripts"), StringComparison.Ordinal);
        foreach (var (written, here) in changes)
        {
            Assert.Contains(written, text, StringComparison.Ordinal);
            text = text.Replace(written, here, StringComparison.Ordinal);
        }
        return _machines[on ?? block.Machine].RunAsync(text);
    }

    /// <summary>Puts a document's programs where its commands look for them.</summary>
    public void WriteProgramsOf(string document, string machine)
    {
        foreach (var program in Book.Blocks.Where(b => b.Document == document && b.IsProgram))
            File.WriteAllText(Path.Combine(_machines[machine].Root, "root", program.Name), program.Text);
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', _machines.Values.Select(m => m.LogTails())));
        foreach (var machine in _machines.Values)
            await machine.DisposeAsync();
        if (_bed is not null)
            await _bed.DisposeAsync();
        _folder.Dispose();
    }

    private string WritePrograms()
    {
        var folder = Path.Combine(_folder.Path, "programs");
        _ = Directory.CreateDirectory(folder);
        Program("wolfscale", $"exec {Invocation(Repository.WolfScale)} \"$@\"");
        Program("wolfctl", $"exec {Invocation(Repository.WolfCtl)} \"$@\"");
        Program("sudo", """
            [ "$1" = -u ] && shift 2
            exec "$@"
            """);
        Program("apt-get", "exit 0");
        Program("scp", """
            from=$1
            cp $BED/${from%%:*}${from#*:} "$2"
            """);
        Program("ssh", """
            exec nsenter -t "$(cat "$BED/$1.holder")" -m -n -- bash -c "$2"
            """);
        Program("systemctl", """
            pid_file() { if [ "$1" = mariadb ]; then echo /run/mysqld/mysqld.pid; else echo "/run/$1.pid"; fi; }
            alive() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; } # who has ended is a zombie for as long as nobody asks
            runs() { [ -s "$(pid_file "$1")" ] && alive "$(cat "$(pid_file "$1")")"; }
            answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
            start() {
              ! runs "$1" || return 0
              rm -f "$(pid_file "$1")"
              case $1 in
                mariadb)
                  setsid mariadbd </dev/null >>/var/log/mariadb.log 2>&1 &
                  until mariadb-admin ping >/dev/null 2>&1; do alive $! || { tail /var/log/mariadb.log >&2; exit 1; }; sleep 0.1; done ;;
                wolfscale | wolfscale-load-balancer)
                  if [ "$1" = wolfscale ]; then verb=start port=8080; else verb=load-balancer port=3306; fi
                  setsid wolfscale $verb ${OPTIONS:-} </dev/null >>"/var/log/$1.log" 2>&1 &
                  echo $! >"$(pid_file "$1")"
                  until answers $port; do alive $! || { tail "/var/log/$1.log" >&2; exit 1; }; sleep 0.1; done ;;
                *) echo "no unit $1" >&2; exit 5 ;;
              esac
            }
            signal() {
              runs "$1" || return 0
              pid=$(cat "$(pid_file "$1")")
              kill "-$2" "$pid"
              while alive "$pid"; do sleep 0.1; done
            }
            verb=$1; shift
            [ "$verb" != kill ] || { sent=${1#--signal=}; shift; }
            [ "${1:-}" != --now ] || shift
            for unit in "$@"; do
              case $verb in
                start | enable) start "$unit" ;;
                stop) signal "$unit" TERM ;;
                kill) signal "$unit" "$sent" ;;
                restart) signal "$unit" TERM; start "$unit" ;;
                reload) kill -HUP "$(cat "$(pid_file "$unit")")" ;;
                status) runs "$unit" && echo "$unit: active" ;;
                *) exit 0 ;;
              esac
            done
            """);
        return folder;

        void Program(string name, string body)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllText(path, "#!/bin/bash\nset -euo pipefail\n" + body + "\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static string Invocation(string program) => program.EndsWith(".dll", StringComparison.Ordinal) ? $"dotnet '{program}'" : $"'{program}'";
}
