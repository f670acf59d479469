using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Responses;
using static WolfScale.Unit.Proxy.TwoSidedAnswer;

namespace WolfScale.Unit.Proxy;

/// <summary>What an OK packet reports, and what of it a client hears. The packets in hex are MariaDB 10.11's own.</summary>
public sealed class OkTests
{
    private static readonly byte[] InsertedWithGtid = Convert.FromHexString("0001000240000000130011096c6173745f6774696406302d372d3134");
    private static readonly byte[] Updated =
        Convert.FromHexString("0002002200000028526f7773206d6174636865643a203220204368616e6765643a203220205761726e696e67733a2030");

    [Fact]
    public void A_commit_reports_its_gtid()
    {
        var ok = OkInfo.Read(InsertedWithGtid);

        Assert.Equal(ServerStatus.AutoCommit | ServerStatus.SessionStateChanged, ok.Status);
        Assert.True(SessionChanges.TryFindLastGtid(ok.Changes, out var gtid));
        Assert.Equal("0-7-14", gtid.ToString());
        Assert.Equal([0, 1, 0], ok.Head.ToArray());
        Assert.True(ok.Message.IsEmpty);
        Assert.False(ok.HasMoreResults);
    }

    [Fact]
    public void A_message_is_read_without_the_length_before_it()
    {
        var ok = OkInfo.Read(Updated);

        Assert.Equal("Rows matched: 2  Changed: 2  Warnings: 0", Encoding.ASCII.GetString(ok.Message));
        Assert.True(ok.Changes.IsEmpty);
    }

    [Fact]
    public void An_ok_that_ends_anywhere_too_early_is_refused()
    {
        for (var length = 0; length < InsertedWithGtid.Length; length++)
        {
            var cut = InsertedWithGtid[..length];
            if (length is 7) // what a server says that has nothing to report
                Assert.True(OkInfo.Read(cut).Changes.IsEmpty);
            else if (length is 8)
                Assert.True(OkInfo.Read(cut).Message.IsEmpty);
            else
                _ = Assert.Throws<ProtocolException>(() => OkInfo.Read(cut).Status);
        }
    }

    [Fact]
    public void Changes_are_read_one_by_one()
    {
        byte[] changes = [.. Schema("shop"), .. Variable("autocommit", "OFF"), .. Change(2, [1, (byte)'1']), .. Variable("sql_mode", ""), .. Change(5, "\x08________"u8)];
        var read = new List<(SessionChangeKind, string, string)>();

        var reader = new SessionChanges(changes);
        while (reader.Next())
            read.Add((reader.Kind, Encoding.ASCII.GetString(reader.Name), Encoding.ASCII.GetString(reader.Value)));

        Assert.Equal(
            [
                (SessionChangeKind.Schema, "", "shop"),
                (SessionChangeKind.SystemVariables, "autocommit", "OFF"),
                (SessionChangeKind.StateChange, "", "\x01" + "1"),
                (SessionChangeKind.SystemVariables, "sql_mode", ""),
                (SessionChangeKind.TransactionState, "", "\x08________"),
            ],
            read);
    }

    [Fact]
    public void One_entry_may_hold_several_variables()
    {
        byte[] two = [1, (byte)'a', 1, (byte)'1', 1, (byte)'b', 1, (byte)'2'];
        var reader = new SessionChanges([.. Change(0, two), .. Schema("s")]);
        var read = new List<string>();
        while (reader.Next())
            read.Add($"{Encoding.ASCII.GetString(reader.Name)}={Encoding.ASCII.GetString(reader.Value)}");

        Assert.Equal(["a=1", "b=2", "=s"], read);
    }

    /// <summary>Tens of thousands of them fit into one packet.</summary>
    [Fact]
    public void Empty_entries_are_passed_over_however_many_there_are()
    {
        var changes = new byte[120_000];
        var read = 0;
        var thread = new Thread(
            () =>
            {
                var reader = new SessionChanges(changes);
                while (reader.Next())
                    read++;
            },
            maxStackSize: 256 << 10);
        thread.Start();
        thread.Join();

        Assert.Equal(0, read);
    }

    [Theory]
    [InlineData("0-1-5", true)]
    [InlineData("", false)] // the statement wrote nothing
    [InlineData("4294967295-4294967295-18446744073709551615", true)]
    [InlineData("4294967295-4294967295-184467440737095516150", false)]
    [InlineData("0-1-5,1-1-7", false)]
    [InlineData("nonsense", false)]
    public void A_gtid_is_one_or_none(string value, bool found) =>
        Assert.Equal(found, SessionChanges.TryFindLastGtid([.. Schema("s"), .. Variable("last_gtid", value)], out _));

    [Fact]
    public void The_last_of_two_gtids_counts()
    {
        Assert.True(SessionChanges.TryFindLastGtid([.. Variable("last_gtid", "0-1-5"), .. Variable("last_gtid", "0-1-6")], out var gtid));
        Assert.Equal(6UL, gtid.Sequence);
    }

    [Fact]
    public void A_client_hears_of_the_variables_it_asked_for()
    {
        byte[] changes = [.. Variable("last_gtid", "0-1-5"), .. Schema("s"), .. Variable("time_zone", "UTC"), .. Variable("sql_mode", "")];

        Assert.Equal([.. Schema("s"), .. Variable("time_zone", "UTC")], Select("autocommit,time_zone"));
        Assert.Equal([.. Schema("s"), .. Variable("time_zone", "UTC"), .. Variable("sql_mode", "")], Select(" SQL_MODE , Time_Zone,"));
        Assert.Equal(Schema("s"), Select(""));
        Assert.Equal(changes, Select("*"));

        byte[] Select(string list)
        {
            var into = new byte[changes.Length];
            return into[..TrackedVariables.Parse(list).Select(changes, into)];
        }
    }

    [Fact]
    public void A_client_without_session_tracking_gets_the_ok_that_the_server_would_have_sent_it() =>
        Assert.Equal(Updated, Rewrite(Updated, Capabilities.None, endOfRows: false));

    [Fact]
    public void An_ok_of_nothing_but_a_gtid_becomes_the_shortest_one()
    {
        foreach (var client in AnswerCases.Clients)
            Assert.Equal(Convert.FromHexString("00010002000000"), Rewrite(InsertedWithGtid, client, endOfRows: false));
    }

    [Fact]
    public void The_end_of_rows_becomes_an_eof_where_the_client_knows_no_other()
    {
        byte[] end = [0xFE, 0, 0, 0x22, 0x40, 7, 0, 0, (byte)Schema("s").Length, .. Schema("s")];

        Assert.Equal([0xFE, 7, 0, 0x22, 0], Rewrite(end, Capabilities.SessionTrack, endOfRows: true));
        Assert.Equal([0xFE, 0, 0, 0x22, 0, 7, 0], Rewrite(end, Capabilities.DeprecateEof, endOfRows: true));
        Assert.Equal(end, Rewrite(end, Capabilities.DeprecateEof | Capabilities.SessionTrack, endOfRows: true));
    }

    [Fact]
    public void What_is_the_same_for_the_client_is_not_written_anew()
    {
        var both = new ClientDialect(Capabilities.SessionTrack | Capabilities.DeprecateEof);
        Assert.False(both.Changes(OkInfo.Read(Updated), endOfRows: false));
        Assert.False(both.Changes(OkInfo.Read(Convert.FromHexString("fe000002000000")), endOfRows: true));
        Assert.False(new ClientDialect(Capabilities.None).Changes(OkInfo.Read(Convert.FromHexString("00010002000000")), endOfRows: false));
        Assert.True(both.Changes(OkInfo.Read(InsertedWithGtid), endOfRows: false));
    }

    private static byte[] Rewrite(byte[] payload, Capabilities client, bool endOfRows)
    {
        var writer = new PacketWriter { Sequence = 1 };
        new ClientDialect(client).WriteOk(writer, OkInfo.Read(payload), endOfRows, TrackedVariables.Default);
        return writer.Written.Span[PacketHeader.Size..].ToArray();
    }
}
