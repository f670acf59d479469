using System.Collections.Immutable;

namespace WolfScale.Client;

/// <summary><c>wolfctl doctor --json</c>.</summary>
/// <param name="Cluster">Its name.</param>
/// <param name="Leader">Who leads; null: nobody.</param>
/// <param name="Healthy">Nothing is wrong: there may be remarks.</param>
/// <param name="Findings">What is wrong now, the worst first.</param>
/// <param name="Deaths">What would happen if each node that lives died now.</param>
public sealed record DoctorDocument(string? Cluster, string? Leader, bool Healthy, ImmutableArray<DoctorFinding> Findings, ImmutableArray<DoctorDeath> Deaths);

/// <summary>How bad a finding is.</summary>
public enum DoctorSeverity
{
    /// <summary>Writes stand still, data differ, or acknowledged writes were lost.</summary>
    Critical,

    /// <summary>Something does not work, and the cluster goes on without it.</summary>
    Warning,

    /// <summary>Worth knowing; may be meant so.</summary>
    Remark,
}

/// <summary>One thing that is wrong.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Code">Stable, for scripts.</param>
/// <param name="Node">Where; null: the cluster.</param>
/// <param name="What">What is wrong.</param>
/// <param name="Do">What to do about it.</param>
public sealed record DoctorFinding(DoctorSeverity Severity, string Code, string? Node, string What, string Do);

/// <summary>If a node died now.</summary>
/// <param name="Node">Which.</param>
/// <param name="Leader">Who would lead then; null: nobody.</param>
/// <param name="WritesGoOn">Whether writes would be accepted again without anybody's help.</param>
/// <param name="SecondsWithoutWrites">Up to how long not, when its process or its MariaDB dies; 0 where it does not lead; null where for as long as nobody helps.</param>
/// <param name="SecondsIfFrozen">The same when the machine is cut off or freezes, because silence is then all there is to go by.</param>
/// <param name="AtRisk">Which acknowledged writes could be lost; null: none.</param>
/// <param name="Do">What to do, before or after; null: nothing.</param>
public sealed record DoctorDeath(string Node, string? Leader, bool WritesGoOn, double? SecondsWithoutWrites, double? SecondsIfFrozen, string? AtRisk, string? Do);
