using System.Text;
using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Unit.MariaDb;

/// <summary>Which groups of the log make what was read of the server's views and routines old.</summary>
public sealed class DefinitionSightTests
{
    [Theory]
    [InlineData("CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY DEFINER VIEW `v` AS select 1", true)]
    [InlineData("create or replace /* c */ function f() returns int return 1", true)]
    [InlineData("DROP PROCEDURE p", true)]
    [InlineData("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a=1", true)]
    [InlineData("RENAME TABLE v TO w", true)]
    [InlineData("ALTER TABLE v RENAME TO w", true)]
    [InlineData("CREATE TABLE t (a INT)", false)]
    [InlineData("FLUSH TABLES", false)]
    public void A_statement_that_may_change_a_definition_is_seen_by_its_words(string sql, bool isSeen) =>
        Assert.Equal(isSeen, DefinitionSight.MayDefine(Group(GtidFlags.Standalone | GtidFlags.Ddl, EventType.Query, sql)));

    /// <summary>Under log_bin_compress nobody can read it.</summary>
    [Fact]
    public void A_compressed_statement_may_be_any() => Assert.True(DefinitionSight.MayDefine(Group(GtidFlags.Standalone, EventType.QueryCompressed, "x")));

    [Fact]
    public void Rows_are_not_looked_into() => Assert.False(DefinitionSight.MayDefine(Group(GtidFlags.Transactional, EventType.Query, "INSERT INTO t VALUES ('create view')")));

    private static byte[] Group(GtidFlags flags, EventType type, string text)
    {
        byte[] gtid = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)flags, 0, 0, 0, 0, 0, 0];
        return [.. Event(EventType.Gtid, gtid), .. Event(type, Encoding.UTF8.GetBytes(text))];
    }

    private static byte[] Event(EventType type, byte[] body)
    {
        var length = EventHeader.Size + body.Length + EventChecksum.Size;
        var bytes = new byte[length];
        new EventHeader(0, type, 1, (uint)length, 0, default).Write(bytes);
        body.CopyTo(bytes, EventHeader.Size);
        return bytes;
    }
}
