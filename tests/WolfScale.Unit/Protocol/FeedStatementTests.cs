using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Protocol.Responses;

namespace WolfScale.Unit.Protocol;

/// <summary>What a MariaDB replica says to its master, word for word as 10.11 sends it.</summary>
public sealed class FeedStatementTests
{
    private readonly ReplicaSettings _settings = new();
    private readonly List<uint> _killed = [];

    [Fact]
    public void A_replicas_whole_introduction_is_understood()
    {
        string[] said =
        [
            "SET NAMES latin1",
            "SELECT UNIX_TIMESTAMP()",
            "SHOW VARIABLES LIKE 'SERVER_ID'",
            "SET @master_heartbeat_period= 1000000000",
            "SET @master_binlog_checksum= @@global.binlog_checksum",
            "SELECT @master_binlog_checksum",
            "SET @mariadb_slave_capability=4",
            "SELECT @@GLOBAL.gtid_domain_id",
            "SET @slave_connect_state='0-1-5,7-1-2'",
            "SET @slave_gtid_strict_mode=1",
            "SET @slave_gtid_ignore_duplicates=0",
            "SHOW VARIABLES LIKE 'rpl_semi_sync_master_enabled'",
            "SET @rpl_semi_sync_slave= 1",
            "KILL 12",
        ];
        Assert.All(said, sql => Assert.NotEqual(ErrPacket.Marker, Ask(sql)[0]));
        Assert.Equal(GtidPosition.Parse("0-1-5,7-1-2"), _settings.ConnectState);
        Assert.Equal(TimeSpan.FromSeconds(1), _settings.Heartbeat);
        Assert.True(_settings is { KnowsGtids: true, IsStrict: true, WantsSemiSync: true, WantsUntil: false });
        Assert.Equal([12u], _killed);
    }

    [Fact]
    public void An_empty_position_is_a_position_and_none_is_none()
    {
        Assert.Null(_settings.ConnectState);
        _ = Ask("SET @slave_connect_state=''");
        Assert.True(_settings.ConnectState!.IsEmpty);
        _ = Ask("SET @slave_connect_state='garbage'");
        Assert.Null(_settings.ConnectState);
    }

    [Theory]
    [InlineData("DROP TABLE t")]
    [InlineData("SET @@global.read_only=0")]
    [InlineData("")]
    public void Anything_else_is_answered_with_an_error(string sql) => Assert.Equal(ErrPacket.Marker, Ask(sql)[0]);

    [Fact]
    public void A_client_cannot_fill_the_memory_with_variables()
    {
        for (var i = 0; i < 32; i++)
            Assert.Equal(OkPacket.Marker, Ask($"SET @v{i}=1")[0]);
        Assert.Equal(ErrPacket.Marker, Ask("SET @one_too_many=1")[0]);
    }

    private byte[] Ask(string sql)
    {
        var writer = new PacketWriter { Sequence = 1 };
        var known = FeedStatements.Answer(sql, _settings, 4_000_000_000, DateTimeOffset.UnixEpoch, _killed.Add, writer);
        var answer = writer.Written.ToArray()[PacketHeader.Size..];
        Assert.Equal(known, answer[0] != ErrPacket.Marker);
        return answer;
    }
}
