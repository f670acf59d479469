using System.Collections.Immutable;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

public class ConfigurationLoaderTests
{
    private const string Smallest = "[node]\nid = \"node-1\"\nbind_address = \"127.0.0.1:7654\"\n[api]\nbind_address = \"127.0.0.1:8080\"\n";

    [Fact]
    public void A_small_file_on_loopback_is_valid_and_the_rest_has_its_defaults()
    {
        var loaded = Load(Smallest);

        Assert.Empty(loaded.Findings);
        Assert.Equal("/var/lib/wolfscale/node-1", loaded.Configuration.DataDirectory);
        Assert.Equal("127.0.0.1:7654", loaded.Configuration.AdvertiseAddress);
        Assert.Equal((1500, 3000), loaded.Configuration.ElectionTimeoutMs);
        Assert.Equal(500, loaded.Configuration.Cluster.HeartbeatIntervalMs);
        Assert.True(loaded.Configuration.Wal.Fsync);
    }

    [Fact]
    public void A_typo_is_an_error_at_its_place_that_names_the_nearest_key()
    {
        var finding = OnlyError("[node]\nid = \"node-1\"\n  dvertise_address = \"10.0.0.1:7654\"\nbind_address = \"127.0.0.1:1\"\n[api]\nenabled = false\n");

        Assert.Equal("c.toml:3:3: error: unknown key \"dvertise_address\" in [node]; did you mean \"advertise_address\"?", finding.ToString());
        Assert.Equal("unknown_key", finding.Code);
    }

    [Theory]
    [InlineData("[clutser]\npeers = []\nx = 1\n", "unknown section [clutser]; did you mean [cluster]?")]
    [InlineData("[node.extra]\nx = 1\n", "unknown section [node.extra]")]
    [InlineData("[wal]\nheartbeat_interval_ms = 5\n", "unknown key \"heartbeat_interval_ms\" in [wal]; \"heartbeat_interval_ms\" belongs under [cluster]")]
    [InlineData("[wal]\nbatch_size = 0\n", "wal.batch_size = 0 is out of range: 1 to 100000")]
    [InlineData("[wal]\nbatch_size = \"many\"\n", "wal.batch_size must be a whole number, not \"many\"")]
    [InlineData("[wal]\nbatch_size = 1.5\n", "wal.batch_size must be a whole number, not 1.5")]
    [InlineData("[wal]\nfsync = \"yes\"\n", "wal.fsync must be true or false, not \"yes\"")]
    [InlineData("[database]\nport = 70000\n", "database.port = 70000 is out of range: 1 to 65535")]
    [InlineData("[cluster]\npeers = \"10.0.0.1:7654\"\n", "cluster.peers must be a list of strings")]
    [InlineData("[cluster]\nmode = \"availible\"\n", "cluster.mode = \"availible\" is not one of \"consistent\", \"available\"; did you mean \"available\"?")]
    [InlineData("[logging]\nlevel = 3\n", "logging.level must be one of \"trace\"")]
    [InlineData("[database]\nuser = 2026-01-01\n", "database.user must be a string in quotes, not a date or time")]
    public void What_cannot_stand_there_is_refused_with_what_could(string more, string message) =>
        Assert.Contains(message, OnlyError(Smallest + more).Message, StringComparison.Ordinal);

    [Fact]
    public void A_key_above_all_sections_is_told_where_it_belongs() =>
        Assert.Equal("\"peers\" stands outside any section; did you mean peers under [cluster]?", OnlyError("peers = []\n" + Smallest).Message);

    [Fact]
    public void A_file_that_does_not_parse_says_where_and_nothing_else()
    {
        var finding = Assert.Single(Load("[node]\nid = \n").Findings);

        Assert.Equal("syntax", finding.Code);
        Assert.Equal(2, finding.Position.Line);
    }

    [Fact]
    public void A_key_given_twice_does_not_parse() => Assert.Equal("syntax", OnlyError(Smallest + "[wal]\nfsync = true\nfsync = false\n").Code);

    [Fact]
    public void The_id_is_required() => Assert.Equal("node.id is missing and required", OnlyError("[node]\nbind_address = \"127.0.0.1:7\"\n[api]\nenabled = false\n").Message);

    [Fact]
    public void Variables_override_the_file()
    {
        var variables = new Dictionary<string, string>
        {
            ["WOLFSCALE_CLUSTER__HEARTBEAT_INTERVAL_MS"] = "100",
            ["WOLFSCALE_CLUSTER__PEERS"] = "127.0.0.1:1, 127.0.0.1:2",
            ["WOLFSCALE_WAL__FSYNC"] = "true",
            ["WOLFSCALE_LOGGING__FORMAT"] = "json",
            ["WOLFSCALE_LONG"] = "1", // no section: not ours
        };

        var loaded = ConfigurationLoader.Load(Smallest + "[wal]\nfsync = false\n", "c.toml", EnvironmentSource.Read(variables));

        Assert.Empty(loaded.Findings);
        Assert.Equal(100, loaded.Configuration.Cluster.HeartbeatIntervalMs);
        Assert.Equal(["127.0.0.1:1", "127.0.0.1:2"], loaded.Configuration.Cluster.Peers);
        Assert.True(loaded.Configuration.Wal.Fsync);
        Assert.Equal(LogFormat.Json, loaded.Configuration.Logging.Format);
    }

    [Fact]
    public void A_typo_in_a_variable_is_found_too()
    {
        var loaded = ConfigurationLoader.Load(Smallest, "c.toml", EnvironmentSource.Read(new Dictionary<string, string> { ["WOLFSCALE_WAL__FSINC"] = "1" }));

        Assert.Equal("environment variable WOLFSCALE_WAL__FSINC: error: unknown key \"fsinc\" in [wal]; did you mean \"fsync\"?", Assert.Single(loaded.Findings).ToString());
    }

    [Fact]
    public void A_secret_may_stand_in_a_file_of_its_own()
    {
        using var file = new TemporaryFile("hush\n");

        Assert.Equal("hush", Load(Smallest + $"[database]\npassword_file = \"{file.Path}\"\n").Configuration.Database.Password);
    }

    [Fact]
    public void A_secret_given_in_both_forms_is_an_error_whichever_comes_first()
    {
        using var file = new TemporaryFile("hush");

        Assert.Equal("given_twice", OnlyError(Smallest + $"[database]\npassword_file = \"{file.Path}\"\npassword = \"x\"\n").Code);
        Assert.Equal("given_twice", OnlyError(Smallest + $"[database]\npassword = \"x\"\npassword_file = \"{file.Path}\"\n").Code);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_named()
    {
        Assert.Contains("cannot read /nowhere/secret", OnlyError(Smallest + "[cluster]\nsecret_file = \"/nowhere/secret\"\n").Message, StringComparison.Ordinal);
        Assert.Contains(Load(Smallest + "[api]\ntls_cert = \"/nowhere/c\"\n".Replace("[api]\n", "", StringComparison.Ordinal)).Findings, f => f.Code == "unreadable_file");
    }

    [Fact]
    public void A_secret_of_the_wrong_type_is_not_printed() =>
        Assert.DoesNotContain("12345", OnlyError(Smallest + "[cluster]\nsecret = 12345\n").Message, StringComparison.Ordinal);

    [Fact]
    public void More_tokens_come_as_tables()
    {
        var loaded = Load(Smallest + "[[api.tokens]]\ntoken = \"a\"\nrole = \"read\"\n[[api.tokens]]\ntoken = \"b\"\nrole = \"admin\"\nname = \"ops\"\n");

        Assert.Empty(loaded.Findings);
        Assert.Equal([("a", TokenRole.Read, ""), ("b", TokenRole.Admin, "ops")], loaded.Configuration.Api.Tokens.Select(t => (t.Token, t.Role, t.Name)));
    }

    /// <summary>The one place beside its declaration that a new one needs.</summary>
    [Fact]
    public void Every_key_that_is_an_array_of_tables_can_be_read() =>
        Assert.All(
            ConfigurationSchema.Sections.SelectMany(s => s.Keys).Where(k => k.TableType is not null),
            k => Assert.IsType(k.Type, TableRecord.List(k.TableType!, [TableRecord.New(k.TableType!)])));

    [Fact]
    public void A_token_without_a_role_is_incomplete() =>
        Assert.Equal("api.tokens.role is missing and required", OnlyError(Smallest + "[[api.tokens]]\ntoken = \"a\"\n[[api.tokens]]\ntoken = \"b\"\nrole = \"read\"\n").Message);

    [Fact]
    public void Errors_come_first_then_the_order_of_the_file()
    {
        var findings = Load("[wal]\nfsync = false\nbatch_size = 0\n" + Smallest + "[proxy]\nmax_connections = 0\n").Findings;

        Assert.Equal(["wal.batch_size", "proxy.max_connections", "wal.fsync"], findings.Select(f => f.Key));
    }

    internal static LoadedConfiguration Load(string toml) => ConfigurationLoader.Load(toml, "c.toml", ImmutableArray<GivenValue>.Empty);

    private static Finding OnlyError(string toml) => Assert.Single(Load(toml).Findings, f => f.Severity == Severity.Error);

    private sealed class TemporaryFile : IDisposable
    {
        private readonly TempFolder _folder = new("loader");

        public TemporaryFile(string text) => File.WriteAllText(Path, text);

        public string Path => _folder.File("file");

        public void Dispose() => _folder.Dispose();
    }
}
