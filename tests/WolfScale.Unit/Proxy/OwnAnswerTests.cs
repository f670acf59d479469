using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>What the proxy answers itself.</summary>
public sealed class OwnAnswerTests : IDisposable
{
    private const string ReadOnLeader = "SELECT f(a) FROM t";
    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public OwnAnswerTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    /// <summary>The last that the server said of its results was that more would follow; a client would wait for them for ever.</summary>
    [Theory]
    [InlineData("SET @wolfscale_consistency = 'strong'")]
    [InlineData("SHOW WOLFSCALE STATUS")]
    [InlineData("SELECT @wolfscale_gtid")]
    [InlineData("SELECT @wolfscale_last_gtid")]
    [InlineData("SELECT @wolfscale_consistency")]
    public void Nothing_follows_it_after_several_statements_of_which_one_failed(string own)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("DO 1; SELECT * FROM nosuch"));
        _ = server.Read();
        server.Send([.. Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.MoreResults)), .. Packet(2, [0xFF, 0x7A, 0x04, .. "#42S02Table missing"u8])]);
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal(0xFF, client.Read()[0]);

        client.Send(Query(own));
        foreach (var status in own.StartsWith("SET", StringComparison.Ordinal) ? [BinaryPrimitives.ReadUInt16LittleEndian(client.Read().AsSpan(3))] : ReadRows(client).Statuses)
            Assert.Equal(ServerStatus.AutoCommit, (ServerStatus)status);
    }

    /// <summary>Whoever gets the token must not be shown less.</summary>
    [Fact]
    public void The_token_has_what_was_read_on_the_leader()
    {
        var (client, server) = _kit.LogIn();
        Assert.Null(Ask(client, "SELECT @wolfscale_gtid"));
        _kit.ReadIndex = Gtid.Parse("0-1-9");
        ReadAt(server, client, ReadOnLeader);
        Assert.Equal("0-1-9", Ask(client, "SELECT @wolfscale_gtid AS token"));

        _kit.NobodyConfirms = true;
        Assert.Equal("0-1-9", Ask(client, "SELECT @wolfscale_gtid")); // it has seen nothing since
        ReadAt(server, client, ReadOnLeader);
        client.Send(Query("SELECT @wolfscale_gtid"));
        Assert.Contains("no node accepts writes", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>A node's own server may have applied more than this session has written.</summary>
    [Fact]
    public void The_token_has_what_was_read_elsewhere()
    {
        const string read = "SELECT a FROM t";
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        ReadAt(server, client, read); // by then its account is known
        _ = Ask(client, "SELECT @wolfscale_gtid");
        client.Send(Query(read));
        var local = _kit.AcceptAtLocal();
        local.LetIn();
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + read, local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        _kit.ReadIndex = Gtid.Parse("0-1-9");
        Assert.Equal("0-1-9", Ask(client, "SELECT @wolfscale_gtid"));
    }

    /// <summary>Unlike the token, which may be of what others wrote.</summary>
    [Fact]
    public void The_last_gtid_is_of_the_statement_before_and_of_none_where_that_wrote_nothing()
    {
        var (client, server) = _kit.LogIn();
        Assert.Null(Ask(client, "SELECT @wolfscale_last_gtid"));
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, Ok(TwoSidedAnswer.Variable("last_gtid", "0-1-7"))));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal("0-1-7", Ask(client, "SELECT @wolfscale_last_gtid"));
        Assert.Equal("0-1-7", Ask(client, "SELECT @wolfscale_last_gtid AS again"));
        _kit.ReadIndex = Gtid.Parse("0-1-9");
        ReadAt(server, client, ReadOnLeader);
        Assert.Null(Ask(client, "SELECT @wolfscale_last_gtid"));
        Assert.Equal("0-1-9", Ask(client, "SELECT @wolfscale_gtid"));
    }

    /// <summary>For clients in the proxy's own process, which need not ask over their connection: it is there as soon as the answer is.</summary>
    [Fact]
    public void The_last_gtid_can_be_looked_up_by_the_connections_id()
    {
        var (client, server) = _kit.LogIn();
        Assert.True(_kit.Proxy.TryFindLastGtid(7, out var gtid));
        Assert.Null(gtid);
        for (var i = 1; i <= 200; i++)
        {
            client.Send(Query("INSERT INTO t VALUES (1)"));
            _ = server.Read();
            server.Send(Packet(1, Ok(TwoSidedAnswer.Variable("last_gtid", $"0-1-{i}"))));
            _ = client.Read();
            Assert.True(_kit.Proxy.TryFindLastGtid(7, out gtid));
            Assert.Equal($"0-1-{i}", gtid.ToString());
        }

        client.Send(Query("INSERT INTO t SELECT 1 FROM t WHERE 0"));
        _ = server.Read();
        server.Send(Packet(1, Ok(default)));
        _ = client.Read();
        Assert.True(_kit.Proxy.TryFindLastGtid(7, out gtid));
        Assert.Null(gtid);
        Assert.False(_kit.Proxy.TryFindLastGtid(8, out _));
    }

    /// <summary>The token of one who had seen nothing can be handed on like any other.</summary>
    [Fact]
    public void No_token_is_one_too()
    {
        var (client, _) = _kit.LogIn();
        client.Send(Query("SET @wolfscale_gtid = NULL"));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("SET @wolfscale_gtid = ''"));
        Assert.Equal(0xFF, client.Read()[0]);
    }

    [Fact]
    public void The_consistency_can_be_asked_for()
    {
        var (client, _) = _kit.LogIn();
        Assert.Equal("session", Ask(client, "SELECT @wolfscale_consistency"));
        client.Send(Query("SET @wolfscale_consistency = 'strong'"));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal("strong", Ask(client, "SELECT @wolfscale_consistency AS `c`"));
    }

    public void Dispose() => _kit.Dispose();

    private static void ReadAt(RawPeer server, RawPeer client, string sql)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    private static string? Ask(RawPeer client, string sql)
    {
        client.Send(Query(sql));
        return ReadRows(client).First;
    }

    /// <summary>A result under classic EOF: its first value, and the two statuses in it.</summary>
    private static (string? First, ushort[] Statuses) ReadRows(RawPeer client)
    {
        var columns = client.Read()[0];
        for (var i = 0; i < columns; i++)
            _ = client.Read();
        var statuses = new List<ushort>();
        string? first = null;
        var hasFirst = false;
        while (statuses.Count < 2)
        {
            var packet = client.Read();
            if (packet is [0xFE, _, _, var low, var high])
            {
                statuses.Add((ushort)(low | (high << 8)));
            }
            else if (!hasFirst)
            {
                var reader = new PayloadReader(packet);
                (hasFirst, first) = (true, reader.TryReadLengthEncodedBytes(out var value) ? System.Text.Encoding.UTF8.GetString(value) : null);
            }
        }

        return (first, [.. statuses]);
    }
}
