using System.Collections.Immutable;

namespace WolfScale.MariaDb.Preflight;

/// <summary>What a finding forbids.</summary>
public enum FindingSeverity
{
    /// <summary>Works, with a loss that the text names.</summary>
    Warning,

    /// <summary>The server can follow and cannot lead.</summary>
    CannotLead,

    /// <summary>The server cannot take part.</summary>
    Refusal,
}

/// <summary>One thing the server lacks.</summary>
/// <param name="Code">Stable name, for example <c>log_bin</c>.</param>
/// <param name="Severity">What it forbids.</param>
/// <param name="What">What was found, by name and value.</param>
/// <param name="Cure">What to do, one line.</param>
/// <param name="ConfigurationLine">The line to add under <c>[mariadbd]</c>, or null when a configuration line is not the cure.</param>
/// <param name="Statement">The SQL that cures it without a restart, or null.</param>
public sealed record PreflightFinding(
    string Code, FindingSeverity Severity, string What, string Cure, string? ConfigurationLine = null, string? Statement = null)
{
    public override string ToString() => $"{What} {Cure}";
}

/// <summary>Everything the server lacks, worst first.</summary>
public sealed record PreflightReport(ImmutableArray<PreflightFinding> Findings)
{
    /// <summary>Whether the server can take part at all.</summary>
    public bool CanFollow => Findings.All(f => f.Severity != FindingSeverity.Refusal);

    /// <summary>Whether the server can be opened for writes.</summary>
    public bool CanLead => Findings.All(f => f.Severity == FindingSeverity.Warning);

    /// <summary>The lines to add to the server's configuration, ready to paste; empty when none is needed.</summary>
    public string ConfigurationBlock
    {
        get
        {
            var lines = Findings.Select(f => f.ConfigurationLine).OfType<string>().Distinct().ToList();
            return lines.Count == 0 ? "" : "[mariadbd]\n" + string.Concat(lines.Select(l => l + "\n"));
        }
    }
}
