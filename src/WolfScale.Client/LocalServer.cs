using System.Collections.Immutable;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Preflight;
using WolfScale.Settings;

namespace WolfScale.Client;

/// <summary>The MariaDB that a configuration names.</summary>
public static class LocalServer
{
    /// <summary>Where it is, and how WolfScale logs in.</summary>
    public static DatabaseOptions Options(NodeConfiguration configuration) => new()
    {
        NodeId = configuration.Node.Id,
        DataDirectory = configuration.FilesDirectory,
        Host = configuration.Database.Host,
        Port = configuration.Database.Port,
        Socket = configuration.Database.Socket,
        User = configuration.Database.User,
        Password = configuration.Database.Password,
        ConnectTimeout = TimeSpan.FromSeconds(configuration.Database.ConnectTimeoutS),
        FeedAdvertiseHost = configuration.Database.FeedAdvertiseHost,
        AutoMigrate = configuration.Cluster.AutoMigrate,
    };

    /// <summary>What it lacks, by the rules that a node goes by; a remark where it cannot be looked at.</summary>
    public static async Task<ImmutableArray<Finding>> LackingAsync(NodeConfiguration configuration, CancellationToken cancellationToken)
    {
        var database = configuration.Database;
        var where = new SourcePosition("MariaDB at " + (database.Socket.Length > 0 ? database.Socket : new HostPort(database.Host, database.Port).ToString()));
        try
        {
            var (version, report) = await ServerLook.LookAsync(Options(configuration), cancellationToken);
            return
            [
                new Finding(Severity.Remark, "looked_at", "", where, $"its version is {version}"),
                .. report.Findings.Select(f => new Finding(f.Severity == FindingSeverity.Refusal ? Severity.Error : Severity.Warning, f.Code, "", where, Text(f))),
            ];
        }
        catch (DatabaseException e)
        {
            return [new Finding(Severity.Remark, "not_looked_at", "", where, $"what it lacks was not looked at: {e.Message}")];
        }
    }

    /// <summary>On one line.</summary>
    private static string Text(PreflightFinding finding) =>
        finding.ConfigurationLine is { } lines ? $"{finding} Under [mariadbd]: {lines.ReplaceLineEndings(", ")}" : finding.ToString();
}
