using WolfScale.EndToEnd.Demo;

namespace WolfScale.EndToEnd.Http;

/// <summary>A cluster with tokens of all roles.</summary>
public sealed class ApiFixture : ClusterFixture
{
    public const string ReadToken = "read-token-read-token-read-token";
    public const string WriteToken = "write-token-write-token-write-token";

    protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(
        [$"api.tokens=[{{ token = \"{ReadToken}\", role = \"read\" }}, {{ token = \"{WriteToken}\", role = \"write\" }}]", "cluster.heartbeat_interval_ms=100"]);
}
