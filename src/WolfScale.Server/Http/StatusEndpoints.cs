using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary>What the node and the cluster are doing: <c>/status</c>, <c>/cluster</c>.</summary>
internal static class StatusEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, INodeReportSource source)
    {
        _ = routes.MapGet("/status", () => Body(source.Current with { Nodes = [] }, ApiJson.Readable.NodeReport)).Open();
        _ = routes.MapGet("/cluster", () => Body(Cluster(source.Current), ApiJson.Readable.ClusterDocument)).Open();
        _ = routes.MapGet("/cluster/nodes", () => Body(source.Current.Nodes, ApiJson.Readable.ImmutableArrayMemberReport)).Open();
        _ = routes.MapGet("/cluster/nodes/{id}", (string id) => source.Current.Nodes.FirstOrDefault(n => n.Id == id) is { } node
            ? Body(node, ApiJson.Readable.MemberReport)
            : Problems.NotFound($"This cluster has no node \"{id}\". GET /cluster/nodes lists them.")).Open();
    }

    internal static ClusterDocument Cluster(NodeReport report) => new(
        report.ClusterName, report.ClusterId, report.Mode, report.Term, report.Leader, report.CommitLsn, report.Id, report.Warnings, report.Nodes)
    {
        AcceptsWrites = report.AcceptsWrites,
        ServesReads = report.ServesReads,
        GtidPosition = report.Database?.GtidPosition,
        ProxySessions = report.ProxySessions,
        HiddenNames = report.HiddenNames,
        Verified = report.Verified,
    };

    private static IResult Body<T>(T value, JsonTypeInfo<T> type) =>
        Results.Text(JsonSerializer.SerializeToUtf8Bytes(value, type), "application/json; charset=utf-8");
}
