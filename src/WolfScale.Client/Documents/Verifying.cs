using System.Collections.Immutable;

namespace WolfScale.Client;

/// <summary>Body of <c>POST /admin/verify</c>: one step of a verification on one node. Which fields count depends on the step.</summary>
/// <param name="Id">Of the verification, made up by whoever runs it.</param>
/// <param name="Step">pause, open, survey, key, edge, sum, describe, keep (the snapshot, which is given up when a minute passes without a step) or end.</param>
public sealed record VerifyRequest(string Id, string Step)
{
    /// <summary>open: on a follower, where the leader's snapshot ends.</summary>
    public long? AtLsn { get; init; }

    public string Schema { get; init; } = "";

    public string Table { get; init; } = "";

    /// <summary>edge, sum: the piece begins behind this key. sum: null, at the table's beginning.</summary>
    public ImmutableArray<string>? After { get; init; }

    /// <summary>sum: the piece ends with this key; null: with the table. describe: the key.</summary>
    public ImmutableArray<string>? UpTo { get; init; }

    /// <summary>edge: how many rows the piece is to have.</summary>
    public int Rows { get; init; }

    /// <summary>end: what came of it, for the node to remember; null: nothing.</summary>
    public VerifyOutcome? Outcome { get; init; }
}

/// <summary>What came of a comparison of all that the nodes hold.</summary>
/// <param name="At">When the snapshots were open.</param>
/// <param name="Lsn">What they hold: everything up to here.</param>
/// <param name="Identical">Nothing differs, and neither a node nor a table was left out.</param>
/// <param name="Nodes">Which were compared, the leader first.</param>
/// <param name="Different">Which of them differ from the leader.</param>
public sealed record VerifyOutcome(DateTimeOffset At, long Lsn, bool Identical, ImmutableArray<string> Nodes, ImmutableArray<string> Different)
{
    /// <summary>Of these nodes every table was read to its end: who is not different is equal.</summary>
    public bool Whole { get; init; }
}

/// <summary>Codes of the problems with which a node refuses a step.</summary>
public static class VerifyProblems
{
    /// <summary>The table cannot be read at the moment; others can.</summary>
    public const string NotCompared = "not_compared";

    /// <summary>The node has no snapshot for this verification, or not any more.</summary>
    public const string NotTakingPart = "not_taking_part";

    /// <summary>The node has no server.</summary>
    public const string NoDatabase = "no_database";
}

/// <summary>In <c>GET /status</c>: the last comparison in which the node took part, and the last one that found all nodes identical.</summary>
/// <param name="At">When.</param>
/// <param name="Lsn">At which LSN.</param>
/// <param name="Identical">Nothing differed, and neither a node nor a table was left out.</param>
/// <param name="Nodes">Which were compared, the leader first.</param>
/// <param name="Different">Which were found to differ from the leader, then or before, and were not compared whole and found equal since.</param>
/// <param name="IdenticalAt">When all were last proven identical; null: never.</param>
/// <param name="IdenticalLsn">And at which LSN.</param>
public sealed record VerifiedDocument(
    DateTimeOffset At, long Lsn, bool Identical, ImmutableArray<string> Nodes, ImmutableArray<string> Different, DateTimeOffset? IdenticalAt, long? IdenticalLsn);

/// <summary>Answer to it; what does not belong to the step is null.</summary>
public sealed record VerifyAnswer
{
    /// <summary>pause: how far the node's server has been fed. open: where the snapshot ends.</summary>
    public long? Lsn { get; init; }

    /// <summary>open: the last transaction in the snapshot.</summary>
    public string? Gtid { get; init; }

    public ImmutableArray<VerifiedObject>? Objects { get; init; }

    /// <summary>key: the columns; edge: the values, or null where fewer rows are left.</summary>
    public ImmutableArray<string>? Key { get; init; }

    public long? Rows { get; init; }

    public string? Sum { get; init; }

    public string? Text { get; init; }
}

/// <summary>Something that all nodes must have alike.</summary>
/// <param name="Kind">TABLE, VIEW, TRIGGER, PROCEDURE, FUNCTION or SEQUENCE.</param>
/// <param name="Schema">Where it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Digest">Of its definition.</param>
/// <param name="Skipped">Why its rows are not compared, or null.</param>
/// <param name="Rows">About how many it has.</param>
public sealed record VerifiedObject(string Kind, string Schema, string Name, string Digest, string? Skipped, long Rows);

/// <summary>What <c>wolfctl verify --json</c> prints.</summary>
/// <param name="At">When the snapshots were open.</param>
/// <param name="Identical">Nothing differs, and nothing was left out but tables whose engines have no snapshots.</param>
/// <param name="Lsn">All snapshots hold exactly everything up to here.</param>
/// <param name="Gtid">The last transaction in them.</param>
/// <param name="Nodes">Which were compared, the leader first.</param>
/// <param name="Tables">How many were compared.</param>
/// <param name="Rows">How many rows the leader has in them.</param>
/// <param name="Differences">What was found.</param>
/// <param name="NotCompared">What was left out, and why.</param>
public sealed record VerifyReport(
    DateTimeOffset At, bool Identical, long Lsn, string? Gtid, ImmutableArray<string> Nodes, int Tables, long Rows, ImmutableArray<VerifyDifference> Differences, ImmutableArray<NotCompared> NotCompared);

/// <param name="Node">Which differs from the leader.</param>
/// <param name="Kind">ROWS, or DEFINITION where it is missing, too much, or made otherwise.</param>
/// <param name="Object">schema.name.</param>
/// <param name="After">ROWS: the first that differs is behind this key; null: the table's beginning.</param>
/// <param name="UpTo">ROWS: and the last is at this key at most; null: the table's end.</param>
/// <param name="Leader">ROWS: how many rows the leader has there. DEFINITION: what it is there.</param>
/// <param name="Here">The same, on the node.</param>
public sealed record VerifyDifference(string Node, string Kind, string Object, string? After, string? UpTo, string Leader, string Here);

/// <param name="What">A table, a table on one node, or a node.</param>
/// <param name="Why">One sentence.</param>
public sealed record NotCompared(string What, string Why);
