using System.Text.Json;
using WolfScale.Server.Configuration;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>The reference of all keys, as a page and as a schema.</summary>
public sealed class ConfigurationReferenceTests
{
    /// <summary>Both are made with <c>wolfscale configuration</c>.</summary>
    [Fact]
    public void What_stands_in_the_documentation_is_what_the_program_says()
    {
        Assert.Equal(ConfigurationReference.Markdown(), File.ReadAllText(Documentation("configuration.md")));
        Assert.Equal(ConfigurationReference.Schema(), File.ReadAllText(Documentation("configuration.schema.json")));
    }

    [Fact]
    public void Every_key_is_there_and_says_what_it_is_for_or_what_it_accepts()
    {
        var page = ConfigurationReference.Markdown();
        foreach (var section in ConfigurationSchema.Sections)
        {
            Assert.Contains($"## [{section.Name}]", page, StringComparison.Ordinal);
            foreach (var key in section.Keys)
                Assert.Contains($"| `{key.Name}` |", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_schema_knows_types_bounds_choices_and_the_files_of_secrets_and_no_other_keys()
    {
        var schema = JsonDocument.Parse(ConfigurationReference.Schema()).RootElement;
        var cluster = schema.GetProperty("properties").GetProperty("cluster");
        Assert.False(cluster.GetProperty("additionalProperties").GetBoolean());
        var keys = cluster.GetProperty("properties");
        Assert.Equal(["consistent", "available"], keys.GetProperty("mode").GetProperty("enum").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal("string", keys.GetProperty("secret_file").GetProperty("type").GetString());
        Assert.False(keys.GetProperty("secret").TryGetProperty("default", out _));
        Assert.Equal("array", keys.GetProperty("peers").GetProperty("type").GetString());
        var clients = schema.GetProperty("properties").GetProperty("proxy").GetProperty("properties").GetProperty("max_connections");
        Assert.Equal(("integer", 1, 1_000_000, 10_000),
            (clients.GetProperty("type").GetString(), clients.GetProperty("minimum").GetInt32(), clients.GetProperty("maximum").GetInt32(), clients.GetProperty("default").GetInt32()));
        Assert.Equal(["id"], schema.GetProperty("properties").GetProperty("node").GetProperty("required").EnumerateArray().Select(e => e.GetString()));
        var token = schema.GetProperty("properties").GetProperty("api").GetProperty("properties").GetProperty("tokens").GetProperty("items").GetProperty("properties");
        Assert.Equal(["read", "write", "admin"], token.GetProperty("role").GetProperty("enum").EnumerateArray().Select(e => e.GetString()));
    }

    internal static string Documentation(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "WolfScale.slnx")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "docs", name);
    }
}
