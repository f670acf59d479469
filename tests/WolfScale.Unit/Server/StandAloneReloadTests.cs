using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using WolfScale.Client;
using WolfScale.Server.Hosting.StandAlone;
using WolfScale.Server.Logging;
using WolfScale.Settings;
using WolfScale.Testing;

namespace WolfScale.Unit.Server;

/// <summary>The same of a proxy that stands alone: every key of the file is live, wants a restart, or is a node's and not looked at.</summary>
public sealed class StandAloneReloadTests : IAsyncDisposable
{
    private readonly ReloadFiles _files = new();
    private readonly int _port = Ports.FreeRange(10);
    private readonly NodeLoggerProvider _log;
    private readonly LoggerFactory _loggers;
    private StandAloneHost _host = null!;
    private string _text;

    public StandAloneReloadTests()
    {
        _log = new NodeLoggerProvider(new LoggingSection { File = _files.Pem("proxy.log") }, TimeProvider.System);
        _loggers = new LoggerFactory([_log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        _text = $"""
            [cluster]
            peers = ["127.0.0.1:{_port + 5}"] # as in a node's file: asked on the API's port, which is this program's own
            secret = "a secret of the tests, long enough"
            tls_ca = "{_files.Pem("ca.crt")}"
            [api]
            bind_address = "127.0.0.1:{_port + 1}"
            token = "a token of the tests"
            tls_cert = "{_files.Pem("one.crt")}"
            tls_key = "{_files.Pem("one.key")}"
            [proxy]
            bind_address = "127.0.0.1:{_port}"
            tls_cert = "{_files.Pem("one.crt")}"
            tls_key = "{_files.Pem("one.key")}"
            """;
    }

    /// <summary>Another value for each key that is live here, and what shows that it is in force.</summary>
    private Dictionary<string, (string Value, Func<Task<bool>> InForce)> Live => new()
    {
        ["cluster.peers"] = ("[\"127.0.0.2:1999\"]", () => Is(_host.Routes.Asked() is [var only] && only.Api.Host == "127.0.0.2" && only.Api.Port == _port + 1)), // on the API's port
        ["cluster.tls_ca"] = ($"\"{_files.Pem("strange-ca.crt")}\"", PeerIsNotBelievedAsync),
        ["replication.read_consistency"] = ("\"strong\"", () => Is(_host.ProxyOptions.Consistency == WolfScale.Proxy.ReadConsistency.Strong)),
        ["api.token"] = ("\"another token of the tests\"", () => LetsInAsync("another token of the tests")),
        ["api.tokens"] = ("[{ token = \"an operator's token\", role = \"admin\" }]", () => LetsInAsync("an operator's token")),
        ["api.tls_cert"] = ($"\"{_files.Pem("other.crt")}\"", () => ShowsAsync("other")),
        ["api.tls_key"] = ($"\"{_files.Pem("same.key")}\"", () => ShowsAsync("one")),
        ["proxy.tls_cert"] = ($"\"{_files.Pem("other.crt")}\"", () => Is(_host.ProxyOptions.Certificate!.TargetCertificate.Subject == "CN=other")),
        ["proxy.tls_key"] = ($"\"{_files.Pem("same.key")}\"", () => Is(_host.ProxyOptions.Certificate!.TargetCertificate.HasPrivateKey)),
        ["proxy.tls_required"] = ("true", () => Is(_host.ProxyOptions.TlsRequired)),
        ["proxy.max_connections"] = ("17", () => Is(_host.ProxyOptions.MaxConnections == 17)),
        ["proxy.pool_idle_ms"] = ("18", () => Is(_host.ProxyOptions.PoolIdleMs == 18)),
        ["proxy.read_wait_ms"] = ("19", () => Is(_host.ProxyOptions.ReadWaitMs == 19)),
        ["proxy.failover_wait_ms"] = ("20", () => Is(_host.ProxyOptions.FailoverWaitMs == 20)),
        ["proxy.proxy_protocol_networks"] = ("[\"10.1.0.0/16\"]", () => Is(_host.ProxyOptions.ProxyProtocolNetworks is [var network] && network.ToString() == "10.1.0.0/16")),
        ["proxy.send_proxy_protocol"] = ("true", () => Is(_host.ProxyOptions.SendsProxyProtocol)),
        ["logging.level"] = ("\"debug\"", () => Is(_log.MinimumLevel == LogLevel.Debug)),
        ["logging.format"] = ("\"json\"", () => Is(_log.Format == LogFormat.Json)),
    };

    private static readonly string[] ForARestart =
    [
        "proxy.bind_address", "proxy.pool_connections", "cluster.cluster_name", "cluster.secret", "api.enabled", "api.bind_address", "api.rate_limit", "logging.file",
    ];

    [Fact]
    public async Task Every_key_is_in_force_after_a_reload_or_named_for_a_restart_or_a_nodes_alone()
    {
        await StartAsync();
        var (start, live) = (_text, Live);
        foreach (var section in ConfigurationSchema.Sections)
        {
            foreach (var key in section.Keys)
            {
                var name = $"{section.Name}.{key.Name}";
                var value = live.TryGetValue(name, out var one) ? one.Value : ReloadFiles.Other(section, key);
                if (value.Length == 0)
                    continue; // has one value alone
                _text = ReloadFiles.With(start, section.Name, key.Name, value);
                var done = _host.Reload();
                Assert.True(
                    (done.Changed.Any(k => k.Key == name), done.NeedRestart.Any(k => k.Key == name)) == (live.ContainsKey(name), ForARestart.Contains(name)),
                    $"{name}: {done.Changed.Length} changed, {done.NeedRestart.Length} want a restart");
                if (live.ContainsKey(name))
                    Assert.True(await one.InForce(), $"{name} = {value} is not in force");
                _text = start;
                Assert.Empty(_host.Reload().NeedRestart);
                if (live.ContainsKey(name))
                    Assert.False(await one.InForce() && !name.EndsWith("_key", StringComparison.Ordinal), $"{name} is not taken back");
            }
        }
    }

    /// <summary>What the command line says goes over the file, after a reload too.</summary>
    [Fact]
    public async Task What_was_given_on_the_command_line_stays()
    {
        await StartAsync(
            listen: string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port}"), peers: [string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port + 6}")], cluster: "mine",
            api: string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port + 1}"));
        foreach (var (section, key, value) in new[]
        {
            ("proxy", "bind_address", "\"127.0.0.1:1994\""), ("cluster", "peers", "[\"127.0.0.1:1999\"]"), ("cluster", "cluster_name", "\"theirs\""), ("api", "bind_address", "\"127.0.0.1:1995\""), ("api", "enabled", "false"),
        })
            _text = ReloadFiles.With(_text, section, key, value);

        var done = _host.Reload();

        Assert.Equal((0, 0), (done.Changed.Length, done.NeedRestart.Length));
        Assert.Equal(_port + 6, Assert.Single(_host.Routes.Asked()).Api.Port);
    }

    /// <summary>Peers are asked, beacons are listened for: the one does not become the other while it runs.</summary>
    [Fact]
    public async Task From_peers_to_discovery_it_takes_a_restart()
    {
        await StartAsync();
        _text = ReloadFiles.With(_text, "cluster", "peers", "[]");

        Assert.Equal("cluster.peers", Assert.Single(_host.Reload().NeedRestart).Key);
        Assert.Equal(_port + 1, Assert.Single(_host.Routes.Asked()).Api.Port); // the peer's host, on the API's port
    }

    [Fact]
    public async Task A_node_keeps_its_rules_to_itself_and_what_is_wrong_here_changes_nothing()
    {
        await StartAsync();
        _text = ReloadFiles.With(ReloadFiles.With(_text, "cluster", "election_timeout_min_ms", "9000"), "proxy", "max_connections", "9"); // more than the maximum: a node would not start
        Assert.Equal("proxy.max_connections", Assert.Single(_host.Reload().Changed).Key);

        _text = ReloadFiles.With(ReloadFiles.With(_text, "proxy", "max_connections", "10"), "proxy", "tls_cert", "\"/nowhere.crt\"");
        var refused = Assert.Throws<RefusedException>(() => _host.Reload());
        Assert.StartsWith("Nothing was changed.", refused.Message, StringComparison.Ordinal);
        Assert.Equal(9, _host.ProxyOptions.MaxConnections);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _loggers.Dispose();
        await _log.DisposeAsync();
        _files.Dispose();
    }

    private async Task StartAsync(string? listen = null, string[]? peers = null, string? cluster = null, string? api = null) => _host = await StandAloneHost.StartAsync(
        new StandAloneSettings("load-balancer", Read(), listen, [.. peers ?? []], cluster, api), Read, _log, _loggers, TimeProvider.System, "0.0.0", CancellationToken.None);

    private LoadedConfiguration Read() => ConfigurationLoader.Load(_text, "config.toml", []);

    /// <summary>The peer is this program's own API, which has a certificate of the right authority.</summary>
    private async Task<bool> PeerIsNotBelievedAsync()
    {
        var looks = 0;
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look()
        {
            if (Interlocked.Increment(ref looks) == 2) // the first question may have been under way
                _ = asked.TrySetResult();
        }

        _host.Routes.Looked += Look;
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        _host.Routes.Looked -= Look;
        return _host.Routes.Asked()[0].Problem!.Contains("TLS failed", StringComparison.Ordinal);
    }

    private static Task<bool> Is(bool condition) => Task.FromResult(condition);

    private async Task<bool> LetsInAsync(string token)
    {
        using var http = TlsApi.Client(static _ => { });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.PostAsync(new Uri($"https://127.0.0.1:{_port + 1}/admin/reload"), null);
        return answer.StatusCode == HttpStatusCode.OK;
    }

    private Task<bool> ShowsAsync(string name) => TlsApi.ShowsAsync(_port + 1, name);
}
