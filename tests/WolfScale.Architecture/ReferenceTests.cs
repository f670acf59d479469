using System.Reflection;
using System.Xml.Linq;

namespace WolfScale.Architecture;

/// <summary>The direction of references: each project uses only what the architecture's table allows it.</summary>
public class ReferenceTests
{
    /// <summary>Project → the projects it may use, directly or through others.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["WolfScale.Consensus"] = [],
        ["WolfScale.Protocol"] = [],
        ["WolfScale.Wal"] = [],
        ["WolfScale.MariaDb"] = ["WolfScale.Protocol", "WolfScale.Wal"],
        ["WolfScale.Cluster"] = ["WolfScale.Consensus", "WolfScale.Wal"],
        ["WolfScale.Proxy"] = ["WolfScale.Protocol"],
        ["WolfScale.Settings"] = [],
        ["WolfScale.Client"] = ["WolfScale.Settings", "WolfScale.MariaDb", "WolfScale.Protocol", "WolfScale.Wal"], // MariaDb for the check of the local server
        ["WolfScale.Server"] =
        [
            "WolfScale.Consensus", "WolfScale.Protocol", "WolfScale.Wal", "WolfScale.MariaDb", "WolfScale.Cluster", "WolfScale.Proxy", "WolfScale.Settings",
            "WolfScale.Client",
        ],
        // Not Server and not Proxy: the operator's tool runs no node. What it does to files of a node that does not run takes the parts that own them.
        ["WolfScale.Ctl"] = ["WolfScale.Settings", "WolfScale.Client", "WolfScale.Consensus", "WolfScale.Protocol", "WolfScale.Wal", "WolfScale.MariaDb", "WolfScale.Cluster"],
    };

    /// <summary>Assemblies that hold clocks, sockets, files, databases or loggers; a pure project needs none of them.</summary>
    private static readonly string[] Impure =
    [
        "System.Net.Sockets", "System.Net.Http", "System.IO.FileSystem", "System.Diagnostics.Process", "System.Threading.Thread",
        "Microsoft.Extensions.Logging", "Microsoft.Data.Sqlite", "MySqlConnector", "Microsoft.AspNetCore",
    ];

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_file_refers_only_to_what_the_table_allows(string project)
    {
        var file = Path.Combine(Repository.Root, "src", project, project + ".csproj");
        var references = XDocument.Load(file).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));

        Assert.Empty(references.Except(Allowed[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_compiled_project_uses_only_what_the_table_allows(string project)
    {
        var used = Load(project).GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => name.StartsWith("WolfScale.", StringComparison.Ordinal) || name is "wolfscale" or "wolfctl");

        Assert.Empty(used.Except(Allowed[project]));
    }

    [Theory]
    [InlineData("WolfScale.Consensus")]
    [InlineData("WolfScale.Protocol")]
    public void A_pure_project_uses_the_base_library_alone(string project)
    {
        var used = Load(project).GetReferencedAssemblies().Select(a => a.Name!).ToList();

        Assert.All(used, name => Assert.StartsWith("System.", name, StringComparison.Ordinal));
        Assert.DoesNotContain(used, name => Impure.Any(impure => name.StartsWith(impure, StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_project_of_the_product_is_in_the_table() =>
        Assert.Equal(
            Allowed.Keys.Order(StringComparer.Ordinal),
            Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal));

    private static Assembly Load(string project) =>
        Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, (project switch { "WolfScale.Server" => "wolfscale", "WolfScale.Ctl" => "wolfctl", _ => project }) + ".dll"));
}
