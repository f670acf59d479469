using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Where TLS is on, a plaintext peer and one of an unknown authority are turned away with a clear line, and the cluster goes on.</summary>
public sealed class BadInputOverTlsTests(TlsFailoverTests.Tls fixture) : ClusterTests<TlsFailoverTests.Tls>(fixture)
{
    [Fact]
    public async Task A_plaintext_peer_is_turned_away()
    {
        var cluster = await Fixture.HealthyAsync();
        await using var plain = (await NodeProcess.CreateAsync("plain", 71)).ThatJoins(cluster);

        await plain.StartAsync();

        Print(await plain.AwaitLineAsync("warn", "TLS"));
        await AssertGoesOnAsync(cluster);
    }

    [Fact]
    public async Task A_peer_of_an_unknown_authority_is_turned_away()
    {
        var cluster = await Fixture.HealthyAsync();
        using var folder = new TempFolder("tls");
        await using var impostor = (await NodeProcess.CreateAsync("impostor", 72)).ThatJoins(cluster);
        foreach (var setting in (await Certificates.CreateAsync(folder.Path, "impostor")).Settings)
            impostor.Settings[setting.Split('=')[0]] = NodeProcess.Text(setting.Split('=')[1]);

        await impostor.StartAsync();

        Print(await impostor.AwaitLineAsync("certificate"));
        await AssertGoesOnAsync(cluster);
    }

    private static async Task AssertGoesOnAsync(DemoCluster cluster)
    {
        var leader = await cluster.LeaderAsync();
        Assert.Equal(3, cluster.Facts.Nodes.Count);
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.goes_on (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO demo.goes_on VALUES ()").WaitAsync(TimeSpan.FromSeconds(10));
        await cluster.AwaitHealthyAsync();
    }
}
