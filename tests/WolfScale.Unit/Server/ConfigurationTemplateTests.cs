using System.Collections.Immutable;
using WolfScale.Server.Configuration;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

public class ConfigurationTemplateTests
{
    /// <summary>Only with another mode, or a list of tables: not in the file that everybody begins with.</summary>
    private static readonly string[] LeftOut = ["binlog.", "api.tokens"];

    [Fact]
    public void The_written_file_needs_an_address_and_nothing_else()
    {
        var text = ConfigurationTemplate.Render(new Dictionary<string, string>
        {
            ["node.advertise_address"] = "\"10.0.0.1:7654\"",
            ["cluster.secret"] = ConfigurationTemplate.Literal(Secrets.Fresh()),
            ["api.token"] = ConfigurationTemplate.Literal(Secrets.Fresh()),
        });

        Assert.Empty(ConfigurationLoaderTests.Load(text).Findings);
    }

    [Fact]
    public void It_holds_every_key_with_the_default_that_the_program_has()
    {
        var loaded = ConfigurationLoaderTests.Load(ConfigurationTemplate.Render(new Dictionary<string, string>()));
        var defaults = new NodeConfiguration();

        foreach (var section in ConfigurationSchema.Sections.Where(s => s.Name != "binlog"))
        {
            var (given, expected) = (section.Property!.GetValue(loaded.Configuration), section.Property.GetValue(defaults));
            foreach (var key in section.Keys.Where(k => $"{section.Name}.{k.Name}" is not ("node.id" or "api.tokens" or "cluster.peers")))
                Assert.Equal((key.Name, Value(key, expected)), (key.Name, Value(key, given)));
        }

        static object? Value(KeySchema key, object? section) =>
            key.Property.GetValue(section) is var value && value is ImmutableArray<string> list ? string.Join(' ', list) : value;

        var text = ConfigurationTemplate.Render(new Dictionary<string, string>());
        var missing = ConfigurationSchema.Sections.SelectMany(s => s.Keys.Select(k => $"{s.Name}.{k.Name}"))
            .Where(path => !LeftOut.Any(l => path.StartsWith(l, StringComparison.Ordinal)) && !text.Contains(path.Split('.')[1] + " = ", StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    [Fact]
    public void A_value_for_a_key_that_is_not_there_is_a_mistake() =>
        Assert.Throws<ArgumentException>(() => ConfigurationTemplate.Render(new Dictionary<string, string> { ["node.nme"] = "\"x\"" }));

    [Fact]
    public void Secrets_are_long_and_never_the_same()
    {
        var (one, two) = (Secrets.Fresh(), Secrets.Fresh());

        Assert.Equal(43, one.Length);
        Assert.NotEqual(one, two);
    }

    [Fact]
    public void The_account_is_created_outside_the_binary_log()
    {
        var lines = AccountSql.Statements("wolf'scale", "p\\w").Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith("--", StringComparison.Ordinal)).ToList();

        Assert.Equal("SET SESSION sql_log_bin = 0;", lines[0]);
        Assert.Equal("CREATE USER IF NOT EXISTS 'wolf''scale'@'localhost' IDENTIFIED BY 'p\\\\w';", lines[1]);
        Assert.Equal("SET SESSION sql_log_bin = 1;", lines[^1]);
    }
}
