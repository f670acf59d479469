using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>
/// What preflight says of a server, without a node: nothing is changed, and what only a node knows (the other members' servers, its log) is left out.
/// </summary>
public static class ServerLook
{
    /// <summary>Somebody waits at a terminal.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <returns>The server's version, and what it lacks; what it lacks only for taking over another's data is a warning here.</returns>
    /// <exception cref="DatabaseException">It does not answer, or refuses the account.</exception>
    public static async Task<(string Version, PreflightReport Report)> LookAsync(DatabaseOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var connector = new ServerConnector(options with { ConnectTimeout = options.ConnectTimeout < Patience ? options.ConnectTimeout : Patience });
            await using var server = await connector.OpenAsync(cancellationToken);
            // The replicas and their number are two questions, and a capture that comes or goes between them is nobody else's.
            var before = await AttachedReplicas.CountOwnAsync(server, await ServerFacts.ReadAsync(server));
            var facts = await ServerFacts.ReadAsync(server);
            var report = PreflightCheck.Run(facts, new PreflightContext
            {
                NodeId = options.NodeId,
                AllowStatementFormat = options.AllowStatementFormat,
                OwnSemiSyncClients = Math.Max(before, await AttachedReplicas.CountOwnAsync(server, facts)),
                DumpHosts = await AttachedReplicas.ForeignHostsAsync(server, facts),
                ReachedByExtraPort = server.ByExtraPort(facts),
            });
            return (facts.Version.Text, PrivilegeRules.CheckMigration(facts) is { } lack ? report with { Findings = [.. report.Findings, lack] } : report);
        }
        catch (MySqlException e)
        {
            throw new DatabaseException(string.Create(CultureInfo.InvariantCulture, $"{options.User} cannot log in, or cannot look: {e.Message}"), e);
        }
    }
}
