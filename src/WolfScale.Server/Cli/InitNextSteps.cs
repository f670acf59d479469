using System.Globalization;

namespace WolfScale.Server.Cli;

/// <summary>What is left to do when <c>wolfscale init</c> has written its file: commands in their order, for the machine that it is for.</summary>
/// <param name="choices">What stands in the file.</param>
/// <param name="path">Where it is.</param>
/// <param name="isService">It is the configuration of a service of this machine, which may read it.</param>
internal sealed class InitNextSteps(InitChoices choices, string path, bool isService)
{
    private readonly string _named = path == GlobalOptions.DefaultConfigPath ? "" : $" -c {path}";

    private bool IsFirst => choices.Values.GetValueOrDefault("cluster.bootstrap") == "true";

    private bool HasAddress => choices.Values.ContainsKey("node.advertise_address")
        || (HostPort.TryParse(Value("node.bind_address"), out var bind, out _) && !bind.IsWildcard);

    /// <summary>Whom it knows of the cluster, itself not.</summary>
    private IReadOnlyList<string> Peers => [.. (choices.Values.GetValueOrDefault("cluster.peers") ?? "[]").Trim('[', ']')
        .Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Trim().Trim('"')).Where(p => p != Value("node.advertise_address"))];

    public IEnumerable<string> Lines() => choices.Purpose != InitPurpose.Node ? OfProxy() : IsFirst ? OfFirst() : choices.JoinsCluster ? OfJoining() : OfUndecided();

    private IEnumerable<string> OfFirst() =>
    [
        "Next, on this machine, which creates the cluster:",
        .. MissingAddress(),
        .. Database("WolfScale's account on this machine's MariaDB"),
        Start("before the other nodes", "creates the cluster"),
        Step($"wolfctl status{_named}", "until it says LEADER and ACTIVE"),
        "Then on each of the others, with a copy of this file: wolfscale init --like FILE --node-id ID --advertise HOST:PORT",
    ];

    private IEnumerable<string> OfJoining() =>
    [
        "Next, on this machine, which joins a cluster that is there:",
        .. MissingAddress(),
        .. MissingPeers(),
        .. Database("WolfScale's account on this machine's MariaDB, with the cluster's password for it"),
        Start(Through(), $"{Through()}; never with --bootstrap"),
        Step($"wolfctl status{_named}", "until it says ACTIVE; where it says NEEDS_MIGRATION: wolfctl migrate --from HOST:8080, of a node that is ACTIVE"),
        .. HasAddress ? (string[])[] : ["For a load balancer, on a machine without a database, nothing of this: wolfscale init --for load-balancer --like FILE"],
    ];

    /// <summary>Nobody has said whether there is a cluster.</summary>
    private IEnumerable<string> OfUndecided() =>
    [
        "Next, on this machine:",
        .. MissingAddress(),
        Note("a first node: set cluster.bootstrap = true; any other: set cluster.peers, and take over cluster.secret, api.token and database.password from a node that is there"),
        .. Database("WolfScale's account on this machine's MariaDB"),
        Start("the first node before the others", "the first node before the others"),
        Step($"wolfctl status{_named}", "until it says ACTIVE"),
    ];

    private IEnumerable<string> OfProxy()
    {
        var program = choices.Purpose == InitPurpose.Proxy ? "proxy" : "load-balancer";
        yield return "Next, on this machine, which needs no database; of [node] and [database] nothing is looked at:";
        if (!choices.JoinsCluster)
            yield return Note("set cluster.peers, cluster.cluster_name and cluster.secret as on the nodes");
        if (isService)
        {
            yield return Step("systemctl disable wolfscale", "the node's service, which the package enables: there is no node here");
            yield return Step($"systemctl enable --now wolfscale-{program}", Reaches());
            yield return Step($"systemctl status wolfscale-{program}", "who leads, how many clients");
        }
        else
        {
            yield return Step($"wolfscale {program}{_named}", $"{Reaches()}; until Ctrl+C");
            yield return Step($"curl http://127.0.0.1:{Port("api.bind_address", 8080)}/stats", "who leads, how many clients");
        }

        yield return $"Clients connect to port {Port("proxy.bind_address", 3307)} of this machine.";
    }

    private IEnumerable<string> MissingAddress() => HasAddress ? [] : [Note("set node.advertise_address: where the other nodes reach this one")];

    private IEnumerable<string> MissingPeers() => Peers.Count > 0 ? [] : [Note("set cluster.peers: nodes that are there")];

    private string Reaches() => Peers.Count > 0 ? "asks " + string.Join(", ", Peers.Take(3)) + " for the cluster, on the port of api.bind_address" : "finds the nodes by discovery";

    private string Through() => Peers.Count > 0 ? $"through {string.Join(" or ", Peers.Take(3))}, of which one must be running" : "one of its nodes must be running";

    private IEnumerable<string> Database(string account) =>
    [
        Step($"wolfscale init --sql{_named} | mariadb", account),
        Step($"wolfctl tune-mariadb{_named}", "the settings that MariaDB needs"),
        Step($"wolfscale validate {path}", "what is missing, in the file and in MariaDB's settings"),
    ];

    private string Start(string service, string program) => isService ? Step("systemctl start wolfscale", service) : Step($"wolfscale start{_named}", program);

    private int Port(string key, int standard) => HostPort.TryParse(Value(key), out var address, out _) ? address.Port : standard;

    private string Value(string key) => (choices.Values.GetValueOrDefault(key) ?? "").Trim('"');

    private static string Step(string command, string why) => string.Create(CultureInfo.InvariantCulture, $"  {command}      # {why}");

    /// <summary>What is done in the file, and not by a command.</summary>
    private static string Note(string what) => $"  # in the file: {what}";
}
