using System.CommandLine;

namespace WolfScale.Ctl.Tuning;

/// <summary>The node beside the server: it gives the lead away before its server is restarted, so that clients see a pause and no error.</summary>
internal sealed class Handover : IDisposable
{
    private readonly Endpoints _endpoints;
    private readonly bool _leads;
    private readonly bool _isAlone;
    private bool _given;

    private Handover(Endpoints endpoints, NodeReport report, ClusterDocument cluster)
    {
        _endpoints = endpoints;
        (_leads, _isAlone) = (report.Leader == report.Id && !report.Maintenance, cluster.Nodes.Length < 2);
    }

    /// <returns>Null where no node runs here.</returns>
    public static async Task<Handover?> LookAsync(ParseResult parsed, string nodeId, CancellationToken cancellationToken)
    {
        var endpoints = Endpoints.Open(parsed);
        if ((await Endpoints.TryAsync(endpoints.First, "/status", ApiJson.Default.NodeReport, cancellationToken)).Answer is { } report && report.Id == nodeId
            && (await Endpoints.TryAsync(endpoints.First, "/cluster", ApiJson.Default.ClusterDocument, cancellationToken)).Answer is { } cluster)
            return new Handover(endpoints, report, cluster);
        endpoints.Dispose();
        return null;
    }

    public string Describe() => !_leads ? "; this node does not lead, it follows again by itself"
        : _isAlone ? ". This node leads, and there is no other: nothing can be written meanwhile" : ", after this node has given the lead away (maintenance on, and off afterwards)";

    /// <exception cref="RefusedException">Nobody takes it.</exception>
    public async Task GiveAsync(CancellationToken cancellationToken)
    {
        if (!_leads || _isAlone)
            return;
        try
        {
            await SetAsync(true, cancellationToken);
            _given = true;
        }
        catch (NodeRefusedException e)
        {
            throw new RefusedException($"The options are written, and MariaDB was not restarted: {e.Message}");
        }
    }

    public async Task TakeBackAsync(CancellationToken cancellationToken)
    {
        if (_given)
            await SetAsync(false, cancellationToken);
    }

    public void Dispose() => _endpoints.Dispose();

    private async Task SetAsync(bool on, CancellationToken cancellationToken) =>
        _ = await _endpoints.First.PostAsync("/admin/maintenance", new MaintenanceRequest(on), ApiJson.Default.MaintenanceRequest, cancellationToken);
}
