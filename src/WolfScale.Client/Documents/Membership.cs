namespace WolfScale.Client;

/// <summary>Body of <c>POST /admin/remove</c>.</summary>
/// <param name="Node">Whom to remove.</param>
/// <param name="Force">Although it lives.</param>
/// <param name="DryRun">Say what would be, and do nothing.</param>
public sealed record RemoveRequest(string? Node, bool Force = false, bool DryRun = false);

/// <summary>Body of <c>POST /admin/leave</c>: the node that is asked leaves.</summary>
/// <param name="DryRun">Say what would be, and do nothing.</param>
public sealed record LeaveRequest(bool DryRun = false);

/// <summary>A member that has gone, or would go.</summary>
/// <param name="Done">It has gone; false for a dry run.</param>
/// <param name="Node">Whose vote and place it is.</param>
/// <param name="Voters">Nodes with a vote, without it.</param>
/// <param name="ToleratedFailures">How many of them may be lost while writes go on.</param>
public sealed record DepartureDocument(bool Done, string Node, int Voters, int ToleratedFailures);
