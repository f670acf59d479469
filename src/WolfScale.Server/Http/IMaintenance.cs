namespace WolfScale.Server.Http;

/// <summary>Keeps the lead away from this node, as an operator asks for it over HTTP.</summary>
internal interface IMaintenance
{
    /// <summary>On: gives the lead away where it is here, and keeps it away from then on, over restarts too. Off: ends that.</summary>
    /// <returns>How things stand now; where the lead could not be given away, why.</returns>
    Task<(MaintenanceDocument? Done, string Reason)> SetMaintenanceAsync(bool on, CancellationToken cancellationToken);
}
