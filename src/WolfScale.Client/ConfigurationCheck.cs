using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;
using WolfScale.Settings;

namespace WolfScale.Client;

/// <summary>What is wrong with a configuration, before a node finds out: <c>wolfscale validate</c>, <c>wolfctl check-config</c>.</summary>
public static class ConfigurationCheck
{
    /// <summary>Prints what there is to say about a file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="loaded">What was read from it.</param>
    /// <param name="strict">Warnings count as errors.</param>
    /// <param name="json">Print a document.</param>
    /// <param name="offline">Leave the local MariaDB out.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The exit code: 0 fine, 1 not valid, or its MariaDB is not fit for a node.</returns>
    public static async Task<int> ReportAsync(string file, LoadedConfiguration loaded, bool strict, bool json, bool offline, CancellationToken cancellationToken)
    {
        // A configuration that is not right may name any server.
        var server = offline || !loaded.Valid || !loaded.Configuration.Database.Enabled ? [] : await LocalServer.LackingAsync(loaded.Configuration, cancellationToken);
        ImmutableArray<Finding> findings = [.. loaded.Findings, .. server];
        var counts = strict ? Severity.Warning : Severity.Error;
        var valid = findings.All(f => f.Severity < counts);
        if (json)
            Terminal.Line(JsonSerializer.Serialize(Document(file, valid, findings), ValidateJson.Default.ValidateDocument));
        else
            Print(file, valid, loaded.Findings.All(f => f.Severity < counts), findings);
        return valid ? ExitCode.Done : ExitCode.Refused; // 1, not 2: it was used rightly, and what it looked at is wrong
    }

    private static void Print(string file, bool valid, bool fileIsValid, ImmutableArray<Finding> findings)
    {
        foreach (var finding in findings)
        {
            var colour = finding.Severity switch { Severity.Error => "red", Severity.Warning => "yellow", _ => "blue" };
            // One line each, whatever the width: editors and grep read file:line:column.
            var word = finding.Severity.ToString().ToLowerInvariant();
            if (Terminal.Interactive)
                Terminal.Out.Write(new Markup($"{finding.Position.ToString().EscapeMarkup()}: [{colour}]{word}:[/] {finding.Message.EscapeMarkup()}\n") { Overflow = Overflow.Fold });
            else
                Terminal.Line($"{finding.Position}: {word}: {finding.Message}"); // a statement to be run must not be broken up
        }

        var errors = findings.Count(f => f.Severity == Severity.Error);
        var warnings = findings.Count(f => f.Severity == Severity.Warning);
        Terminal.Line(valid
            ? $"{file} is valid{(warnings > 0 ? $", {Count(warnings, "warning")}" : "")}."
            : $"{file} {(fileIsValid ? "is valid, and its MariaDB is not fit for a node" : "is not valid")}: {Count(errors, "error")}, {Count(warnings, "warning")}.");
    }

    public static Option<bool> Offline() => new("--offline") { Description = "Do not look at the local MariaDB" };

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";

    private static ValidateDocument Document(string file, bool valid, ImmutableArray<Finding> findings) => new(
        file, valid, [.. findings.Select(f => new FindingDocument(
            f.Severity.ToString().ToLowerInvariant(), f.Code, f.Key.Length > 0 ? f.Key : null, f.Position.Source,
            f.Position.Line > 0 ? f.Position.Line : null, f.Position.Column > 0 ? f.Position.Column : null, f.Message))]);
}

internal sealed record ValidateDocument(string File, bool Valid, ImmutableArray<FindingDocument> Findings);

internal sealed record FindingDocument(string Severity, string Code, string? Key, string Source, int? Line, int? Column, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ValidateDocument))]
internal sealed partial class ValidateJson : JsonSerializerContext;
