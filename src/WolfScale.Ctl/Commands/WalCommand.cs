using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.Ctl.Wal;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.Ctl.Commands;

/// <summary>
/// <c>wolfctl wal verify|dump|export</c>: a node's log from its files, whether the node runs or not. Nothing is changed, and a node that starts meanwhile is not
/// kept from its log.
/// </summary>
internal static class WalCommand
{
    private static readonly Option<string?> Folder = new("--dir") { Description = "The log's folder; without it, that of the configuration's node", HelpName = "DIR", Recursive = true };

    private static readonly Option<long> From = new("--from") { Description = "The first LSN", HelpName = "LSN" };

    private static readonly Option<long?> To = new("--to") { Description = "The last LSN", HelpName = "LSN" };

    public static Command Create()
    {
        var verify = new Command("verify", "Reads every entry and its checksums: exit code 0 intact, 1 damaged");
        verify.SetAction(Verify);
        var dump = new Command("dump", "Prints the entries as text; with --json one object a line") { From, To };
        dump.SetAction(Dump);
        var output = new Option<string>("--output", "-o") { Description = "The file to write; it must not be there yet", HelpName = "FILE", Required = true };
        var export = new Command("export", "Writes the log's transactions as a binlog file that mariadb-binlog reads") { From, To, output };
        export.SetAction((parsed, cancellationToken) => ExportAsync(parsed, parsed.GetValue(output)!, cancellationToken));
        return new Command("wal", "Looks at a node's write-ahead log, from its files") { Folder, verify, dump, export };
    }

    private static int Verify(ParseResult parsed)
    {
        var folder = FolderOf(parsed, out _);
        var found = Looking(folder, () => WalInspection.Verify(folder));
        var report = found.Report;
        if (parsed.GetValue(CtlOptions.Json))
        {
            Terminal.Line(JsonSerializer.Serialize(
                new WalVerification(folder, report.Damage is null, found.FirstLsn, report.LastLsn, report.RecordedSyncedLsn, report.Segments, report.BytesChecked, report.TornBytes, report.Damage?.Lsn, report.Damage?.ToString()),
                WalJson.Default.WalVerification));
        }
        else
        {
            Terminal.Line(string.Create(
                CultureInfo.InvariantCulture, $"{folder}: {report.Segments} segments, LSN {found.FirstLsn} to {report.LastLsn}, {report.BytesChecked} bytes read, synced up to LSN {report.RecordedSyncedLsn}{(report.TornBytes > 0 ? $", {report.TornBytes} bytes of an unfinished last write" : "")}."));
        }

        if (report.Damage is not { } damage)
            return ExitCode.Done;
        Terminal.Error(string.Create(
            CultureInfo.InvariantCulture, $"damaged: {damage}. What stands before LSN {damage.Lsn} is intact. When the node is started it discards the rest, gives up its vote, and is refilled by its peers (docs/architecture.md, rule C6); see to the disk first."));
        return ExitCode.Refused;
    }

    private static int Dump(ParseResult parsed)
    {
        var folder = FolderOf(parsed, out _);
        var json = parsed.GetValue(CtlOptions.Json);
        var walker = new EventWalker();
        Read(parsed, folder, parsed.GetValue(To) ?? long.MaxValue, (batch, entry) =>
        {
            var text = EntryText.Of(batch, entry, walker);
            if (json)
                Terminal.Line(text.ToJson());
            else
                foreach (var line in text.ToLines())
                    Terminal.Line(line);
        });
        return ExitCode.Done;
    }

    private static async Task<int> ExportAsync(ParseResult parsed, string output, CancellationToken cancellationToken)
    {
        var folder = FolderOf(parsed, out var configuration);
        var to = parsed.GetValue(To) ?? await CommitLsnAsync(configuration, CtlOptions.RequestLog(parsed), cancellationToken);
        if (to is null)
            Terminal.Error("The node does not run, so nobody says what is committed: what stands at the log's end may be what the cluster never acknowledged. --to LSN leaves it out.");
        try
        {
            using var file = BinlogFile.Create(output);
            Read(parsed, folder, to ?? long.MaxValue, (_, entry) => file.Take(entry));
            file.Finish();
            Terminal.Line(parsed.GetValue(CtlOptions.Json)
                ? JsonSerializer.Serialize(new WalExport(output, file.Groups, file.Groups > 0 ? Text(file.First) : null, file.Groups > 0 ? Text(file.Last) : null, file.Bytes, file.Void), WalJson.Default.WalExport)
                : file.Groups == 0 ? $"{output}: no transaction."
                : string.Create(CultureInfo.InvariantCulture, $"{output}: {file.Groups} transactions, {Text(file.First)} to {Text(file.Last)}, {file.Bytes} bytes{(file.Void > 0 ? $"; {file.Void} void ones were left out" : "")}. mariadb-binlog {output} shows them."));
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{output} was not written: {e.Message}.");
        }
    }

    /// <summary>Hands over every entry from <c>--from</c> to <paramref name="to"/>.</summary>
    private static void Read(ParseResult parsed, string folder, long to, Action<WalBatch, WalEntry> take) => _ = Looking(folder, () =>
    {
        var from = parsed.GetValue(From);
        foreach (var batch in WalInspection.Read(folder, from))
        {
            try
            {
                if (batch.FirstLsn > to)
                    return 0;
                using var entries = batch.Entries();
                while (entries.MoveNext())
                {
                    if (entries.Current.Lsn >= from && entries.Current.Lsn <= to)
                        take(batch, entries.Current);
                }
            }
            finally
            {
                batch.Release();
            }
        }

        return 0;
    });

    private static string FolderOf(ParseResult parsed, out NodeConfiguration? configuration)
    {
        configuration = parsed.GetValue(Folder) is null ? GlobalOptions.Load(parsed).Configuration : null;
        return parsed.GetValue(Folder) ?? Path.Combine(configuration!.DataDirectory, "wal");
    }

    /// <summary>What a running node knows to be committed; null where none runs.</summary>
    private static async Task<long?> CommitLsnAsync(NodeConfiguration? configuration, TextWriter? log, CancellationToken cancellationToken)
    {
        if (configuration is not { Api.Enabled: true })
            return null;
        try
        {
            using var node = NodeClient.Local(configuration, timeout: TimeSpan.FromSeconds(2), log: log);
            return await node.GetAsync("/status", ApiJson.Default.NodeReport, cancellationToken) is { } status && status.Id == configuration.Node.Id ? status.CommitLsn : null;
        }
        catch (Exception e) when (e is RefusedException or JsonException)
        {
            return null;
        }
    }

    /// <summary>What a log can say against being read, as refusals.</summary>
    private static T Looking<T>(string folder, Func<T> look)
    {
        try
        {
            return look();
        }
        catch (DirectoryNotFoundException)
        {
            throw new RefusedException($"There is no log in {folder}. Name its folder (NODE/wal below the data directory) with --dir.");
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RefusedException($"The log in {folder} cannot be read as {Environment.UserName}: {e.Message}");
        }
        catch (Exception e) when (e is WalPrunedException or WalDamagedException or WalRefusedException or PosixException)
        {
            throw new RefusedException(e is WalDamagedException damaged ? $"{damaged.Damage}. `wolfctl wal verify` tells more." : e.Message);
        }
        catch (Exception e) when (e is ProtocolException or InvalidDataException or WalFormatException)
        {
            throw new RefusedException($"The log in {folder} holds what this version cannot read: {e.Message}");
        }
    }

    private static string Text(EntryKey key) => new Gtid(key.Domain, key.ServerId, key.Sequence).ToString();
}

/// <summary><c>wal verify --json</c>.</summary>
internal sealed record WalVerification(
    string Directory, bool Intact, long FirstLsn, long LastLsn, long SyncedLsn, int Segments, long BytesChecked, long TornBytes, long? DamagedFromLsn, string? Damage);

/// <summary><c>wal export --json</c>.</summary>
internal sealed record WalExport(string File, long Transactions, string? FirstGtid, string? LastGtid, long Bytes, long VoidTransactions);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WalVerification))]
[JsonSerializable(typeof(WalExport))]
internal sealed partial class WalJson : JsonSerializerContext;
