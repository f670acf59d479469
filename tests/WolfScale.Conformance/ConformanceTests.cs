using System.Diagnostics;
using System.Globalization;
using WolfScale.Conformance.Clients;
using WolfScale.Conformance.Harness;

namespace WolfScale.Conformance;

/// <summary>
/// The same program against MariaDB and through a proxy prints the same, save for what <see cref="Differences"/> lists.
/// <code>
///   program ──▶ leader's MariaDB     ──▶ output ──┐
///   program ──▶ leader's proxy       ──▶ output ──┼─▶ minus Differences ──▶ equal?
///   program ──▶ a follower's proxy   ──▶ output ──┘
/// </code>
/// Each run finds its client's database as <c>clients/schema.sql</c> makes it.
/// </summary>
public abstract class ConformanceScenario(ConformanceCluster cluster)
{
    /// <summary>Every program prints these, so that none ends early and is equal all the same.</summary>
    private const string LastSection = "\n## end\n";

    /// <summary>The slowest first, or the last test would run alone.</summary>
    [Theory]
    [InlineData("connector-j")]
    [InlineData("go-sql-driver")]
    [InlineData("mariadb")]
    [InlineData("pymysql")]
    [InlineData("mysqlclient")]
    [InlineData("node/mysql2")]
    [InlineData("node/mariadb")]
    [InlineData("mysqli")]
    [InlineData("pdo")]
    [InlineData("dbd-mariadb")]
    public async Task A_client_sees_the_same_through_the_proxies_as_from_MariaDB(string client)
    {
        var program = await ClientPrograms.PrepareAsync(client, cluster.Folder);
        await CompareAsync(client, environment => ClientRun.OutputAsync(program, environment));
    }

    /// <summary>The one client that needs no process of its own.</summary>
    [Fact]
    public Task MySqlConnector_sees_the_same_through_the_proxies_as_from_MariaDB() =>
        CompareAsync("mysqlconnector", environment => new MySqlConnectorProgram(environment).RunAsync());

    private async Task CompareAsync(string client, Func<IReadOnlyDictionary<string, string>, Task<string>> run)
    {
        var targets = cluster.Targets;
        var direct = await RunAsync(client, targets.Direct, run);
        // What fails everywhere is equal everywhere: the program has to come to its end.
        Assert.True(direct.Contains(LastSection, StringComparison.Ordinal), $"{client} did not come to its end on MariaDB itself:\n{direct}");
        // The program for Go cancels with CONNECTION_ID(), which is not the greeting's where connections are pooled, and does not reach a read on a follower's own server then (docs/proxy.md).
        Target[] proxies = cluster.IsPooled && client == "go-sql-driver" ? [targets.Leader] : [targets.Leader, targets.Follower];
        foreach (var target in proxies)
        {
            var proxied = await RunAsync(client, target, run);
            if (LineDiff.Of(Differences.Remove(direct, cluster.IsPooled), Differences.Remove(proxied, cluster.IsPooled), targets.Direct.Name, target.Name) is { } difference)
                Assert.Fail($"{client} sees something else through the {target.Name}:\n{difference}");
        }
    }

    private async Task<string> RunAsync(string client, Target target, Func<IReadOnlyDictionary<string, string>, Task<string>> run)
    {
        var name = client.Replace("node/", "node_", StringComparison.Ordinal).Replace('-', '_');
        var database = $"conf_{name}";
        await cluster.ResetAsync(database);
        var clock = Stopwatch.StartNew();
        var output = await run(new Dictionary<string, string>
        {
            ["CONF_HOST"] = target.Host,
            ["CONF_PORT"] = target.Port.ToString(CultureInfo.InvariantCulture),
            ["CONF_DATABASE"] = database,
            ["CONF_USER"] = ConformanceCluster.User,
            ["CONF_OTHER_USER"] = ConformanceCluster.OtherUser,
            ["CONF_ED25519_USER"] = ConformanceCluster.Ed25519User,
            ["CONF_PASSWORD"] = ConformanceCluster.Password,
            ["CONF_CA"] = cluster.AuthorityFile,
            ["CONF_FILE"] = Path.Combine(ClientPrograms.Folder, "load.tsv"),
            ["CONF_SCRATCH"] = Directory.CreateDirectory(Path.Combine(cluster.Folder, database)).FullName,
            ["LC_ALL"] = "C.UTF-8",
            ["TZ"] = "UTC",
        });
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target.Name}: {clock.Elapsed.TotalSeconds:0.0} s, {output.Length} characters"));
        if (Environment.GetEnvironmentVariable("CONF_KEEP") is { Length: > 0 } folder)
            await File.WriteAllTextAsync(Path.Combine(folder, $"{name}-{target.Name.Replace(' ', '-')}.txt"), output);
        return output;
    }
}

/// <summary>With a connection to the leader for every client.</summary>
public sealed class ConformanceTests(PlainCluster cluster) : ConformanceScenario(cluster), IClassFixture<PlainCluster>;

/// <summary>With pooled connections: every client but the first gets one that others have used.</summary>
public sealed class PooledConformanceTests(PooledCluster cluster) : ConformanceScenario(cluster), IClassFixture<PooledCluster>;
