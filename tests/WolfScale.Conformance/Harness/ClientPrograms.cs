using WolfScale.EndToEnd.Harness;

namespace WolfScale.Conformance.Harness;

/// <summary>A client's program: a file to run with its arguments, and what it needs in its environment.</summary>
internal sealed record ClientProgram(string File, string[] Arguments, params (string Name, string Value)[] Environment);

/// <summary>The programs in <c>clients/</c>, and how each is run.</summary>
internal static class ClientPrograms
{
    private const string JavaDriver = "/usr/share/java/mariadb-java-client.jar";

    private static readonly TimeSpan CompileLimit = TimeSpan.FromMinutes(3);

    public static string Folder { get; } = Path.Combine(Repository.Root, "tests/WolfScale.Conformance/clients");

    private static string Artifacts { get; } = Path.Combine(Repository.Root, "artifacts/clients");

    /// <summary>Compiles what needs it, into <paramref name="output"/>.</summary>
    public static async Task<ClientProgram> PrepareAsync(string client, string output)
    {
        var folder = Path.Combine(Folder, client);
        switch (client)
        {
            case "mariadb":
                return new("bash", [Path.Combine(folder, "main.sh")]);
            case "pymysql" or "mysqlclient":
                // Debian's own interpreter: another one on the PATH does not know Debian's packages.
                return new("/usr/bin/python3", ["-B", Path.Combine(folder, "main.py")]);
            case "mysqli" or "pdo":
                return new("php", ["-d", "mysqli.allow_local_infile=1", Path.Combine(folder, "main.php")]);
            case "node/mysql2" or "node/mariadb":
                return new("node", [Path.Combine(folder, "main.js")], ("NODE_PATH", Path.Combine(Artifacts, "node/node_modules")));
            case "dbd-mariadb":
                return new("perl", [Path.Combine(folder, "main.pl")]);
            case "connector-j":
                var classes = Path.Combine(output, "java");
                await CompileAsync("javac", "-d", classes, "-cp", JavaDriver, Path.Combine(folder, "Main.java"));
                return new("java", ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", $"{classes}:{JavaDriver}", "Main"]);
            case "go-sql-driver":
                var program = Path.Combine(output, "go-client");
                await CompileAsync(
                    "env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", $"GOCACHE={Path.Combine(Artifacts, "go-cache")}", "GOFLAGS=-p=2",
                    "go", "build", "-o", program, Path.Combine(folder, "main.go"));
                return new(program, []);
            default:
                throw new ArgumentException($"There is no client {client}.", nameof(client));
        }
    }

    private static async Task CompileAsync(string compiler, params string[] arguments)
    {
        var result = await Command.RunAsync(compiler, arguments, CompileLimit);
        Assert.True(result.ExitCode == 0, $"{compiler} {string.Join(' ', arguments)}: {result}");
    }
}
