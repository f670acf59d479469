using System.CommandLine;
using System.Collections.Immutable;
using System.Globalization;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Cli;

/// <summary>What <c>wolfscale init</c> can be told instead of being asked: each option is a key of the file, or several.</summary>
internal sealed class InitOptions
{
    private readonly Option<string?> _for = Text("--for", "KIND", "What the file is for: a node beside a MariaDB; or proxy, load-balancer, which have no database [default: node]");
    private readonly Option<string?> _nodeId = Text("--node-id", "ID", "This node's id; default: the host name");
    private readonly Option<string?> _bind = Address("--bind", "Where it listens for other nodes [default: 0.0.0.0:7654]", bindable: true);
    private readonly Option<string?> _advertise = Address("--advertise", "Where other nodes reach it; required unless --bind names one address", bindable: false);
    private readonly Option<bool> _first = new("--first") { Description = "The first node of a new cluster: its first start creates that (cluster.bootstrap = true)" };
    private readonly Option<string[]> _peers = new("--peer") { Description = "Another node's cluster address; repeatable, or several separated by commas", HelpName = "HOST:PORT" };
    private readonly Option<string?> _clusterName = Text("--cluster-name", "NAME", "Nodes of other names are ignored");
    private readonly Option<string?> _secretFile = Text("--secret-file", "FILE", "Holds the cluster's secret; default: a new one");
    private readonly Option<string?> _like = Text("--like", "FILE", "The configuration of another node: its cluster's name, secret and peers, the API's token, and (for a node) WolfScale's account on MariaDB are taken over");
    private readonly Option<string?> _host = Text("--db-host", "HOST", "MariaDB's host, over TCP");
    private readonly Option<int?> _port = Port("--db-port", "MariaDB's port");
    private readonly Option<string?> _socket = Text("--db-socket", "PATH", "MariaDB's socket, preferred over host and port");
    private readonly Option<string?> _user = Text("--db-user", "NAME", "WolfScale's account on MariaDB");
    private readonly Option<string?> _passwordFile = Text("--db-password-file", "FILE", "Holds that account's password; default: a new one, for `wolfscale init --sql`");
    private readonly Option<string?> _database = Text("--db-name", "NAME", "Default schema of the HTTP API");
    private readonly Option<int?> _apiPort = Port("--api-port", "Of the HTTP API [default: 8080]");
    private readonly Option<string?> _listen = Address("--listen", "Where clients connect to the proxy [default: 0.0.0.0:3307]", bindable: true);

    public InitOptions() => _ = _for.AcceptOnlyFromAmong([.. InitChoices.Purposes]);

    public IEnumerable<Option> All => Asked.Prepend(_for);

    /// <summary>What the questions ask for.</summary>
    private IEnumerable<Option> Asked =>
        [_nodeId, _bind, _advertise, _first, _peers, _clusterName, _secretFile, _like, _host, _port, _socket, _user, _passwordFile, _database, _apiPort, _listen];

    /// <summary>Nothing was given: on a terminal it is asked for.</summary>
    public bool AreAbsent(ParseResult parsed) => Asked.All(o => parsed.GetResult(o) is null or { Implicit: true });

    public InitPurpose Purpose(ParseResult parsed) => InitChoices.PurposeOf(parsed.GetValue(_for));

    /// <summary>What was given, with fresh secrets where none was.</summary>
    /// <exception cref="RefusedException">A file that was named cannot be read.</exception>
    public InitChoices Choices(ParseResult parsed)
    {
        var purpose = Purpose(parsed);
        var values = InitChoices.Fresh(purpose);
        if (parsed.GetValue(_like) is { } like)
            TakeOver(values, like, purpose);
        Set(values, "node.id", parsed.GetValue(_nodeId));
        Set(values, "node.bind_address", parsed.GetValue(_bind));
        Set(values, "node.advertise_address", parsed.GetValue(_advertise));
        if (parsed.GetValue(_first))
            values["cluster.bootstrap"] = "true";
        var peers = (parsed.GetValue(_peers) ?? []).SelectMany(p => p.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToImmutableArray();
        if (!peers.IsEmpty)
            values["cluster.peers"] = List(peers);
        Set(values, "cluster.cluster_name", parsed.GetValue(_clusterName));
        Set(values, "cluster.secret", FirstLine(parsed.GetValue(_secretFile)));
        Set(values, "database.host", parsed.GetValue(_host));
        Set(values, "database.port", parsed.GetValue(_port));
        Set(values, "database.socket", parsed.GetValue(_socket));
        Set(values, "database.user", parsed.GetValue(_user));
        Set(values, "database.password", FirstLine(parsed.GetValue(_passwordFile)));
        Set(values, "database.database", parsed.GetValue(_database));
        if (parsed.GetValue(_apiPort) is { } port)
            Set(values, "api.bind_address", new HostPort("0.0.0.0", port).ToString());
        Set(values, "proxy.bind_address", parsed.GetValue(_listen));
        return new InitChoices(purpose, values, parsed.GetValue(_like) is not null || parsed.GetValue(_secretFile) is not null);
    }

    /// <summary>Puts a text into the file's values; null: the default stays.</summary>
    public static void Set(Dictionary<string, string> values, string key, string? text)
    {
        if (text is not null)
            values[key] = ConfigurationTemplate.Literal(text);
    }

    /// <summary>A TOML list of texts.</summary>
    public static string List(IEnumerable<string> texts) => "[" + string.Join(", ", texts.Select(ConfigurationTemplate.Literal)) + "]";

    private static void Set(Dictionary<string, string> values, string key, int? number)
    {
        if (number is { } given)
            values[key] = given.ToString(CultureInfo.InvariantCulture);
    }

    private static void TakeOver(Dictionary<string, string> values, string file, InitPurpose purpose)
    {
        var other = GlobalOptions.Read(file).Configuration;
        Set(values, "cluster.cluster_name", other.Cluster.ClusterName);
        Set(values, "cluster.secret", other.Cluster.Secret);
        Set(values, "api.token", other.Api.Token);
        if (purpose == InitPurpose.Node)
        {
            // A follower's HTTP API logs in at the leader's server, with its own configuration's account.
            Set(values, "database.user", other.Database.User);
            Set(values, "database.password", other.Database.Password.Length > 0 ? other.Database.Password : null);
        }
        else if (HostPort.TryParse(other.Api.BindAddress, out var api, out _))
        {
            Set(values, "api.bind_address", new HostPort("0.0.0.0", api.Port).ToString()); // the peers' APIs are asked on this port
        }

        // The other node itself, and whom it knows: one list for all nodes is fine.
        values["cluster.peers"] = List(other.Cluster.Peers.Prepend(other.AdvertiseAddress).Distinct());
    }

    private static string? FirstLine(string? file)
    {
        try
        {
            return file is null ? null : File.ReadLines(file).FirstOrDefault()?.Trim() is { Length: > 0 } line
                ? line
                : throw new RefusedException($"{file} is empty.", ExitCode.Invalid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{file} cannot be read as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }
    }

    private static Option<string?> Text(string name, string value, string description) => new(name) { Description = description, HelpName = value };

    private static Option<int?> Port(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "PORT" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 65535)
                result.AddError($"{name}: a port is 1 to 65535");
        });
        return option;
    }

    private static Option<string?> Address(string name, string description, bool bindable)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "HOST:PORT" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is not { } text)
                return;
            if (!HostPort.TryParse(text, out var address, out var problem))
                result.AddError($"{name}: {problem}");
            else if (bindable && !address.IsBindable)
                result.AddError($"{name}: \"{address.Host}\" is a name; give the IP address to listen on, or 0.0.0.0 for all");
            else if (!bindable && address.IsWildcard)
                result.AddError($"{name}: {address.Host} is no address that others can reach");
        });
        return option;
    }
}
