using System.Security.Cryptography;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Reads that no other server could answer as the leader does, because of what the session did before; their text alone would do.</summary>
public sealed class StaysOnLeaderTests : IDisposable
{
    private const string Read = "SELECT a FROM t";
    private readonly ProxyKit _kit = new();
    private readonly RawPeer _client;
    private readonly RawPeer _leader;

    public StaysOnLeaderTests()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
        (_client, _leader) = _kit.LogIn();
        Said(Read); // by then its account is known
    }

    /// <summary>Another table is an error there (1100), and no local read.</summary>
    [Theory]
    [InlineData("LOCK TABLES t READ")]
    [InlineData("/*!101115 LOCK TABLES t READ */")] // to servers of that version; this one has greeted as 10.11.19
    public void Under_locked_tables(string locking)
    {
        Said(locking);
        Said(Read);
        Said("UNLOCK TABLES");
        ExpectLocal(Read);
    }

    /// <summary>GLOBAL_VARIABLES and PROCESSLIST are of one server.</summary>
    [Theory]
    [InlineData("information_schema")]
    [InlineData("PERFORMANCE_SCHEMA")]
    [InlineData("mysql")]
    [InlineData("sys")]
    public void In_a_schema_that_tells_of_one_server(string schema)
    {
        Said($"USE {schema}", TwoSidedAnswer.Schema(schema));
        Said("SELECT VARIABLE_VALUE FROM GLOBAL_VARIABLES");
        Said("USE shop", TwoSidedAnswer.Schema("shop"));
        ExpectLocal(Read);
    }

    [Fact]
    public void With_seeded_random_numbers()
    {
        Said("SET rand_seed1=5, rand_seed2=6", [.. TwoSidedAnswer.Variable("rand_seed1", "5"), .. TwoSidedAnswer.Variable("rand_seed2", "6")]);
        Said("SELECT RAND()");
        _client.Send(Command(0x1F));
        Assert.Equal("\x1F", _leader.ReadText());
        _leader.Send(Packet(1, Ok()));
        _leader.AnswerPreparation();
        Assert.Equal(0, _client.Read()[0]);
        ExpectLocal("SELECT RAND()");
    }

    /// <summary>The first result would be with the client when a follower refuses the second (1792: a view that writes).</summary>
    [Fact]
    public void Several_at_once()
    {
        Said("SELECT 1; SELECT * FROM view_that_writes");
        ExpectLocal(Read);
    }

    public void Dispose() => _kit.Dispose();

    /// <summary>On the leader.</summary>
    private void Said(string sql, byte[]? changes = null)
    {
        _client.Send(Query(sql));
        Assert.False(_kit.WantsLocalRatherThan(_leader), $"{sql} goes to the local server");
        Assert.Equal("\x03" + sql, _leader.ReadText());
        _leader.Send(Packet(1, Ok(changes)));
        Assert.Equal(0, _client.Read()[0]);
    }

    private void ExpectLocal(string sql)
    {
        _client.Send(Query(sql));
        Assert.True(_kit.WantsLocalRatherThan(_leader), $"{sql} goes to the leader");
    }
}
