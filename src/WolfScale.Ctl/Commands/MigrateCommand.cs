using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using WolfScale.MariaDb;

namespace WolfScale.Ctl.Commands;

/// <summary>
/// <c>wolfctl migrate --from HOST:API_PORT</c>: replaces the data of the node that is asked by a copy of another's, and shows how far it has come until the node is in step
/// again. The node does the work, and goes on when this program ends.
/// </summary>
internal static class MigrateCommand
{
    private const double MiB = 1 << 20;
    private const int NotATerminalEvery = 10;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static Command Create()
    {
        var from = new Option<string?>("--from") { Description = "Whose data: HOST:PORT of a node's HTTP API, or its id; without it the best one, a follower rather than the leader", HelpName = "HOST:API_PORT" };
        var replace = new Option<bool>("--replace-data") { Description = "Destroy the data that this node's server holds" };
        var confirm = new Option<string?>("--confirm") { Description = "With --replace-data: the cluster's name, instead of typing it", HelpName = "CLUSTER_NAME" };
        var dryRun = CtlOptions.DryRun();
        var physical = new Option<bool>("--physical") { Description = "Copy MariaDB's files with mariadb-backup instead of SQL; as root, on this node's machine, whether the node runs or not" };
        var stop = new Option<string>("--stop-command") { Description = "With --physical: stops this machine's MariaDB", HelpName = "COMMAND", DefaultValueFactory = _ => "systemctl stop mariadb" };
        var start = new Option<string>("--start-command") { Description = "With --physical: starts it", HelpName = "COMMAND", DefaultValueFactory = _ => "systemctl start mariadb" };
        var command = new Command("migrate", "Replaces this node's data by a copy of another node's") { from, replace, confirm, dryRun, physical, stop, start };
        command.SetAction((parsed, cancellationToken) =>
        {
            var request = new MigrateRequest(parsed.GetValue(from), parsed.GetValue(replace));
            return parsed.GetValue(physical)
                ? PhysicalMigrate.RunAsync(
                    parsed, request, parsed.GetValue(confirm), parsed.GetValue(dryRun), new ServerCommands(parsed.GetValue(stop)!, parsed.GetValue(start)!), cancellationToken)
                : RunAsync(parsed, request, parsed.GetValue(confirm), parsed.GetValue(dryRun), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, MigrateRequest request, string? confirm, bool dryRun, CancellationToken cancellationToken)
    {
        using var endpoints = Endpoints.Open(parsed);
        var (cluster, node) = await endpoints.ClusterAsync(cancellationToken);
        if (node != endpoints.First)
        {
            throw new RefusedException(
                $"{endpoints.First.Address} does not answer, and a copy without --physical is loaded by the node itself: nothing was touched. Start the node (systemctl start wolfscale) and ask again, or add --physical, which works on a node that is stopped, too. Another node than this one is named with --endpoint.");
        }

        if (!Consent.Given(
            parsed,
            dryRun,
            $"{cluster.Node} gets a copy of {request.From ?? "the best other node"}'s data. It serves nobody meanwhile.",
            request.ReplaceData ? $"ALL DATA AND ACCOUNTS OF THE SERVER OF {cluster.Node} ARE DESTROYED FIRST." : "It is refused where its server holds data (--replace-data destroys them)."))
            return ExitCode.Done;
        if (request.ReplaceData && cluster.ClusterName is { Length: > 0 } name)
            Consent.Named(confirm, name);

        var before = (await StatusAsync(node, cancellationToken)).Report.Migration?.StartedAt;
        _ = await node.PostAsync("/admin/migrate", request, ApiJson.Default.MigrateRequest, cancellationToken);
        return parsed.GetValue(CtlOptions.Json) || !Terminal.Interactive
            ? await FollowAsync(node, before, Lines(parsed.GetValue(CtlOptions.Json)), cancellationToken)
            : await Terminal.Out.Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
                .StartAsync(context => FollowAsync(node, before, Bar(context.AddTask("preparing", maxValue: 1)), cancellationToken));
    }

    /// <summary>Shows every look at the node until its copy is in step, or has failed.</summary>
    private static async Task<int> FollowAsync(NodeClient node, DateTimeOffset? before, Action<NodeReport, MigrationReport, string> show, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookEvery);
        do
        {
            var (report, body) = await StatusAsync(node, cancellationToken);
            if (report.Migration is not { } migration || migration.StartedAt == before)
                continue; // not begun yet
            show(report, migration, body);
            if (migration.Phase == "failed")
            {
                throw new RefusedException(
                    $"The copy failed (attempt {migration.Attempt}): {migration.Error}"
                    + (report.Status == "NEEDS_MIGRATION" ? " The node's data are not whole; it tries again by itself, and `wolfctl status` shows how that goes." : " The node's data are as they were."));
            }

            if (migration.Phase == "done" && report.Status == "ACTIVE")
                return ExitCode.Done;
            if (migration.Phase == "done" && report.Status == "NEEDS_MIGRATION")
                throw new RefusedException($"The copy is in place, and the node cannot go on from it: {report.Reason}");
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
        return ExitCode.Unknown;
    }

    /// <summary>Bytes, rate and time left, for a person.</summary>
    internal static string Loading(MigrationReport migration) => string.Create(
        CultureInfo.InvariantCulture,
        $"copying {migration.From}: {migration.Bytes / MiB:0.0} MiB of about {(migration.EstimatedBytes ?? 0) / MiB:0.0}, {migration.BytesPerSecond / MiB:0.0} MiB/s{Left(migration)}");

    private static Action<NodeReport, MigrationReport, string> Bar(ProgressTask task) => (report, migration, _) =>
    {
        task.Description = Describe(report, migration).EscapeMarkup();
        task.Value = Share(migration);
    };

    /// <summary>A line whenever there is something new to say; with <c>--json</c> what the node says of the migration.</summary>
    private static Action<NodeReport, MigrationReport, string> Lines(bool json)
    {
        var last = ("", -1);
        return (report, migration, body) =>
        {
            var now = (migration.Phase + report.Status, (int)(Share(migration) * NotATerminalEvery));
            if (now == last && !json)
                return;
            last = now;
            if (json)
            {
                using var document = JsonDocument.Parse(body);
                Terminal.Line(document.RootElement.GetProperty("migration").GetRawText());
            }
            else
            {
                Terminal.Line(Describe(report, migration));
            }
        };
    }

    /// <summary>The estimate is what the source's engines say: a dump may be longer, and the bar waits at its end then.</summary>
    private static double Share(MigrationReport migration) => migration.Phase switch
    {
        "done" => 1,
        "finishing" => 0.99,
        _ when migration.EstimatedBytes is > 0 and var whole => Math.Min(0.99, (double)migration.Bytes / whole),
        _ => 0,
    };

    private static string Describe(NodeReport report, MigrationReport migration) => migration.Phase switch
    {
        "preparing" => $"asking {migration.From}",
        "clearing" => "dropping what the server holds",
        "loading" => Loading(migration),
        "finishing" => "setting accounts and position",
        "done" when report.Status != "ACTIVE" => $"catching up with the log, {report.LagEntries} entries behind",
        "done" => string.Create(CultureInfo.InvariantCulture, $"{report.Id} is in step, with a copy of {migration.From} ({migration.Bytes / MiB:0.0} MiB)"),
        var other => other,
    };

    private static string Left(MigrationReport migration)
    {
        if (migration is not { EstimatedBytes: { } whole, BytesPerSecond: > 0 } || whole <= migration.Bytes)
            return "";
        var left = TimeSpan.FromSeconds((whole - migration.Bytes) / migration.BytesPerSecond);
        return left.TotalHours >= 1 ? $", about {left:h\\:mm\\:ss} left" : $", about {left:m\\:ss} left";
    }

    private static async Task<(NodeReport Report, string Body)> StatusAsync(NodeClient node, CancellationToken cancellationToken)
    {
        var body = await node.GetTextAsync("/status", cancellationToken);
        return (new Answer(node, body).Read(ApiJson.Default.NodeReport), body);
    }
}
