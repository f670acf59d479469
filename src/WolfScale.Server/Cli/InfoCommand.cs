using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MySqlConnector;
using Spectre.Console;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale info</c>: the node's configuration (secrets masked), its identity, its MariaDB's version and settings.</summary>
internal static class InfoCommand
{
    private const string Masked = "********";

    private static readonly string[] Settings =
    [
        "version", "server_id", "log_bin", "log_slave_updates", "binlog_format", "sync_binlog", "innodb_flush_log_at_trx_commit",
        "read_only", "gtid_domain_id", "gtid_strict_mode", "gtid_binlog_pos", "gtid_slave_pos", "rpl_semi_sync_master_enabled",
        "rpl_semi_sync_master_wait_point", "rpl_semi_sync_master_timeout", "slave_parallel_threads", "extra_port", "lower_case_table_names",
    ];

    private static readonly string[] IdentityFields =
        ["id", "incarnation", "cluster_name", "cluster_id", "role", "status", "leader", "version", "started_at", "pid"];

    public static Command Create()
    {
        var command = new Command("info", "Shows this node's configuration (secrets masked), identity and MariaDB") { GlobalOptions.Json };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, parsed.GetValue(GlobalOptions.Json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        var configuration = GlobalOptions.Load(parsed).Configuration;
        var document = new JsonObject
        {
            ["configuration"] = Configuration(configuration),
            ["identity"] = await IdentityAsync(configuration, cancellationToken),
            ["mariadb"] = await MariaDbAsync(configuration.Database, cancellationToken),
        };
        if (json)
            Terminal.Line(document.ToJsonString());
        else
            Print(document);
        return ExitCode.Done;
    }

    private static JsonObject Configuration(NodeConfiguration configuration)
    {
        var document = new JsonObject();
        foreach (var section in ConfigurationSchema.Sections)
        {
            var record = section.Property!.GetValue(configuration)!;
            var values = new JsonObject();
            foreach (var key in section.Keys)
                values[key.Name] = Value(key, key.Property.GetValue(record));
            document[section.Name] = values;
        }

        return document;
    }

    private static JsonNode? Value(KeySchema key, object? value) => value switch
    {
        null => null,
        string text when key.Secret => text.Length > 0 ? Masked : "",
        string text => text,
        bool boolean => boolean,
        int number => number,
        long number => number,
        Enum choice => ConfigurationSchema.SnakeCase(choice.ToString()),
        IEnumerable list => new JsonArray([.. list.Cast<object>().Select(item => item is string text ? (JsonNode)text : Token((ApiToken)item))]),
        _ => value.ToString(),
    };

    private static JsonObject Token(ApiToken token) => new()
    {
        ["name"] = token.Name,
        ["role"] = ConfigurationSchema.SnakeCase(token.Role.ToString()),
        ["token"] = Masked,
    };

    /// <summary>From the running node; null when none runs.</summary>
    private static async Task<JsonNode?> IdentityAsync(NodeConfiguration configuration, CancellationToken cancellationToken)
    {
        try
        {
            using var client = NodeClient.Local(configuration);
            var status = JsonNode.Parse(await client.GetTextAsync("/status", cancellationToken))!.AsObject();
            return new JsonObject(IdentityFields.Select(name => KeyValuePair.Create(name, status[name]?.DeepClone())));
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    /// <summary>Asked directly, because it is wanted most when the node does not run; the reason when it cannot be asked.</summary>
    private static async Task<JsonObject> MariaDbAsync(DatabaseSection database, CancellationToken cancellationToken)
    {
        if (!database.Enabled)
            return new JsonObject { ["enabled"] = false };
        try
        {
            await using var connection = new MySqlConnection(DatabaseAddress.ConnectionString(database, TimeSpan.FromSeconds(3)));
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "SHOW GLOBAL VARIABLES";
            var settings = new Dictionary<string, string>();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                settings[reader.GetString(0)] = reader.GetString(1);
            return new JsonObject(Settings.Select(name => KeyValuePair.Create(name, settings.TryGetValue(name, out var value) ? (JsonNode?)value : null)));
        }
        catch (MySqlException e)
        {
            return new JsonObject { ["error"] = string.Create(CultureInfo.InvariantCulture, $"{DatabaseAddress.Describe(database)}: {e.Message}") };
        }
    }

    private static void Print(JsonObject document)
    {
        foreach (var (title, part) in document)
        {
            Terminal.Out.MarkupLine($"[bold]{title}[/]");
            if (part is not JsonObject values)
            {
                Terminal.Line("  (the node does not run)");
                continue;
            }

            foreach (var (name, value) in values)
            {
                if (value is JsonObject section)
                {
                    Terminal.Line($"  [{name}]");
                    foreach (var (key, inner) in section)
                        Terminal.Line($"    {key} = {Show(inner)}");
                }
                else
                    Terminal.Line($"  {name} = {Show(value)}");
            }
        }
    }

    private static string Show(JsonNode? value) => value is null ? "(none)"
        : value.GetValueKind() == JsonValueKind.String ? $"\"{value.GetValue<string>()}\"" : value.ToJsonString();
}
