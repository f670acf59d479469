using System.Security.Cryptography;
using System.Text;
using WolfScale.Protocol;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Texts that are too long to be kept: what the proxy knows of them does not depend on how the bytes came, nor on what stands in the first of them.</summary>
public sealed class LongTextSessionTests : IDisposable
{
    private const string Insert = "INSERT INTO t VALUES ('";

    private static readonly string Kept = new('x', 70_000);
    private static readonly string Longer = new('x', 200_000);

    private readonly ProxyKit _kit = new();

    public LongTextSessionTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    public static TheoryData<int, string, bool> Texts => new()
    {
        { 0, "')", false },
        { 0, "'); SELECT GET_LOCK('a', 1)", true },
        { 0, "'); LOCK TABLES t WRITE", true },
        { 0, "'); SET ROLE r", true },
        { 1, "'), ('; SET sql_log_bin=0') /* ; SELECT 1 */;", false },
        { 1, "'); SELECT GET_LOCK('a', 1)", true },
        { 1, "'), (GET_LOCK('a', 1))", true },
        { 1, "'); SET @@time_zone='+01:00'", true },
    };

    /// <summary>A lock that nobody has any more after a change of leader, and no word of it.</summary>
    [Theory]
    [MemberData(nameof(Texts))]
    public void What_stands_behind_an_insert_ties_the_session(int longer, string behind, bool ties)
    {
        var (client, server) = _kit.LogIn();
        var sql = Insert + (longer == 1 ? Longer : Kept) + behind;
        var command = Query(sql);
        client.Send(command.AsSpan(0, 40)); // the statement's beginning, by itself
        _kit.AwaitLook();
        client.Send(command.AsSpan(40));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        if (longer == 1 && behind.Contains("); S", StringComparison.Ordinal))
            server.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
        _kit.AwaitLook();

        client.Send(Query("DO 1")); // what a statement has left behind is asked for now
        var next = server.ReadText();
        if (next.Contains("USER_VARIABLES", StringComparison.Ordinal))
        {
            server.SayRow("", "0,0,0");
            next = server.ReadText();
        }

        Assert.Equal("\x03" + "DO 1", next);
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        if (ties)
        {
            Assert.Contains("cannot move", client.ReadText(), StringComparison.Ordinal);
            return;
        }

        Assert.Equal("\x03" + "DO 2", _kit.Moved().ReadText());
    }

    /// <summary>No OK would tell the gate a GTID any more; or the servers would differ.</summary>
    [Theory]
    [InlineData(0x03, Insert, "'); SET SESSION session_track_system_variables=''", "session_track_system_variables")]
    [InlineData(0x03, Insert, "'); SET sql_log_bin=0; INSERT INTO t VALUES (1)", "sql_log_bin")]
    [InlineData(0x03, "BEGIN NOT ATOMIC SELECT '", "'; SET sql_log_bin=0; END", "sql_log_bin")]
    [InlineData(0x16, "SET @a='", "', sql_log_bin=0", "sql_log_bin")]
    public void What_no_client_may_set_is_refused_before_the_server_has_all_of_it(byte code, string begin, string end, string variable)
    {
        foreach (var filler in new[] { Kept, Longer })
        {
            var (client, server) = _kit.LogIn();
            var command = Command(code, begin + filler + end);
            client.Send(command);
            var refusal = client.ReadText();
            Assert.Equal(1227, refusal[1] | (refusal[2] << 8));
            Assert.Contains(variable, refusal, StringComparison.Ordinal);
            var (had, more) = (0, new byte[4096]);
            for (int received; (received = server.Socket.Receive(more)) > 0;)
                had += received;
            Assert.InRange(had, 0, command.Length - 1);
        }
    }

    /// <summary>As a dump's lines are: one statement, of more than one packet.</summary>
    [Fact]
    public async Task A_text_of_several_packets_is_followed_through_all_of_them()
    {
        var (client, server) = _kit.LogIn();
        var text = "\x03" + Insert + new string(';', PacketHeader.MaxPayload + 100) + "'); SET sql_log_bin=0";
        var writer = new PacketWriter();
        writer.Begin().Bytes(Encoding.Latin1.GetBytes(text)).End();
        var sending = Task.Run(() => client.Send(writer.Written.Span));
        var reading = Task.Run(server.ReadToEnd);
        Assert.Contains("sql_log_bin", client.ReadText(), StringComparison.Ordinal);
        await Task.WhenAll(reading, sending).WaitAsync(TimeSpan.FromSeconds(20));
    }

    public void Dispose() => _kit.Dispose();
}
