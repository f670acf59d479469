using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace WolfScale.Server.Configuration;

/// <summary>
/// The configuration for people and for editors: a page, and a JSON schema (Taplo, VS Code). Types, ranges, choices and defaults are those that the loader checks; what a key is for stands in
/// the template that <c>wolfscale init</c> writes.
/// </summary>
public static class ConfigurationReference
{
    /// <summary>What the template leaves out: of another mode, or a list of tables.</summary>
    private static readonly ImmutableDictionary<string, string> LeftOut = new Dictionary<string, string>
    {
        ["binlog"] = "the source of replication.mode = \"binlog\"",
        ["binlog.host"] = "as in [database] where it is left out",
        ["binlog.port"] = "as in [database] where it is left out",
        ["binlog.user"] = "as in [database] where it is left out",
        ["binlog.password"] = "as in [database] where it is left out",
        ["binlog.server_id"] = "the first of ten ids that WolfScale may use against the source",
        ["binlog.start_position"] = "a GTID position, or file:offset; empty: now",
        ["api.tokens"] = "more tokens, as tables [[api.tokens]] with token, role = \"read\" | \"write\" | \"admin\", and name",
    }.ToImmutableDictionary(StringComparer.Ordinal);

    /// <summary>The page <c>docs/configuration.md</c>.</summary>
    public static string Markdown()
    {
        var about = ReadTemplate();
        var text = new StringBuilder("""
            # Configuration
            `/etc/wolfscale/config.toml`, in TOML. `wolfscale init` writes one with every key; `wolfctl check-config` says what is wrong with one, with line and column. An unknown key is an error that names the nearest
            known one. `WOLFSCALE_SECTION__KEY` variables override the file; a secret may stand in a file of its own, that others cannot read, with the key `NAME_file`. Editors that know JSON schemas take
            [configuration.schema.json](configuration.schema.json).

            A running node takes over what is **live** when it gets SIGHUP (`systemctl reload wolfscale`) or `wolfctl reload`, and tells which other keys were changed and want a restart of it. A file with an error changes
            nothing. Variables go on winning. Certificates are read again from their files, changed or not; to switch TLS on or off wants a restart. `wolfctl log-level` changes the level until the next restart,
            or until a reload finds another level in the file. A reload also opens `logging.file` anew, which may have been renamed (logrotate), whatever it finds in the configuration. `wolfscale proxy` and
            `load-balancer` do the same on SIGHUP with those keys that they go by ([proxy.md](proxy.md#stand-alone)).

            This page is made of the program: `wolfscale configuration --page`.

            """);
        foreach (var section in ConfigurationSchema.Sections)
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"\n## [{section.Name}]\n");
            if (About(about, section.Name) is { Length: > 0 } what)
                _ = text.Append(Sentence(what)).Append("\n\n");
            _ = text.Append("| key | default | a change is | what it is for |\n|---|---|---|---|\n");
            foreach (var key in section.Keys)
                _ = text.Append(CultureInfo.InvariantCulture, $"| `{key.Name}` | {Default(section, key)} | {(key.Live ? "live" : "for a restart")} | {Cell(string.Join(" ", Facts(section, key, about)))} |\n");
        }

        return text.ToString();
    }

    /// <summary>JSON Schema, draft 7.</summary>
    public static string Schema()
    {
        var about = ReadTemplate();
        var sections = new JsonObject();
        foreach (var section in ConfigurationSchema.Sections)
            sections[section.Name] = Table(section.Name, About(about, section.Name), section.Keys, section, about);
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#", ["title"] = "WolfScale", ["type"] = "object", ["additionalProperties"] = false, ["properties"] = sections,
            ["required"] = new JsonArray("node"),
        };
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            schema.WriteTo(writer);
        return Encoding.UTF8.GetString(text.ToArray()) + "\n";
    }

    private static JsonObject Table(string path, string description, ImmutableArray<KeySchema> keys, SectionSchema? section, Dictionary<string, string> about)
    {
        var properties = new JsonObject();
        foreach (var key in keys)
        {
            properties[key.Name] = Value(path, key, section, about);
            if (key.Secret)
                properties[key.Name + "_file"] = new JsonObject { ["type"] = "string", ["description"] = $"a file that holds {key.Name}, and that nobody else can read" };
        }

        var table = new JsonObject { ["type"] = "object", ["description"] = description, ["additionalProperties"] = false, ["properties"] = properties };
        if (keys.Where(k => k.Required && !k.Secret).Select(k => (JsonNode)k.Name).ToArray() is { Length: > 0 } required)
            table["required"] = new JsonArray(required);
        return table;
    }

    private static JsonObject Value(string path, KeySchema key, SectionSchema? section, Dictionary<string, string> about)
    {
        var value = new JsonObject { ["description"] = About(about, $"{path}.{key.Name}") };
        if (section is not null)
            value["x-live"] = key.Live;
        if (key.Type.IsEnum)
        {
            value["enum"] = new JsonArray([.. key.Choices.Select(c => (JsonNode)c)]);
        }
        else if (key.Tables is { } table)
        {
            value["type"] = "array";
            value["items"] = Table($"{path}.{key.Name}", "", table, null, about);
        }
        else
        {
            value["type"] = key.Type == typeof(bool) ? "boolean" : key.Type == typeof(int) || key.Type == typeof(long) ? "integer" : key.Type == typeof(string) ? "string" : "array";
            if (value["type"]!.GetValue<string>() == "array")
                value["items"] = new JsonObject { ["type"] = "string" };
        }

        if (key.Bounds is var (minimum, maximum))
            (value["minimum"], value["maximum"]) = (minimum, maximum);
        if (section is not null && !key.Secret && key.Default(section) is { } standard && key.Tables is null)
            value["default"] = Literal(standard);
        return value;
    }

    private static JsonNode Literal(object value) => value switch
    {
        string text => text,
        bool flag => flag,
        int number => number,
        long number => number,
        Enum choice => ConfigurationSchema.SnakeCase(choice.ToString()),
        _ => new JsonArray(),
    };

    private static IEnumerable<string> Facts(SectionSchema section, KeySchema key, Dictionary<string, string> about)
    {
        if (key.Required)
            yield return "**Required.**";
        if (About(about, $"{section.Name}.{key.Name}") is { Length: > 0 } what)
            yield return Sentence(what);
        if (key.Type.IsEnum)
            yield return $"One of {string.Join(", ", key.Choices.Select(c => $"`\"{c}\"`"))}.";
        if (key.Bounds is var (minimum, maximum))
            yield return string.Create(CultureInfo.InvariantCulture, $"{minimum} to {maximum}.");
        if (key.Secret)
            yield return $"Secret: or `{key.Name}_file`.";
        if (key.ReadableFile)
            yield return "A file (PEM).";
    }

    private static string Default(SectionSchema section, KeySchema key) => key.Default(section) switch
    {
        null => "",
        string text => $"`\"{text}\"`",
        bool flag => flag ? "`true`" : "`false`",
        Enum choice => $"`\"{ConfigurationSchema.SnakeCase(choice.ToString())}\"`",
        IConvertible number => $"`{number.ToString(CultureInfo.InvariantCulture)}`",
        _ => "`[]`",
    };

    private static string About(Dictionary<string, string> about, string path) => about.GetValueOrDefault(path) ?? LeftOut.GetValueOrDefault(path, "");

    /// <summary>Comments of the template, by section and by <c>section.key</c>.</summary>
    private static Dictionary<string, string> ReadTemplate()
    {
        var (about, section) = (new Dictionary<string, string>(StringComparer.Ordinal), "");
        foreach (var line in ConfigurationTemplate.Text.Split('\n'))
        {
            if (line.StartsWith('['))
                section = line[1..line.IndexOf(']', StringComparison.Ordinal)];
            var name = line.StartsWith('[') ? section : ConfigurationTemplate.KeyOf(line) is { Length: > 0 } key ? $"{section}.{key}" : "";
            var comment = line.IndexOf(" # ", StringComparison.Ordinal);
            if (name.Length > 0 && comment > 0)
                about[name] = line[(comment + 3)..].Trim();
        }

        return about;
    }

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..].TrimEnd('.') + ".";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
