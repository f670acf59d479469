using System.CommandLine;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Spectre.Console;
using WolfScale.Cluster;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Physical;

namespace WolfScale.Ctl.Commands;

/// <summary>
/// <c>wolfctl migrate --physical</c>: this program does the work, because it takes rights that the node need not have: it stops MariaDB, exchanges its files and starts it. The node
/// may run meanwhile, and is told, or be stopped, and goes on when it is started.
/// </summary>
internal static class PhysicalMigrate
{
    /// <summary>The source may have to wait for its applier before it answers.</summary>
    private static readonly TimeSpan SourcePatience = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static async Task<int> RunAsync(
        ParseResult parsed, MigrateRequest request, string? confirm, bool dryRun, ServerCommands commands, CancellationToken cancellationToken)
    {
        var configuration = GlobalOptions.Load(parsed).Configuration;
        if (!configuration.Database.Enabled)
            throw new RefusedException("This node is a witness (database.enabled = false): it has no MariaDB.");
        using var endpoints = Endpoints.Open(parsed, SourcePatience);
        using var local = configuration.Api.Enabled ? NodeClient.Local(configuration, timeout: SourcePatience, log: CtlOptions.RequestLog(parsed)) : null;
        try
        {
            var report = local is null ? null : await TryStatusAsync(local, cancellationToken);
            if (report is not null && report.Id != configuration.Node.Id)
                throw new RefusedException($"{local!.Address} is {report.Id}, and the configuration is {configuration.Node.Id}'s: --physical works on the machine of the node whose configuration it is given.");
            await using var node = report is not null ? new RunningNode(local!, report, request.ReplaceData) : await FilesNode.OpenStoppedAsync(configuration);
            using var show = new Shown(parsed.GetValue(CtlOptions.Json));
            using var migration = new PhysicalMigration(LocalServer.Options(configuration), node, commands, show.Progress);
            var cluster = report?.ClusterName ?? configuration.Cluster.ClusterName;
            var resumed = migration.IsInterrupted;
            (NodeClient Client, string Name)? source = resumed ? null : await SourceAsync(endpoints, request.From, configuration.Node.Id, node.ClusterId, cancellationToken);
            if (!Consent.Given(
                parsed,
                dryRun,
                resumed
                    ? $"A copy that was begun before is put in place on {configuration.Node.Id}: its MariaDB is stopped ({commands.Stop}), its files are exchanged, and it is started ({commands.Start})."
                    : $"{configuration.Node.Id} gets a copy of the files of {source!.Value.Name}. Then its MariaDB is stopped ({commands.Stop}), its files are exchanged, and it is started ({commands.Start}). It serves nobody meanwhile.",
                request.ReplaceData ? $"ALL DATA AND ACCOUNTS OF THE SERVER OF {configuration.Node.Id} ARE REPLACED." : "It is refused where its server holds data (--replace-data replaces them).",
                report is null ? "The node does not run: it goes on when it is started." : "The node runs, and goes on by itself."))
                return ExitCode.Done;
            if (request.ReplaceData && cluster is { Length: > 0 })
                Consent.Named(confirm, cluster);
            await migration.RunAsync(token => OpenAsync(source ?? throw Finished(), token), request.ReplaceData, cancellationToken);
            if (report is null)
            {
                show.Line($"{configuration.Node.Id}'s MariaDB runs with the copy. Start the node: it sets the position and catches up. When it is ACTIVE, delete {migration.OldFiles}, which holds the files of before.");
                return ExitCode.Done;
            }

            await FollowAsync(local!, report, show, cancellationToken);
            migration.DeleteOldFiles();
            return ExitCode.Done;
        }
        catch (Exception e) when (e is DumpException or ClusterStartException)
        {
            throw new RefusedException($"The copy failed: {e.Message.TrimEnd('.')}.");
        }
    }

    private static DumpException Finished() =>
        new("What was begun before has been put in place by another run meanwhile: see how the node is (wolfctl status), and run this again if it still wants a copy.");

    /// <summary>Whose data: the node that was named, or the best one, a follower rather than the leader.</summary>
    private static async Task<(NodeClient Client, string Name)> SourceAsync(
        Endpoints endpoints, string? from, string self, string? clusterId, CancellationToken cancellationToken)
    {
        NodeClient client;
        if (from is not null && PeerAddress.TryParse(from, endpoints.First.Address.Scheme, out var api, out _))
        {
            client = endpoints.At(api);
        }
        else
        {
            var (cluster, asked) = await endpoints.ClusterAsync(cancellationToken);
            var best = from ?? cluster.Nodes.Where(n => n.Id != self && n is { Status: "ACTIVE", Api: not null } && n.Role != "WITNESS")
                .OrderBy(n => n.Id == cluster.Leader).ThenByDescending(n => n.Id, StringComparer.Ordinal).FirstOrDefault()?.Id
                ?? throw new RefusedException("No other node is ACTIVE, so there is none to copy from.");
            client = endpoints.Member(cluster, best, asked);
        }

        var report = await client.GetAsync("/status", ApiJson.Default.NodeReport, cancellationToken) ?? throw new RefusedException($"{client.Address} does not say who it is.");
        if (report.Id == self)
            throw new RefusedException($"{client.Address} is this node itself: name another.");
        if (report.ClusterId != clusterId)
            throw new RefusedException($"{report.Id} ({client.Address}) belongs to another cluster, {report.ClusterName} ({report.ClusterId}): its data are not this cluster's.");
        return (client, report.Id);
    }

    private static async Task<PhysicalStream> OpenAsync((NodeClient Client, string Name) source, CancellationToken cancellationToken)
    {
        var answer = await source.Client.OpenAsync("/dump?format=physical", source.Client.Address.IsLoopback ? "identity" : "gzip", cancellationToken);
        string Header(string name) => answer.Headers.TryGetValues("X-WolfScale-" + name, out var values)
            ? values.First()
            : throw new RefusedException($"{source.Name} ({source.Client.Address}) sends a copy without the header X-WolfScale-{name}: is it of an earlier version?");
        var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        Stream content = new PatientStream(answer.Content.Headers.ContentEncoding.Contains("gzip") ? new GZipStream(body, CompressionMode.Decompress) : body);
        _ = long.TryParse(Header("Estimated-Bytes"), CultureInfo.InvariantCulture, out var estimate);
        return new PhysicalStream(source.Name, Header("Server-Version"), Header("File-Settings"), estimate, content);
    }

    /// <summary>Until the node is in step with what it now holds.</summary>
    private static async Task FollowAsync(NodeClient node, NodeReport before, Shown show, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookEvery);
        do
        {
            if (await TryStatusAsync(node, cancellationToken) is not { } now || !HasTakenCopy(before, now))
                continue;
            if (now.Status == "ACTIVE")
            {
                show.Line($"{now.Id} is in step{(now.Migration is { } done ? $", with a copy of {done.From}" : "")}");
                return;
            }

            show.Progress(new PhysicalProgress($"catching up with the log, {now.LagEntries} entries behind", 0, 0, 0));
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>
    /// Whether the node has taken the copy over that was put in place. It tells of it until it is restarted; then it goes on by its journal, and tells nothing any more once that is closed.
    /// </summary>
    /// <param name="before">What it said before anything was put in place.</param>
    /// <param name="now">What it says now.</param>
    /// <exception cref="RefusedException">It cannot go on from the copy.</exception>
    internal static bool HasTakenCopy(NodeReport before, NodeReport now)
    {
        var tells = now.Migration is { } migration && migration.StartedAt != before.Migration?.StartedAt ? migration : null;
        if (tells is { Phase: "failed", Error.Length: > 0 })
            throw new RefusedException($"MariaDB runs with the copy, and the node cannot go on from it: {tells.Error}");
        if (tells is null ? now.StartedAt == before.StartedAt : tells.Phase != "done")
            return false; // it looks for its server
        if (now.Status == "NEEDS_MIGRATION")
            throw new RefusedException($"The copy is in place, and the node cannot go on from it: {now.Reason}");
        return true;
    }

    private static async Task<NodeReport?> TryStatusAsync(NodeClient node, CancellationToken cancellationToken)
    {
        try
        {
            return await node.GetAsync("/status", ApiJson.Default.NodeReport, cancellationToken);
        }
        catch (UnreachableException)
        {
            return null;
        }
    }

    /// <summary>A line whenever there is something new to say; a line that is written over on a terminal; with <c>--json</c> an object for each look.</summary>
    private sealed class Shown(bool json) : IDisposable
    {
        private const int Steps = 10;

        private (string Doing, long Step) _last;
        private bool _isOpen;

        public void Progress(PhysicalProgress progress)
        {
            var report = new MigrationReport
            {
                From = progress.Doing.Split(' ')[^1],
                Phase = progress.BytesPerSecond > 0 ? "loading" : progress.Doing,
                Bytes = progress.Bytes,
                EstimatedBytes = progress.EstimatedBytes > 0 ? progress.EstimatedBytes : null,
                BytesPerSecond = progress.BytesPerSecond,
            };
            var text = progress.BytesPerSecond > 0 ? MigrateCommand.Loading(report) : progress.Doing;
            if (json)
            {
                Terminal.Line(JsonSerializer.Serialize(report, ApiJson.Default.MigrationReport));
                return;
            }

            if (Terminal.Interactive)
            {
                Console.Out.Write($"\r{text}\u001b[K");
                _isOpen = true;
                return;
            }

            var now = (progress.Doing, progress.EstimatedBytes > 0 ? progress.Bytes * Steps / progress.EstimatedBytes : 0);
            if (now == _last)
                return;
            _last = now;
            Terminal.Line(text);
        }

        public void Line(string text)
        {
            Dispose();
            if (!json)
                Terminal.Line(text);
        }

        public void Dispose()
        {
            if (_isOpen)
                Console.Out.WriteLine();
            _isOpen = false;
        }
    }

    /// <summary>A source whose machine is gone says nothing, for good.</summary>
    private sealed class PatientStream(Stream inner) : Stream
    {
        private static readonly TimeSpan Silence = TimeSpan.FromMinutes(5);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken).AsTask().WaitAsync(Silence, cancellationToken);
            }
            catch (Exception e) when (e is TimeoutException or HttpRequestException or InvalidDataException)
            {
                throw new IOException(e is TimeoutException ? $"the source has said nothing for {Silence.TotalMinutes:0} minutes" : e.Message, e);
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
