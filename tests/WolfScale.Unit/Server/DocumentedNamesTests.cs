using System.Text.RegularExpressions;
using WolfScale.Cluster;
using WolfScale.Server.Hosting;
using WolfScale.Server.Metrics;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>Words that an operator meets and looks up: each stands in its table, with what it means and what to do, and nothing else does.</summary>
public sealed partial class DocumentedNamesTests
{
    [Fact]
    public void Every_status_of_a_node_is_explained() =>
        AssertTable("docs/wolfctl.md", "| status | means |", Enum.GetValues<NodeStatus>().Select(SwitchoverRules.Word), NodeMetrics.Statuses);

    [Fact]
    public void Every_role_of_a_node_is_explained() =>
        AssertTable("docs/wolfctl.md", "| role | means |", Enum.GetNames<NodeRole>().Select(r => ConfigurationSchema.SnakeCase(r).ToUpperInvariant()), NodeMetrics.Roles);

    [Fact]
    public void Every_alert_is_explained_with_its_severity()
    {
        var alerts = Alert().Matches(Repository.Read("deploy/prometheus/alerts.yml")).Select(m => (m.Groups[1].Value, m.Groups[2].Value)).Order().ToList();
        var rows = Repository.Table("docs/metrics.md", "| alert | severity |");

        Assert.True(alerts.Count > 10, $"{alerts.Count} alerts were found");
        Assert.Equal(alerts, rows.Select(r => (r[0].Trim('`'), r[1])).Order());
        Assert.All(rows, r => Assert.True(r is [_, _, { Length: > 0 }, { Length: > 0 }], string.Join('|', r)));
    }

    private static void AssertTable(string document, string head, IEnumerable<string> words, IEnumerable<string> measured)
    {
        var (rows, all) = (Repository.Table(document, head), words.Order(StringComparer.Ordinal).ToList());

        Assert.Equal(all, rows.Select(r => r[0].Trim('`')).Order(StringComparer.Ordinal));
        Assert.Equal(all, measured.Order(StringComparer.Ordinal));
        Assert.All(rows, r => Assert.True(r is [_, { Length: > 0 }, { Length: > 0 }], string.Join('|', r)));
    }

    /// <summary>Its name, and the severity that comes before the next one's.</summary>
    [GeneratedRegex(@"- alert: (\w+)(?:(?!- alert:)[\s\S])*?severity: (\w+)")]
    private static partial Regex Alert();
}
