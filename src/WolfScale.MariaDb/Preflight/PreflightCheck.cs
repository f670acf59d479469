using System.Collections.Immutable;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>
/// Judges a server: what it lacks, by name, and what to do (design: Settings). Pure: facts in, findings out. What can be set at run time is
/// set by <see cref="RuntimeSettings"/> and reported here only where a restart would undo it.
/// </summary>
public static class PreflightCheck
{
    public static PreflightReport Run(ServerFacts facts, PreflightContext context)
    {
        var findings = new List<PreflightFinding>();
        findings.AddRange(VersionRules.Check(facts));
        if (facts.Version.IsMariaDb)
        {
            findings.AddRange(PrivilegeRules.Check(facts));
            findings.AddRange(SettingRules.Check(facts, context));
            findings.AddRange(RestartRules.Check(facts, context));
            findings.AddRange(ReplicationRules.Check(facts, context));
            findings.AddRange(ClusterRules.Check(facts, context));
        }

        return new PreflightReport([.. findings.OrderByDescending(f => f.Severity)]);
    }
}
