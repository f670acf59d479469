using System.Globalization;
using Spectre.Console;

namespace WolfScale.Client;

/// <summary>The cluster as a person reads it: <c>wolfscale status</c>, <c>wolfctl list servers</c>.</summary>
public static class ClusterTable
{
    /// <summary>Prints the cluster, the node that answered marked with a star.</summary>
    public static void Print(ClusterDocument cluster)
    {
        var name = cluster.ClusterName is { Length: > 0 } text ? text : "(no name)";
        Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"cluster {name}  mode {cluster.Mode}  term {cluster.Term}  leader {cluster.Leader ?? "none"}  commit LSN {cluster.CommitLsn}"));
        var table = Terminal.Table("", "ID", "ADDRESS", "STATUS", "ROLE", "LSN", "APPLIED", "LAG", "REASON");
        foreach (var node in cluster.Nodes)
        {
            _ = table.AddRow(
                node.Id == cluster.Node ? "*" : " ",
                node.Id.EscapeMarkup(),
                Terminal.Cell(node.Address),
                Terminal.Coloured(node.Status),
                Terminal.Coloured(node.Role),
                Terminal.Cell(node.LastLsn),
                Terminal.Cell(node.AppliedLsn),
                Terminal.Cell(node.LagEntries),
                (node.Reason ?? "").EscapeMarkup());
        }

        Terminal.Out.Write(table);
        if (cluster.Verified is { } verified)
            Terminal.Line("verified: " + Describe(verified));
        foreach (var warning in cluster.Warnings)
            Terminal.Line("warning: " + Warnings.Explain(warning));
    }

    /// <summary>The last comparison of all nodes, in one line.</summary>
    public static string Describe(VerifiedDocument verified)
    {
        var last = string.Create(CultureInfo.InvariantCulture, $"at LSN {verified.Lsn}, {verified.At:u}");
        if (verified.Identical)
            return $"{string.Join(", ", verified.Nodes)} identical {last}";
        var before = verified is { IdenticalAt: { } at, IdenticalLsn: { } lsn }
            ? string.Create(CultureInfo.InvariantCulture, $"all were last proven identical at LSN {lsn}, {at:u}")
            : "all were never proven identical";
        return verified.Different.Length > 0
            ? $"{string.Join(", ", verified.Different)} DIFFERENT, last compared {last}; {before}"
            : $"not everything could be compared {last} (of {string.Join(", ", verified.Nodes)}), and nothing is known to differ; {before}";
    }
}

/// <summary>What weakens the promise, in words.</summary>
public static class Warnings
{
    public static string Explain(string code) => code switch
    {
        "fsync_off" => "wal.fsync = false: a power cut can lose acknowledged writes",
        "mode_available" => "cluster.mode = \"available\": a write is acknowledged by the leader alone",
        "mode_differs" => "cluster.mode in this node's configuration differs from the cluster's, which is in force",
        _ => code,
    };
}
