using System.Collections.Immutable;
using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Sources;

/// <summary>A server that WolfScale does not manage and is to capture from (<c>replication.mode = "binlog"</c>), as it says itself.</summary>
public sealed record BinlogSource
{
    public required string Version { get; init; }

    public required bool IsMariaDb { get; init; }

    public required bool LogBin { get; init; }

    /// <summary>ROW, MIXED or STATEMENT.</summary>
    public required string Format { get; init; }

    public required string RowImage { get; init; }

    public required uint ServerId { get; init; }

    /// <summary>Where its binary log stands, as GTIDs; empty where it has none.</summary>
    public required string GtidPosition { get; init; }

    /// <summary>The same as <c>file:offset</c>; null where the account may not ask.</summary>
    public string? FilePosition { get; init; }

    /// <summary>Databases that its binary log leaves out or is limited to.</summary>
    public ImmutableArray<string> Filters { get; init; } = [];

    /// <summary>The account, quoted.</summary>
    public required string Account { get; init; }

    /// <summary>Global privileges, in upper case.</summary>
    public required ImmutableHashSet<string> Privileges { get; init; }

    /// <summary>The server's own, and its replicas' as far as the account may see them.</summary>
    public required ImmutableArray<uint> ServerIdsInUse { get; init; }

    /// <summary>Whether its replicas could be asked for.</summary>
    public bool KnowsReplicas { get; init; }

    /// <summary>Asks it, and changes nothing.</summary>
    /// <exception cref="DatabaseException">It does not answer, or refuses the account.</exception>
    public static async Task<BinlogSource> LookAsync(DatabaseOptions options, CancellationToken cancellationToken)
    {
        var where = options.Socket.Length > 0 ? options.Socket : string.Create(CultureInfo.InvariantCulture, $"{options.Host}:{options.Port}");
        try
        {
            await using var server = await AdminConnection.OpenAsync(options, extraPort: 0, closed: null, cancellationToken);
            return await LookAsync(server);
        }
        catch (MySqlException e)
        {
            throw new DatabaseException($"the source at {where} cannot be looked at as {options.User}: {e.Message}", e);
        }
    }

    private static async Task<BinlogSource> LookAsync(AdminConnection server)
    {
        var variables = (await server.QueryAsync("SHOW GLOBAL VARIABLES")).ToImmutableDictionary(r => r["Variable_name"].ToLowerInvariant(), r => r["Value"]);
        var version = MariaDbVersion.Parse(variables.GetValueOrDefault("version", ""));
        var status = await TryAsync(server, "SHOW MASTER STATUS");
        var replicas = await TryAsync(server, "SHOW SLAVE HOSTS");
        _ = uint.TryParse(variables.GetValueOrDefault("server_id", "0"), CultureInfo.InvariantCulture, out var serverId);
        var log = status is [var row, ..] ? row : null;
        return new BinlogSource
        {
            Version = version.Text,
            IsMariaDb = version.IsMariaDb,
            LogBin = variables.GetValueOrDefault("log_bin") == "ON",
            Format = variables.GetValueOrDefault("binlog_format", ""),
            RowImage = variables.GetValueOrDefault("binlog_row_image", ""),
            ServerId = serverId,
            GtidPosition = variables.GetValueOrDefault("gtid_binlog_pos", ""),
            FilePosition = log is null ? null : $"{log["File"]}:{log["Position"]}",
            Filters = log is null ? [] : [.. ((string[])["Binlog_Do_DB", "Binlog_Ignore_DB"]).Where(n => log[n].Length > 0).Select(n => $"{n}={log[n]}")],
            Account = Sql.Account(await server.ScalarAsync("SELECT CURRENT_USER()") ?? ""),
            Privileges = [.. (await server.QueryAsync("SHOW GRANTS")).SelectMany(r => ServerFacts.GlobalPrivileges(r.First ?? ""))],
            ServerIdsInUse = [.. (replicas ?? []).Select(r => uint.TryParse(r["Server_id"], CultureInfo.InvariantCulture, out var id) ? id : 0).Append(serverId).Where(id => id > 0).Distinct().Order()],
            KnowsReplicas = replicas is not null,
        };
    }

    /// <returns>Null where the account may not ask.</returns>
    private static async Task<IReadOnlyList<Row>?> TryAsync(AdminConnection server, string sql)
    {
        try
        {
            return await server.QueryAsync(sql);
        }
        catch (MySqlException e) when (e.Number is ServerErrors.AccessDenied or (int)MySqlErrorCode.ParseError)
        {
            return null;
        }
    }
}
