using System.Globalization;
using System.Net;
using Spectre.Console;
using WolfScale.Server.Configuration;
using WolfScale.Settings.Rules;

namespace WolfScale.Server.Cli;

/// <summary>The questions of <c>wolfscale init</c>. Each has a default where there is a good one, and is asked again until the answer can be used; nothing is written before the last.</summary>
internal static class InitQuestions
{
    private const string UsualSocket = "/run/mysqld/mysqld.sock";

    /// <summary>The answers, and fresh secrets where none was given. A proxy is asked for the cluster and its ports alone.</summary>
    public static InitChoices Ask(InitPurpose purpose)
    {
        var values = InitChoices.Fresh(purpose);
        var name = Dns.GetHostName();
        var first = false;
        if (purpose == InitPurpose.Node)
            AskForNode();
        else
            Set("node.id", name);
        Text("cluster.cluster_name", "The cluster's name, the same on all nodes", "wolfscale", answer => answer.Length > 0 ? null : "a name");
        if (purpose == InitPurpose.Node && (first = Terminal.Out.Confirm("Is it the first node of a new cluster?")))
            values["cluster.bootstrap"] = "true";
        values["cluster.peers"] = InitOptions.List(first ? [] : Peers());
        if (!first)
            AskForSecrets();
        if (purpose == InitPurpose.Node)
            AskForDatabase();
        Port("api.bind_address", purpose == InitPurpose.Node ? "Port of the HTTP API" : "Port of the HTTP API, the same as the nodes'", 8080);
        Port("proxy.bind_address", "Port of the MySQL proxy", 3307);
        return new InitChoices(purpose, values, JoinsCluster: !first);

        void Set(string key, string answer) => values[key] = ConfigurationTemplate.Literal(answer);

        void Text(string key, string question, string standard, Func<string, string?> problem) => Set(key, One(question, standard, problem));

        void Port(string key, string question, int standard) => Text(
            key, question, string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{standard}"), Bindable);

        void AskForNode()
        {
            Text("node.id", "Node id, unique in the cluster; the lowest is preferred as leader", name, id => NodeRules.IsId(id) ? null : "1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or digit");
            Text("node.bind_address", "Listen for other nodes on", "0.0.0.0:7654", Bindable);
            var bound = values["node.bind_address"].Trim('"');
            _ = HostPort.TryParse(bound, out var listening, out _);
            Text("node.advertise_address", "Address at which other nodes reach this one", listening.IsWildcard ? new HostPort(name, listening.Port).ToString() : bound, Dialled);
        }

        void AskForSecrets()
        {
            Set("cluster.secret", Terminal.Out.Prompt(new TextPrompt<string>("The cluster's secret (cluster.secret of a node that is there)").Secret()));
            if (Terminal.Out.Prompt(new TextPrompt<string>("Its API token (api.token of a node that is there; empty: one of its own)").Secret().AllowEmpty()) is { Length: > 0 } token)
                Set("api.token", token);
            if (purpose == InitPurpose.Node
                && Terminal.Out.Prompt(new TextPrompt<string>("Its password for MariaDB (database.password of a node that is there; empty: one of its own, and then this node writes over HTTP only while it leads)").Secret().AllowEmpty()) is { Length: > 0 } password)
                Set("database.password", password);
        }

        void AskForDatabase()
        {
            var there = File.Exists(UsualSocket);
            var where = One("MariaDB: its unix socket, or host:port", there ? UsualSocket : "localhost:3306", answer => answer.StartsWith('/') || HostPort.TryParse(answer, out _, out _)
                ? null : "a path, like " + UsualSocket + ", or host:port");
            if (where.StartsWith('/'))
            {
                Set("database.socket", where);
                return;
            }

            _ = HostPort.TryParse(where, out var address, out _);
            Set("database.host", address.Host);
            values["database.port"] = address.Port.ToString(CultureInfo.InvariantCulture);
        }
    }

    private static List<string> Peers()
    {
        var peers = new List<string> { One("A node that is there, host:port", null, Dialled) };
        while (One("Another one, host:port (empty: no more)", "", answer => answer.Length == 0 ? null : Dialled(answer)) is { Length: > 0 } peer)
            peers.Add(peer);
        return peers;
    }

    private static string One(string question, string? standard, Func<string, string?> problem)
    {
        var prompt = new TextPrompt<string>(question.EscapeMarkup()).Validate(answer => problem(answer.Trim()) is { } wrong ? ValidationResult.Error($"[red]{wrong.EscapeMarkup()}[/]") : ValidationResult.Success());
        if (standard is { Length: > 0 })
            _ = prompt.DefaultValue(standard);
        else if (standard is not null)
            _ = prompt.AllowEmpty();
        return Full(Terminal.Out.Prompt(prompt).Trim());
    }

    /// <summary>A number alone is a port on every address.</summary>
    private static string Full(string answer) => answer.Length > 0 && answer.All(char.IsAsciiDigit) ? "0.0.0.0:" + answer : answer;

    private static string? Bindable(string answer) => HostPort.TryParse(Full(answer), out var address, out var wrong)
        ? address.IsBindable && address.Port > 0 ? null : "an IP address of this machine (0.0.0.0 for all) and a port from 1 on"
        : wrong;

    private static string? Dialled(string answer) => !HostPort.TryParse(answer, out var address, out var problem) ? problem
        : address.IsWildcard || address.Port == 0 ? "an address that other machines can dial" : null;
}
