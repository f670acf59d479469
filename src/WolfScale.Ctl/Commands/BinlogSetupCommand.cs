using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Sources;
using WolfScale.Settings.Rules;

namespace WolfScale.Ctl.Commands;

/// <summary><c>wolfctl binlog-setup</c>: looks at a source database, and prints the <c>[binlog]</c> section for it.</summary>
internal static class BinlogSetupCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private sealed record Where(string Host, int Port, string User, string? PasswordFile, string Socket);

    public static Command Create()
    {
        var host = new Option<string>("--host") { Description = "The source", HelpName = "HOST", DefaultValueFactory = _ => "localhost" };
        var port = new Option<int>("--port") { Description = "Its port", HelpName = "PORT", DefaultValueFactory = _ => 3306 };
        var user = new Option<string>("--user") { Description = "An account that may replicate from it", HelpName = "USER", DefaultValueFactory = _ => "wolfscale" };
        var password = new Option<string?>("--password-file") { Description = "A file with its password; without it, MYSQL_PWD or none", HelpName = "FILE" };
        var socket = new Option<string>("--socket") { Description = "Its unix socket, where it is on this machine; over host and port", HelpName = "PATH", DefaultValueFactory = _ => "" };
        var command = new Command("binlog-setup", "Looks at a source database, and prints the [binlog] section for it and what it lacks; changes nothing. Exit code 1: it cannot be captured from as it is")
        {
            host, port, user, password, socket,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed, new Where(parsed.GetValue(host)!, parsed.GetValue(port), parsed.GetValue(user)!, parsed.GetValue(password), parsed.GetValue(socket)!), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Where where, CancellationToken cancellationToken)
    {
        var source = await LookAsync(where, cancellationToken);
        var findings = SourceRules.Check(source);
        var serverId = SourceRules.ProposeServerId(source.ServerIdsInUse);
        var section = Section(source, where, serverId);
        var fit = findings.All(f => !f.IsError);
        if (parsed.GetValue(CtlOptions.Json))
        {
            Terminal.Line(JsonSerializer.Serialize(
                new BinlogSetupDocument(
                    source.Version, source.LogBin, source.Format, source.RowImage, source.GtidPosition, source.FilePosition, source.ServerIdsInUse, serverId, fit, ClusterRules.BinlogModeExists,
                    section, [.. findings.Select(f => new LackingDocument(f.IsError ? "error" : "warning", f.Code, f.What, f.Statement, f.ConfigurationLine))]),
                BinlogSetupJson.Readable.BinlogSetupDocument));
            return fit ? ExitCode.Done : ExitCode.Refused;
        }

        Console.Out.Write(section);
        foreach (var finding in findings)
        {
            Terminal.Error($"{(finding.IsError ? "error" : "warning")}: {finding.What}");
            if (finding.Statement is { } statement)
                Console.Error.WriteLine($"  on the source: {statement}");
            if (finding.ConfigurationLine is { } line)
                Console.Error.WriteLine($"  in its configuration, under [mariadbd]: {line}");
        }

        if (!ClusterRules.BinlogModeExists)
            Terminal.Error("replication.mode = \"binlog\" is not part of this version: a node refuses to start with it. The section is what a version that has it will read.");
        return fit ? ExitCode.Done : ExitCode.Refused;
    }

    private static async Task<BinlogSource> LookAsync(Where where, CancellationToken cancellationToken)
    {
        try
        {
            var password = where.PasswordFile is { } file ? (await File.ReadAllTextAsync(file, cancellationToken)).TrimEnd('\r', '\n') : Environment.GetEnvironmentVariable("MYSQL_PWD") ?? "";
            return await BinlogSource.LookAsync(
                new DatabaseOptions { NodeId = "binlog-setup", DataDirectory = "", Host = where.Host, Port = where.Port, Socket = where.Socket, User = where.User, Password = password, ConnectTimeout = Patience },
                cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"--password-file: {where.PasswordFile} cannot be read as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }
        catch (DatabaseException e)
        {
            throw new RefusedException(e.Message[..1].ToUpperInvariant() + e.Message[1..], ExitCode.Unreachable);
        }
    }

    /// <summary>For the configuration of all nodes. The password's file is named and never its content.</summary>
    private static string Section(BinlogSource source, Where where, uint serverId)
    {
        static string Quoted(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
        var text = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"# The source: {(source.IsMariaDb ? "MariaDB " : "")}{source.Version}, server_id {source.ServerId}, binlog_format {source.Format}, binlog_row_image {source.RowImage}.\n")
            .Append("[replication]\nmode = \"binlog\"                      # the same on all nodes\n\n[binlog]\n");
        if (where.Socket.Length > 0)
            _ = text.Append(CultureInfo.InvariantCulture, $"# It was looked at through {where.Socket}; the nodes reach it over TCP.\n");
        Line("host", Quoted(where.Host), where.Host is "localhost" or "127.0.0.1" ? "as every node reaches it" : "");
        Line("port", where.Port.ToString(CultureInfo.InvariantCulture), "");
        Line("user", Quoted(where.User), "");
        if (where.PasswordFile is { } file)
            Line("password_file", Quoted(Path.GetFullPath(file)), "readable by WolfScale's account alone");
        else
            _ = text.Append("#password_file = \"/etc/wolfscale/binlog.password\"\n");
        Line("server_id", serverId.ToString(CultureInfo.InvariantCulture), $"and the nine after it; in use are {string.Join(", ", source.ServerIdsInUse)}");
        Line("start_position", Quoted(source.GtidPosition), source.GtidPosition.Length == 0 ? "now" : $"where it stood just now{(source.FilePosition is { } at ? $", {at}" : "")}; that of a restored backup where you begin with one");
        return text.ToString();

        void Line(string key, string value, string comment) => text.Append(comment.Length > 0 ? $"{$"{key} = {value}",-36} # {comment}\n" : $"{key} = {value}\n");
    }
}

/// <summary><c>binlog-setup --json</c>.</summary>
internal sealed record BinlogSetupDocument(
    string Version, bool LogBin, string BinlogFormat, string BinlogRowImage, string GtidPosition, string? FilePosition, ImmutableArray<uint> ServerIdsInUse, uint ServerId, bool Fit,
    bool ModeAvailable, string Section, ImmutableArray<LackingDocument> Findings);

internal sealed record LackingDocument(string Severity, string Code, string What, string? Statement, string? ConfigurationLine);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BinlogSetupDocument))]
internal sealed partial class BinlogSetupJson : JsonSerializerContext
{
    public static BinlogSetupJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
