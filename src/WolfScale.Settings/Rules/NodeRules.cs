using System.Text.RegularExpressions;

namespace WolfScale.Settings.Rules;

/// <summary>The node's name and addresses.</summary>
public static partial class NodeRules
{
    /// <summary>Whether a text may be a node's id.</summary>
    public static bool IsId(string text) => IdPattern().IsMatch(text);

    public static IEnumerable<Finding> Check(RuleContext context)
    {
        var node = context.Configuration.Node;
        return [.. Id(context, node.Id), .. Addresses(context, node), .. Directory(context, node)];
    }

    private static IEnumerable<Finding> Id(RuleContext context, string id)
    {
        if (!context.Given("node.id"))
            yield break;
        if (!IdPattern().IsMatch(id))
            yield return context.Error("bad_id", "node.id", $"node.id = \"{id}\": use 1 to 64 letters, digits, '-', '_' or '.', and begin with a letter or digit");
        else if (SurprisingNumber().Match(id) is { Success: true } match)
            yield return context.Warning("id_order", "node.id",
                $"ids are compared as text, so \"{id}\" comes before \"{match.Groups[1].Value}2\" and is preferred as leader over it; write one-digit ids with a zero, \"{match.Groups[1].Value}02\"");
    }

    private static IEnumerable<Finding> Addresses(RuleContext context, NodeSection node)
    {
        var problem = "";
        if (!HostPort.TryParse(node.BindAddress, out var bind, out problem))
        {
            yield return context.Error("bad_address", "node.bind_address", "node.bind_address: " + problem);
            yield break;
        }

        if (node.AdvertiseAddress.Length == 0)
        {
            if (bind.IsWildcard)
                yield return context.Error("missing_key", "node.advertise_address",
                    $"node.advertise_address is required, because bind_address {node.BindAddress} names every address of this machine: give the one other nodes reach, for example \"10.0.10.10:{bind.Port}\"");
            else if (bind.Port == 0)
                yield return context.Error("bad_address", "node.bind_address", "node.bind_address: port 0 cannot be told to other nodes; choose one, for example 7654");
            yield break;
        }

        if (!HostPort.TryParse(node.AdvertiseAddress, out var advertise, out problem))
            yield return context.Error("bad_address", "node.advertise_address", "node.advertise_address: " + problem);
        else if (advertise.IsWildcard || advertise.Port == 0)
            yield return context.Error("bad_address", "node.advertise_address", $"node.advertise_address = \"{node.AdvertiseAddress}\" is not an address other nodes can dial");
        else if (advertise.IsLoopback && context.Configuration.Cluster.Peers.Any(p => HostPort.TryParse(p, out var peer, out _) && !peer.IsLoopback))
            yield return context.Warning("loopback_advertised", "node.advertise_address",
                $"node.advertise_address = \"{node.AdvertiseAddress}\" is this machine only, and cluster.peers names other machines: they will not reach this node");
    }

    private static IEnumerable<Finding> Directory(RuleContext context, NodeSection node)
    {
        if (node.DataDir.Length > 0 && !Path.IsPathRooted(node.DataDir))
            yield return context.Warning("relative_path", "node.data_dir",
                $"node.data_dir = \"{node.DataDir}\" is relative: a start from another folder would find no data and look like a new node; write it in full");
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    private static partial Regex IdPattern();

    /// <summary>A trailing number of several digits without a leading zero: 10 sorts before 2.</summary>
    [GeneratedRegex("^(.*?[^0-9]|)[1-9][0-9]+$")]
    private static partial Regex SurprisingNumber();
}
