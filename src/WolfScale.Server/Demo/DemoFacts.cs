using System.Text.Json;
using WolfScale.Server.Cli;
using WolfScale.Server.Http;

namespace WolfScale.Server.Demo;

/// <summary>Asks every node of a demo what it is doing, all at once.</summary>
internal static class DemoFacts
{
    private const string Loopback = "127.0.0.1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static async Task<DemoDocument> ReadAsync(DemoState demo, CancellationToken cancellationToken)
    {
        var nodes = await Task.WhenAll(demo.Nodes.Select(node => ReadNodeAsync(demo, node, cancellationToken)));
        return new DemoDocument(demo.Cluster, demo.Dir, demo.User, demo.Password, demo.Database, demo.Token, [.. nodes]);
    }

    private static async Task<DemoNodeDocument> ReadNodeAsync(DemoState demo, DemoNode node, CancellationToken cancellationToken)
    {
        var ports = node.Ports(demo.BasePort);
        var api = $"http://{Loopback}:{ports.Api}";
        var alive = node.Node?.IsAlive == true;
        var report = alive ? await AskAsync(api, cancellationToken) : null;
        return new DemoNodeDocument(
            node.Id,
            report?.Role,
            report?.Status ?? "OFFLINE",
            alive ? node.Node!.Pid : null,
            report?.LastLsn,
            report?.AppliedLsn,
            $"{Loopback}:{ports.Cluster}",
            api,
            node.Witness ? null : new DemoEndPoint(Loopback, ports.Proxy),
            node.Witness ? null : new DemoServerDocument(Loopback, ports.MariaDb, DemoServer.Private(demo, node).Socket, node.MariaDb is { IsAlive: true } server ? server.Pid : null))
        {
            AcceptsWrites = report?.AcceptsWrites == true,
            Reason = report is not null ? report.Reason : alive ? "the node does not answer" : "the node's process has ended",
        };
    }

    /// <summary>The node's own report; null when it does not answer in time, which a stopped or starting node does not.</summary>
    private static async Task<NodeReport?> AskAsync(string api, CancellationToken cancellationToken)
    {
        using var client = new NodeClient(api, "", Patience);
        try
        {
            return await client.GetAsync("/status", ApiJson.Default.NodeReport, cancellationToken);
        }
        catch (Exception e) when (e is RefusedException or JsonException)
        {
            return null;
        }
    }
}
