using System.Collections.Immutable;

namespace WolfScale.MariaDb.Health;

/// <summary>What a check found.</summary>
public enum HealthVerdict
{
    /// <summary>The server reads and writes.</summary>
    Ok,

    /// <summary>The server is well; its commits wait for the quorum.</summary>
    NoQuorum,

    /// <summary>The server itself does not read or write: the node should not lead.</summary>
    Sick,
}

/// <summary>The outcome of one health check.</summary>
/// <param name="Verdict">The sum of it.</param>
/// <param name="Reason">Why it is not <see cref="HealthVerdict.Ok"/>; one line.</param>
/// <param name="Alarms">What wants a look although the server works.</param>
/// <param name="ReadMs">Time of a query that reads nothing, in milliseconds.</param>
/// <param name="WriteMs">Time of a local, unlogged write, in milliseconds; null where none was made.</param>
public sealed record HealthReport(HealthVerdict Verdict, string Reason, ImmutableArray<string> Alarms, double ReadMs, double? WriteMs);
