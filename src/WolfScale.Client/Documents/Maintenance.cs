namespace WolfScale.Client;

/// <summary>Body of <c>POST /admin/maintenance</c>.</summary>
/// <param name="On">Whether the node is to keep the lead away.</param>
public sealed record MaintenanceRequest(bool? On);

/// <summary>Answer to it.</summary>
/// <param name="Node">The node that was asked.</param>
/// <param name="On">Whether it keeps the lead away from now on, over restarts too.</param>
/// <param name="Leader">Who leads, as far as the node knows.</param>
/// <param name="WritePauseMs">Where it gave the lead away: see <see cref="SwitchoverDocument.WritePauseMs"/>.</param>
public sealed record MaintenanceDocument(string Node, bool On, string? Leader, long? WritePauseMs);
