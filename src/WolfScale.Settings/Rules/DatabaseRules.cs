using System.Text.RegularExpressions;

namespace WolfScale.Settings.Rules;

/// <summary>The local MariaDB, the feed to it, and the source of binlog mode.</summary>
internal static partial class DatabaseRules
{
    public static IEnumerable<Finding> Check(RuleContext context) => [.. Feed(context), .. Server(context), .. Binlog(context)];

    private static IEnumerable<Finding> Feed(RuleContext context)
    {
        var database = context.Configuration.Database;
        if (!HostPort.TryParse(database.FeedBindAddress, out var feed, out var problem))
            yield return context.Error("bad_address", "database.feed_bind_address", "database.feed_bind_address: " + problem);
        else if (feed.IsWildcard && database.FeedAdvertiseHost.Length == 0)
            yield return context.Error("missing_key", "database.feed_advertise_host",
                $"database.feed_advertise_host is required with feed_bind_address = \"{database.FeedBindAddress}\": MariaDB needs one address to fetch from");
        else if (!feed.IsLoopback)
            yield return context.Warning("feed_open", "database.feed_bind_address",
                $"database.feed_bind_address = \"{database.FeedBindAddress}\" offers the log to the network, unencrypted; only a MariaDB on another machine needs that");
    }

    private static IEnumerable<Finding> Server(RuleContext context)
    {
        var database = context.Configuration.Database;
        if (!database.Enabled)
        {
            if (context.Configuration.Proxy.Enabled && context.Given("proxy.enabled"))
            {
                yield return context.Warning("witness_proxy", "proxy.enabled",
                    "proxy.enabled = true has no effect on a witness (database.enabled = false), which has no server to serve from: run `wolfscale proxy` on this machine instead");
            }

            yield break;
        }

        if (database.Socket.Length > 0 && database.Socket.Length > 107)
            yield return context.Error("bad_socket", "database.socket", $"database.socket is {database.Socket.Length} characters long, and the system allows 107");
        if (database.User.Length == 0)
            yield return context.Error("missing_key", "database.user", "database.user is empty: `wolfscale init --sql` prints the statements that create an account");
        if (database.Socket.Length == 0 && new HostPort(database.Host, database.Port) is { IsLoopback: false })
            yield return context.Warning("remote_database", "database.host", $"database.host = \"{database.Host}\" is not this machine: a broken network between the two stops commits");
    }

    private static IEnumerable<Finding> Binlog(RuleContext context)
    {
        var binlog = context.Configuration.Binlog;
        if (context.Configuration.Replication.Mode == ReplicationMode.Proxy)
        {
            if (binlog != new BinlogSection())
                yield return context.Remark("binlog_unused", "binlog.server_id", "[binlog] is not used while replication.mode = \"proxy\"");
            yield break;
        }

        if (binlog.StartPosition.Length > 0 && !Position().IsMatch(binlog.StartPosition))
            yield return context.Error("bad_position", "binlog.start_position",
                $"binlog.start_position = \"{binlog.StartPosition}\" is neither a GTID position (\"0-1-100\") nor file:offset (\"mysql-bin.000004:1234\")");
    }

    [GeneratedRegex(@"^(\d+-\d+-\d+(,\d+-\d+-\d+)*|[^:\s]+:\d+)$")]
    private static partial Regex Position();
}
