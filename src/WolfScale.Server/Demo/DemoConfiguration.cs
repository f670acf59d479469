using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using WolfScale.Server.Cli;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Demo;

/// <summary>Writes the configuration of a demo node: everything on loopback, <c>--set</c> over it.</summary>
internal static class DemoConfiguration
{
    public const string FileName = "config.toml";

    /// <summary>Writes <c>NODE/config.toml</c> and returns its path.</summary>
    /// <exception cref="RefusedException">The settings do not make a valid configuration.</exception>
    public static string Write(DemoState demo, DemoNode node)
    {
        var text = Render(demo, node);
        var path = Path.Combine(node.Folder(demo.Dir), FileName);
        var errors = ConfigurationLoader.Load(text, path, []).Findings.Where(f => f.Severity == Severity.Error).ToList();
        if (errors.Count > 0)
            throw new RefusedException($"--set makes the configuration of {node.Id} invalid:\n" + string.Join('\n', errors), ExitCode.Invalid);
        PrivateFile.Write(path, text);
        return path;
    }

    /// <summary>Reads <c>section.key=value</c>. The value is a TOML literal, or bare text for a key that holds text.</summary>
    /// <exception cref="RefusedException">There is no such key; the nearest is named.</exception>
    public static KeyValuePair<string, string> ParseSetting(string setting)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        var path = equals > 0 ? setting[..equals].Trim() : "";
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
            throw new RefusedException($"--set {setting}: write section.key=value, for example cluster.heartbeat_interval_ms=100.", ExitCode.Invalid);
        var known = ConfigurationSchema.Sections.SelectMany(s => s.Keys.Select(k => $"{s.Name}.{k.Name}")).ToList();
        if (!known.Contains(path))
            throw new RefusedException($"--set {setting}: there is no key {path}" + (NearestName.Find(path, known) is { } nearest ? $"; did you mean {nearest}?" : "."), ExitCode.Invalid);
        var value = setting[(equals + 1)..].Trim();
        var type = ConfigurationSchema.Find(path[..dot])!.Find(path[(dot + 1)..])!.Type;
        var bare = (type == typeof(string) || type.IsEnum) && !value.StartsWith('"') && !value.StartsWith('\'');
        return KeyValuePair.Create(path, bare ? ConfigurationTemplate.Literal(value) : value);
    }

    private static string Render(DemoState demo, DemoNode node)
    {
        var values = Defaults(demo, node);
        foreach (var (key, value) in demo.Settings)
            values[key] = value;
        var text = new StringBuilder($"# {node.Id} of the demo cluster. Written anew by every start.\n");
        foreach (var section in values.GroupBy(v => v.Key.Split('.')[0]))
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"\n[{section.Key}]\n");
            foreach (var (key, value) in section)
                _ = text.Append(CultureInfo.InvariantCulture, $"{key.Split('.')[1]} = {value}\n");
        }

        return text.ToString();
    }

    private static SortedDictionary<string, string> Defaults(DemoState demo, DemoNode node)
    {
        var ports = node.Ports(demo.BasePort);
        var server = DemoServer.Private(demo, node);
        var peers = demo.Nodes.Select(n => ConfigurationTemplate.Literal($"127.0.0.1:{n.Ports(demo.BasePort).Cluster}"));
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["node.id"] = ConfigurationTemplate.Literal(node.Id),
            ["node.bind_address"] = ConfigurationTemplate.Literal($"127.0.0.1:{ports.Cluster}"),
            ["node.data_dir"] = ConfigurationTemplate.Literal(Path.Combine(node.Folder(demo.Dir), "wolfscale")),
            ["database.host"] = "\"127.0.0.1\"",
            ["database.port"] = ports.MariaDb.ToString(CultureInfo.InvariantCulture),
            ["database.socket"] = ConfigurationTemplate.Literal(server.Socket),
            ["database.user"] = ConfigurationTemplate.Literal(DemoServer.Account),
            ["database.password"] = ConfigurationTemplate.Literal(demo.ServerPassword),
            ["database.database"] = ConfigurationTemplate.Literal(demo.Database),
            ["cluster.cluster_name"] = ConfigurationTemplate.Literal(demo.Cluster),
            ["cluster.secret"] = ConfigurationTemplate.Literal(demo.Secret),
            ["cluster.peers"] = "[" + string.Join(", ", peers) + "]",
            ["cluster.auto_discovery"] = "false",
            ["api.bind_address"] = ConfigurationTemplate.Literal($"127.0.0.1:{ports.Api}"),
            ["api.token"] = ConfigurationTemplate.Literal(demo.Token),
            ["proxy.bind_address"] = ConfigurationTemplate.Literal($"127.0.0.1:{ports.Proxy}"),
        };
        if (node.Witness)
        {
            foreach (var key in values.Keys.Where(k => k.StartsWith("database.", StringComparison.Ordinal) || k.StartsWith("proxy.", StringComparison.Ordinal)).ToList())
                _ = values.Remove(key);
            values["database.enabled"] = "false";
        }

        return values;
    }
}
