using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using WolfScale.Client;
using WolfScale.Cluster;
using WolfScale.Server.Hosting;
using WolfScale.Server.Hosting.Reloading;
using WolfScale.Server.Logging;
using WolfScale.Settings;
using WolfScale.Testing;

namespace WolfScale.Unit.Server;

/// <summary>What a running node takes over of a configuration that was changed: every key, one after the other, on a real node.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private readonly ReloadFiles _files = new();
    private readonly int _port = Ports.FreeRange(10);
    private readonly string _logFile;
    private readonly NodeLoggerProvider _log;
    private readonly LoggerFactory _loggers;
    private NodeHost _host = null!;
    private string _text = "";

    public ReloadTests()
    {
        _logFile = _files.Pem("node.log");
        _log = new NodeLoggerProvider(new LoggingSection { File = _logFile }, TimeProvider.System);
        _loggers = new LoggerFactory([_log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
    }

    /// <summary>Another value for each key that is live, and what shows that it is in force.</summary>
    private Dictionary<string, (string Value, Func<Task<bool>> InForce)> Live => new()
    {
        ["wal.retention_hours"] = ("7", () => Is(_host.ClusterOptions.RetentionHours == 7)),
        ["wal.max_size_gb"] = ("3", () => Is(_host.ClusterOptions.MaxLogBytes == 3L << 30)),
        ["cluster.peers"] = ("[\"127.0.0.1:1999\"]", () => Is(_host.ClusterOptions.Peers is ["127.0.0.1:1999"])),
        ["cluster.never_leader"] = ("true", () => Is(_host.ClusterOptions.NeverLeader)),
        ["cluster.failback"] = ("\"auto\"", () => Is(_host.Configuration.Cluster.Failback == FailbackMode.Auto)), // read at each tick of the failback loop
        ["cluster.drop_after_s"] = ("77", () => Is(_host.ClusterOptions.DropAfterS == 77)),
        ["cluster.tls_cert"] = ($"\"{Pem("other.crt")}\"", () => Is(_host.ClusterOptions.Tls!.CertificateFile == Pem("other.crt"))),
        ["cluster.tls_key"] = ($"\"{Pem("same.key")}\"", () => Is(_host.ClusterOptions.Tls!.KeyFile == Pem("same.key"))),
        ["cluster.tls_ca"] = ($"\"{Pem("same-ca.crt")}\"", () => Is(_host.ClusterOptions.Tls!.CaFile == Pem("same-ca.crt"))), // for the others' APIs: OtherApisTests
        ["replication.read_consistency"] = ("\"strong\"", () => Is(_host.ProxyOptions!.Consistency == WolfScale.Proxy.ReadConsistency.Strong)),
        ["api.token"] = ("\"another token of the tests\"", () => LetsInAsync("another token of the tests")),
        ["api.tokens"] = ("[{ token = \"a reader's token\", role = \"admin\" }]", () => LetsInAsync("a reader's token")),
        ["api.tls_cert"] = ($"\"{Pem("other.crt")}\"", () => ShowsAsync("other")),
        ["api.tls_key"] = ($"\"{Pem("same.key")}\"", () => ShowsAsync("one")),
        ["proxy.tls_cert"] = ($"\"{Pem("other.crt")}\"", () => Is(_host.ProxyOptions!.Certificate!.TargetCertificate.Subject == "CN=other")),
        ["proxy.tls_key"] = ($"\"{Pem("same.key")}\"", () => Is(_host.ProxyOptions!.Certificate!.TargetCertificate.HasPrivateKey)),
        ["proxy.tls_required"] = ("true", () => Is(_host.ProxyOptions!.TlsRequired)),
        ["proxy.max_connections"] = ("17", () => Is(_host.ProxyOptions!.MaxConnections == 17)),
        ["proxy.pool_idle_ms"] = ("18", () => Is(_host.ProxyOptions!.PoolIdleMs == 18)),
        ["proxy.read_wait_ms"] = ("19", () => Is(_host.ProxyOptions!.ReadWaitMs == 19)),
        ["proxy.failover_wait_ms"] = ("20", () => Is(_host.ProxyOptions!.FailoverWaitMs == 20)),
        ["proxy.proxy_protocol_networks"] = ("[\"10.1.0.0/16\"]", () => Is(_host.ProxyOptions!.ProxyProtocolNetworks is [var network] && network.ToString() == "10.1.0.0/16")),
        ["proxy.send_proxy_protocol"] = ("true", () => Is(_host.ProxyOptions!.SendsProxyProtocol)),
        ["verify.interval_hours"] = ("5", () => Is(_host.Configuration.Verify.IntervalHours == 5)), // read at each look of the comparison in the background
        ["logging.level"] = ("\"debug\"", () => Is(_log.MinimumLevel == LogLevel.Debug)),
        ["logging.format"] = ("\"json\"", () => Is(_log.Format == LogFormat.Json)),
    };

    public async ValueTask InitializeAsync()
    {
        _text = $"""
            [node]
            id = "node-1"
            bind_address = "127.0.0.1:{_port}"
            data_dir = "{_files.Folder}/node"
            [database]
            host = "127.0.0.1"
            port = {_port + 3}
            [cluster]
            secret = "a secret of the tests, long enough"
            auto_discovery = false
            tls_cert = "{Pem("one.crt")}"
            tls_key = "{Pem("one.key")}"
            tls_ca = "{Pem("ca.crt")}"
            [api]
            bind_address = "127.0.0.1:{_port + 1}"
            token = "a token of the tests"
            tls_cert = "{Pem("one.crt")}"
            tls_key = "{Pem("one.key")}"
            [proxy]
            bind_address = "127.0.0.1:{_port + 2}"
            tls_cert = "{Pem("one.crt")}"
            tls_key = "{Pem("one.key")}"
            """;
        var loaded = Read();
        Assert.True(loaded.Valid, string.Join('\n', loaded.Findings));
        _host = await NodeHost.StartAsync(loaded.Configuration, new ClusterEntry(false, false, []), _log, _loggers, TimeProvider.System, "0.0.0", CancellationToken.None, Read);
    }

    [Fact]
    public async Task Every_key_is_in_force_after_a_reload_or_named_as_one_that_wants_a_restart()
    {
        var start = _text;
        var live = Live;
        foreach (var section in ConfigurationSchema.Sections)
        {
            foreach (var key in section.Keys)
            {
                var name = $"{section.Name}.{key.Name}";
                Assert.True(key.Live == live.ContainsKey(name), $"{name} is {(key.Live ? "live, and nothing here shows that it is" : "not live")}");
                var value = key.Live ? live[name].Value : ReloadFiles.Other(section, key);
                if (value.Length == 0)
                    continue; // has one value alone, or excludes others
                _text = ReloadFiles.With(start, section.Name, key.Name, value);
                var done = _host.Reload();
                Assert.True((done.Changed.Any(k => k.Key == name), done.NeedRestart.Any(k => k.Key == name)) == (key.Live, !key.Live), $"{name}: {done.Changed.Length} changed, {done.NeedRestart.Length} want a restart");
                if (key.Live)
                    Assert.True(await live[name].InForce(), $"{name} = {value} is not in force");
                if (key.Secret)
                    Assert.Null((done.Changed.Concat(done.NeedRestart).Single(k => k.Key == name)).To);
                _text = start;
                done = _host.Reload();
                Assert.Empty(done.NeedRestart);
                if (key.Live)
                    Assert.False(await live[name].InForce() && !name.EndsWith("_key", StringComparison.Ordinal) && !name.EndsWith("_ca", StringComparison.Ordinal), $"{name} is not taken back");
            }
        }
    }

    [Fact]
    public void A_file_with_errors_changes_nothing_and_says_where_they_are()
    {
        var before = _host.Configuration;
        _text = ReloadFiles.With(_text, "proxy", "max_connections", "5") + "\nnonsense = 1\n";
        var refused = Assert.Throws<RefusedException>(() => _host.Reload());
        Assert.Matches(@"config\.toml:\d+:1: error: unknown key ""nonsense""", refused.Message);
        Assert.Equal((before, 10_000), (_host.Configuration, _host.ProxyOptions!.MaxConnections));
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_changes_nothing_and_one_that_was_renewed_in_its_place_is_shown()
    {
        File.WriteAllText(Pem("one.crt"), "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
        _text = ReloadFiles.With(_text, "proxy", "max_connections", "5");
        _ = Assert.Throws<RefusedException>(() => _host.Reload());
        Assert.Equal(10_000, _host.ProxyOptions!.MaxConnections);
        Assert.True(await ShowsAsync("one"));

        File.Copy(Pem("other.crt"), Pem("one.crt"), overwrite: true);
        Assert.Equal(["proxy.max_connections"], _host.Reload().Changed.Select(k => k.Key));
        Assert.True(await ShowsAsync("other"));
    }

    [Fact]
    public void TLS_cannot_be_switched_off_while_the_API_listens_with_it()
    {
        _text = ReloadFiles.With(ReloadFiles.With(_text, "api", "tls_cert", "\"\""), "api", "tls_key", "\"\"");
        var done = _host.Reload();
        Assert.Equal((0, "api.tls_cert, api.tls_key"), (done.Changed.Length, string.Join(", ", done.NeedRestart.Select(k => k.Key))));
        Assert.Equal(["api.tls_cert", "api.tls_key"], _host.Current.NeedRestart);
    }

    /// <summary>A listener on all addresses cannot lose its token, however right the file is that also moves it to loopback.</summary>
    [Fact]
    public void Halves_that_are_not_right_by_themselves_are_refused()
    {
        var running = ConfigurationLoader.Load("[node]\nid = \"n\"\nbind_address = \"127.0.0.1:7\"\n[api]\ntoken = \"t\"\n", "c", []);
        var file = ConfigurationLoader.Load("[node]\nid = \"n\"\nbind_address = \"127.0.0.1:7\"\n[api]\nbind_address = \"127.0.0.1:8080\"\n", "c", []);
        Assert.True(running.Valid && file.Valid);
        var reloader = new Reloader("n", running.Configuration, () => file, new Nobody(), _loggers.CreateLogger("test"));
        Assert.Contains("api.bind_address cannot be changed while n runs", Assert.Throws<RefusedException>(reloader.Reload).Message, StringComparison.Ordinal);
        Assert.Equal("t", reloader.Running.Api.Token);
    }

    [Fact]
    public void Variables_go_on_winning_over_the_file()
    {
        ImmutableArray<GivenValue> variables = EnvironmentSource.Read(new Dictionary<string, string> { ["WOLFSCALE_PROXY__MAX_CONNECTIONS"] = "55" });
        const string text = "[node]\nid = \"n\"\nbind_address = \"127.0.0.1:7\"\n[api]\nenabled = false\n[proxy]\nmax_connections = ";
        var reloader = new Reloader("n", ConfigurationLoader.Load(text + "1", "c", variables).Configuration, () => ConfigurationLoader.Load(text + "2", "c", variables), new Nobody(), _loggers.CreateLogger("test"));
        Assert.Empty(reloader.Reload().Changed);
        Assert.Equal(55, reloader.Running.Proxy.MaxConnections);
    }

    /// <summary>It lasts until the file says something else than before.</summary>
    [Fact]
    public void A_reload_does_not_undo_what_log_level_did()
    {
        Assert.True(_host.SetLogLevel("trace"));
        _ = _host.Reload();
        Assert.Equal(LogLevel.Trace, _log.MinimumLevel);
        _text += "\n[logging]\nlevel = \"warn\"\n";
        _ = _host.Reload();
        Assert.Equal(LogLevel.Warning, _log.MinimumLevel);
    }

    /// <summary>logrotate renames the file and reloads the service; what is said from then on belongs into a new one, however wrong the configuration is.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("nonsense = 1")]
    public async Task The_log_goes_on_in_a_new_file_when_its_own_was_renamed(string added)
    {
        var rotated = _logFile + ".1";
        File.Move(_logFile, rotated);
        _text += $"\n[logging]\n{added}\n";
        _ = Record.Exception(() => _host.Reload());

        await AwaitTextAsync(_logFile, "The configuration was read again");
        var before = await File.ReadAllTextAsync(rotated);
        Assert.DoesNotContain("was read again", before, StringComparison.Ordinal);
        Assert.Contains("WolfScale", before, StringComparison.Ordinal); // what was said before is where it was
        File.Delete(rotated);
    }

    [Fact]
    public async Task A_log_that_cannot_be_opened_anew_goes_on_where_it_is_and_says_so()
    {
        var rotated = _logFile + ".1";
        File.Move(_logFile, rotated);
        _ = Directory.CreateDirectory(_logFile); // nobody can write that

        var done = _host.Reload();

        Assert.Contains("goes on in the file that was opened before", done.Warnings[0], StringComparison.Ordinal);
        await AwaitTextAsync(rotated, "goes on in the file that was opened before");
        Directory.Delete(_logFile);
        File.Delete(rotated);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _loggers.Dispose();
        await _log.DisposeAsync();
        _files.Dispose();
    }

    private LoadedConfiguration Read()
    {
        var loaded = ConfigurationLoader.Load(_text, "config.toml", []);
        return loaded.Valid ? loaded : throw new RefusedException("config.toml is not valid:\n" + string.Join('\n', loaded.Findings.Where(f => f.Severity == Severity.Error)));
    }

    /// <summary>The log is written by a task of its own: what was said is there soon.</summary>
    private static async Task AwaitTextAsync(string file, string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!File.Exists(file) || !(await File.ReadAllTextAsync(file)).Contains(text, StringComparison.Ordinal))
            await Task.Delay(10, limit.Token);
    }

    private static Task<bool> Is(bool condition) => Task.FromResult(condition);

    private async Task<bool> LetsInAsync(string token)
    {
        using var http = TlsApi.Client(static _ => { });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.PostAsync(new Uri($"https://127.0.0.1:{_port + 1}/admin/log-level"), new StringContent("{}"));
        return answer.StatusCode != HttpStatusCode.Unauthorized;
    }

    private Task<bool> ShowsAsync(string name) => TlsApi.ShowsAsync(_port + 1, name);

    private string Pem(string name) => _files.Pem(name);

    private sealed class Nobody : ILiveParts
    {
        public Action Prepare(NodeConfiguration configuration) => static () => { };
    }
}
