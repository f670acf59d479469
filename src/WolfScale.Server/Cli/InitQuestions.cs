using System.Globalization;
using System.Net;
using Spectre.Console;

namespace WolfScale.Server.Cli;

/// <summary>What <c>wolfscale init</c> asks on a terminal, where it was told nothing.</summary>
internal static class InitQuestions
{
    private const string Socket = "/run/mysqld/mysqld.sock";

    /// <summary>The answers, as <c>section.key</c> and TOML literal.</summary>
    public static Dictionary<string, string> Ask()
    {
        var values = InitOptions.Fresh();
        var host = Dns.GetHostName();
        InitOptions.Set(values, "node.id", Terminal.Out.Prompt(new TextPrompt<string>("Node id (unique; the lowest is preferred as leader)").DefaultValue(host)));
        var bind = Terminal.Out.Prompt(new TextPrompt<string>("Listen for other nodes on").DefaultValue("0.0.0.0:7654").Validate(Bindable));
        InitOptions.Set(values, "node.bind_address", bind);
        _ = HostPort.TryParse(bind, out var listening, out _);
        InitOptions.Set(values, "node.advertise_address", Terminal.Out.Prompt(
            new TextPrompt<string>("Other nodes reach it at").DefaultValue(listening.IsWildcard ? new HostPort(host, listening.Port).ToString() : bind).Validate(Reachable)));
        if (Yes("Is this the first node of a new cluster?", otherwise: false))
            values["cluster.bootstrap"] = "true";
        AskForOthers(values);
        AskForDatabase(values);
        var api = Terminal.Out.Prompt(new TextPrompt<int>("Port of the HTTP API").DefaultValue(8080).Validate(ValidPort));
        InitOptions.Set(values, "api.bind_address", new HostPort("0.0.0.0", api).ToString());
        return values;
    }

    private static void AskForOthers(Dictionary<string, string> values)
    {
        InitOptions.Set(values, "cluster.cluster_name", Terminal.Out.Prompt(new TextPrompt<string>("The cluster's name (the same on all nodes)").DefaultValue("wolfscale")));
        var peers = new List<string>();
        while (Terminal.Out.Prompt(new TextPrompt<string>(peers.Count == 0 ? "Another node, HOST:PORT (empty: none is known yet)" : "One more (empty: no more)").AllowEmpty().Validate(Peer)) is { Length: > 0 } peer)
            peers.Add(peer);
        values["cluster.peers"] = InitOptions.List(peers);
        var secret = Terminal.Out.Prompt(new TextPrompt<string>("The cluster's secret, as another node's file has it (empty: a new one)").Secret().AllowEmpty());
        InitOptions.Set(values, "cluster.secret", secret.Length > 0 ? secret : null);
        if (secret.Length == 0)
            return;
        var token = Terminal.Out.Prompt(new TextPrompt<string>("The API's token, as that file has it (empty: a new one)").Secret().AllowEmpty());
        InitOptions.Set(values, "api.token", token.Length > 0 ? token : null);
    }

    private static void AskForDatabase(Dictionary<string, string> values)
    {
        var socket = Terminal.Out.Prompt(new TextPrompt<string>("MariaDB's socket (empty: over TCP)").DefaultValue(Socket).AllowEmpty());
        InitOptions.Set(values, "database.socket", socket);
        if (socket.Length == 0)
        {
            InitOptions.Set(values, "database.host", Terminal.Out.Prompt(new TextPrompt<string>("MariaDB's host").DefaultValue("localhost")));
            values["database.port"] = Terminal.Out.Prompt(new TextPrompt<int>("MariaDB's port").DefaultValue(3306).Validate(ValidPort)).ToString(CultureInfo.InvariantCulture);
        }

        InitOptions.Set(values, "database.database", Terminal.Out.Prompt(new TextPrompt<string>("Default database of the HTTP API (empty: none)").AllowEmpty()));
        InitOptions.Set(values, "database.user", Terminal.Out.Prompt(new TextPrompt<string>("WolfScale's account on MariaDB").DefaultValue("wolfscale")));
        var password = Terminal.Out.Prompt(new TextPrompt<string>("Its password (empty: a new one, for `wolfscale init --sql`)").Secret().AllowEmpty());
        InitOptions.Set(values, "database.password", password.Length > 0 ? password : null);
    }

    private static bool Yes(string question, bool otherwise) => Terminal.Out.Prompt(new ConfirmationPrompt(question) { DefaultValue = otherwise });

    private static ValidationResult Bindable(string address) =>
        !HostPort.TryParse(address, out var parsed, out var problem) ? ValidationResult.Error(problem)
        : parsed.IsBindable ? ValidationResult.Success() : ValidationResult.Error("An IP address to listen on is wanted, or 0.0.0.0 for all.");

    private static ValidationResult Reachable(string address) =>
        !HostPort.TryParse(address, out var parsed, out var problem) ? ValidationResult.Error(problem)
        : parsed.IsWildcard ? ValidationResult.Error($"{parsed.Host} is no address that others can reach.") : ValidationResult.Success();

    private static ValidationResult Peer(string address) => address.Length == 0 ? ValidationResult.Success() : Reachable(address);

    private static ValidationResult ValidPort(int port) => port is >= 1 and <= 65535 ? ValidationResult.Success() : ValidationResult.Error("A port is 1 to 65535.");
}
