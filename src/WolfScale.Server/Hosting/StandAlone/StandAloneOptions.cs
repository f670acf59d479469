using System.Collections.Immutable;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>How a proxy on a machine without a database is set up.</summary>
/// <param name="Program"><c>proxy</c> or <c>load-balancer</c>.</param>
/// <param name="Listen">For clients.</param>
/// <param name="Peers">APIs of nodes; others are learnt from them. Empty: nodes are found by discovery, on the port of [node] bind_address.</param>
/// <param name="ClusterName">Empty: whatever cluster the first peer belongs to; with discovery, the one that has no name.</param>
/// <param name="Api">For its own <c>/stats</c>.</param>
/// <param name="Configuration">Its sections [proxy], [cluster] (secret, tls_ca), [replication], [logging].</param>
internal sealed record StandAloneOptions(
    string Program, HostPort Listen, ImmutableArray<Uri> Peers, string ClusterName, ApiSection Api, NodeConfiguration Configuration);
