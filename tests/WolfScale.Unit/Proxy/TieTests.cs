using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using WolfScale.Proxy.Sql;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>What ties a session to its server for a time: afterwards it moves like any other, and hears nothing of it.</summary>
public sealed class TieTests : IDisposable
{
    private const string OfFirst = "\x01\0\0\0";

    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public TieTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Theory]
    [InlineData("LOCK TABLES t READ", "UNLOCK TABLES", null)]
    [InlineData("LOCK TABLES t READ", "DO 1", "locked tables")]
    [InlineData("FLUSH TABLES t WITH READ LOCK", "UNLOCK TABLES", "locked tables")]
    [InlineData("SELECT GET_LOCK('a', 1)", "SELECT RELEASE_ALL_LOCKS()", null)]
    [InlineData("SELECT GET_LOCK('a', 1)", "do release_all_locks ( );", null)]
    [InlineData("SELECT GET_LOCK('a', 1)", "SELECT RELEASE_LOCK('a')", "user-level locks")] // perhaps not the only one, or taken twice
    [InlineData("SELECT GET_LOCK('a', 1)", "SELECT RELEASE_ALL_LOCKS() FROM t", "user-level locks")] // of no row
    [InlineData("SELECT GET_LOCK('a', 1)", "SELECT RELEASE_ALL_LOCKS(), GET_LOCK('b', 1)", "user-level locks")]
    [InlineData("SELECT GET_LOCK('a', 1)", "SELECT RELEASE_ALL_LOCKS(); SELECT GET_LOCK('b', 1)", "user-level locks")]
    [InlineData("SELECT GET_LOCK('a', 1)", "UNLOCK TABLES", "user-level locks")]
    public void Locks_tie_a_session_until_they_are_certainly_released(string takes, string then, string? tie)
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, Query(takes));
        Done(client, server, Query(then));
        AssertMoves(client, server, tie);
    }

    /// <summary>Dynamic SQL that stands in the statement is read; of any other it is not known what it has locked, or whether it has set a role.</summary>
    [Theory]
    [InlineData("EXECUTE IMMEDIATE 'LOCK TABLES t READ'", "locked tables")]
    [InlineData("EXECUTE IMMEDIATE 'FLUSH TABLES WITH READ LOCK'", "locked tables")]
    [InlineData("EXECUTE IMMEDIATE 'SELECT GET_LOCK(?, 1)' USING 'a'", "user-level locks")]
    [InlineData("EXECUTE IMMEDIATE 'SELECT 1 FROM t'", null)]
    [InlineData("EXECUTE IMMEDIATE @sql", "dynamic SQL that the proxy has not seen")]
    [InlineData("EXECUTE IMMEDIATE 'LO\\CK TABLES t READ'", "dynamic SQL that the proxy has not seen")]
    [InlineData("EXECUTE IMMEDIATE CONCAT('LOCK ', 'TABLES t READ')", "dynamic SQL that the proxy has not seen")]
    [InlineData("CALL plain()", null)]
    [InlineData("CALL locks()", "user-level locks")]
    [InlineData("CALL calls_locks()", "user-level locks")]
    [InlineData("SELECT 1 FROM t WHERE locks() = 1", "user-level locks")]
    [InlineData("INSERT INTO has_trigger VALUES (1)", "user-level locks")]
    [InlineData("CALL dynamic()", "dynamic SQL that the proxy has not seen")]
    [InlineData("CALL sets()", "dynamic SQL that the proxy has not seen")]
    [InlineData("CALL quotes()", "user-level locks")]
    [InlineData("SELECT `get_lock`('a', 1)", "user-level locks")]
    [InlineData("BEGIN NOT ATOMIC DO GET_LOCK('a', 1); END", "user-level locks")]
    [InlineData("IF `Get_Lock`('a', 1) THEN SELECT 1; END IF", "user-level locks")]
    [InlineData("BEGIN NOT ATOMIC CALL calls_locks(); END", "user-level locks")]
    [InlineData("BEGIN NOT ATOMIC SET ROLE r; END", "dynamic SQL that the proxy has not seen")]
    [InlineData("BEGIN NOT ATOMIC EXECUTE IMMEDIATE @s; END", "dynamic SQL that the proxy has not seen")]
    [InlineData("BEGIN NOT ATOMIC FLUSH TABLES t WITH READ LOCK; END", "dynamic SQL that the proxy has not seen")]
    [InlineData("BEGIN NOT ATOMIC SET @@unique_checks = 0; END", "dynamic SQL that the proxy has not seen")] // MariaDB does not report it
    [InlineData("BEGIN NOT ATOMIC SET @a = 1, @@unique_checks := 0; END", "dynamic SQL that the proxy has not seen")]
    [InlineData("EXECUTE IMMEDIATE 'SET @@unique_checks = 0'", "dynamic SQL that the proxy has not seen")]
    [InlineData("BEGIN NOT ATOMIC SET @@session.unique_checks = 0; INSERT INTO t VALUES (1); END", null)] // MariaDB does
    [InlineData("BEGIN NOT ATOMIC INSERT INTO t VALUES (1), (@@unique_checks); CALL plain(); END", null)]
    public void What_dynamic_SQL_and_routines_lock_ties(string sql, string? tie)
    {
        _kit.Views = HiddenViews.Among([], [
            ("plain", "BEGIN INSERT INTO t VALUES (1); -- get_lock()\n SELECT 'get_lock()'; END", ""),
            ("calls_locks", "CALL d.`Locks`()", ""),
            ("locks", "BEGIN DO GET_LOCK('a', 1); END", ""),
            ("has_trigger", "SET @x = locks()", ""),
            ("dynamic", "EXECUTE IMMEDIATE s", ""),
            ("sets", "BEGIN SET unique_checks = 0; SET @@unique_checks = 0; END", ""),
            ("quotes", "DO \"get_lock\"('a', 1)", "ANSI_QUOTES")]);
        var (client, server) = _kit.LogIn();
        Done(client, server, Query(sql));
        AssertMoves(client, server, tie);
    }

    [Fact]
    public void Locks_whose_release_has_failed_are_held()
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, Query("SELECT GET_LOCK('a', 1)"));
        Done(client, server, Query("DO RELEASE_ALL_LOCKS()"), [0xFF, 0x7A, 0x04, .. "#42S02no"u8]);
        AssertMoves(client, server, "user-level locks");
    }

    [Theory]
    [InlineData(0x17, OfFirst + "\0\x01\0\0\0\0\x01\x0f\0", false)] // executed
    [InlineData(0x1A, OfFirst, false)] // reset
    [InlineData(0x19, OfFirst, false)] // closed
    [InlineData(3, "DO 1", true)]
    public void Parameters_that_were_sent_ahead_tie_until_they_are_used(byte code, string rest, bool ties)
    {
        var (client, server) = _kit.LogIn();
        Prepare(client, server, "INSERT INTO t VALUES (?)");
        client.Send(Command(0x18, OfFirst + "\0\0data"));
        Assert.Equal("\x18\x05\0\0\0\0\0data", server.ReadText());
        client.Send(Command(code, rest));
        Assert.Equal(code, server.Read()[0]);
        if (code != 0x19)
            Say(client, server, Ok());
        AssertMoves(client, server, ties ? "sent ahead" : null);
    }

    /// <summary>Sent again it would be executed without them.</summary>
    [Fact]
    public void Parameters_that_were_sent_ahead_tie_until_the_answer_is_there()
    {
        var (client, server) = _kit.LogIn();
        Prepare(client, server, "SELECT a FROM t WHERE b = ?");
        client.Send(Command(0x18, OfFirst + "\0\0data"));
        _ = server.Read();
        client.Send(Command(0x17, OfFirst + "\0\x01\0\0\0\0\x01\x0f\0"));
        _ = server.Read();
        _kit.MovesAfter(server);
        Assert.Contains("sent ahead", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    [Theory]
    [InlineData("fetched to its end", false)]
    [InlineData("fetched in part", true)]
    [InlineData("reset", false)]
    [InlineData("closed", false)]
    [InlineData("executed again", false)]
    public void A_cursor_ties_until_its_end(string what, bool ties)
    {
        var (client, server) = _kit.LogIn();
        Prepare(client, server, "SELECT a FROM t WHERE b = ?");
        client.Send(Command(0x17, OfFirst + "\x01\x01\0\0\0\x01\x01"));
        _ = server.Read();
        Pass(client, server, new TwoSidedAnswer(ProxyKit.Classic).ColumnCount(1).Definition("c").EndOfRows(TwoSidedAnswer.Plain | ServerStatus.CursorExists));
        client.Send(what switch
        {
            "reset" => Command(0x1A, OfFirst),
            "closed" => Command(0x19, OfFirst),
            "executed again" => Command(0x17, OfFirst + "\0\x01\0\0\0\x01\x01"),
            _ => Command(0x1C, OfFirst + "\x02\0\0\0"),
        });
        _ = server.Read();
        if (what.StartsWith("fetched", StringComparison.Ordinal))
            Pass(client, server, new TwoSidedAnswer(ProxyKit.Classic).Both(0, 0, 1).EndOfRows(TwoSidedAnswer.Plain | (ties ? ServerStatus.CursorExists : ServerStatus.LastRowSent)));
        else if (what != "closed")
            Say(client, server, Ok());
        AssertMoves(client, server, ties ? "open cursor" : null);
    }

    /// <summary>No SELECT: the server opens none.</summary>
    [Fact]
    public void A_cursor_that_was_not_opened_does_not_tie()
    {
        var (client, server) = _kit.LogIn();
        Prepare(client, server, "INSERT INTO t VALUES (?)");
        Done(client, server, Command(0x17, OfFirst + "\x01\x01\0\0\0\x01\x01"));
        AssertMoves(client, server, null);
    }

    [Theory]
    [InlineData("INSERT INTO t VALUES (?)", 0, null)]
    [InlineData("SELECT a FROM t WHERE b = ?", 0, null)]
    [InlineData("SELECT a FROM t WHERE b = ?", 1, "64 KiB")] // a cursor
    [InlineData("CALL p(?)", 0, "64 KiB")]
    [InlineData("SELECT @a := ?", 0, "64 KiB")]
    public void A_long_execution_ties_by_what_it_executes(string sql, byte flags, string? tie)
    {
        var (client, server) = _kit.LogIn();
        Prepare(client, server, sql);
        client.Send(Command(0x17, OfFirst + (char)flags + new string('x', 100_000)));
        _ = server.Read();
        Say(client, server, Ok());
        AssertMoves(client, server, tie);
    }

    /// <summary>An INSERT leaves nothing behind; what stands behind it in the same text may.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES (1)", null)]
    [InlineData("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", null)]
    [InlineData("INSERT INTO t VALUES (1); LOCK TABLES t READ", "64 KiB")]
    [InlineData("INSERT INTO t VALUES (1); SET ROLE r", "64 KiB")]
    [InlineData("INSERT INTO t VALUES (1); HANDLER t OPEN", "64 KiB")]
    [InlineData("SELECT 1", "64 KiB")]
    public void A_long_text_ties_by_what_it_begins_with(string sql, string? tie)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql + " /*" + new string('x', 100_000) + "*/"));
        _ = server.Read();
        Say(client, server, Ok());
        AssertMoves(client, server, tie);
    }

    [Fact]
    public void A_long_parameter_ties_until_it_is_used()
    {
        var (client, server) = _kit.LogIn();
        Prepare(client, server, "INSERT INTO t VALUES (?)");
        client.Send(Command(0x18, OfFirst + "\0\0" + new string('x', 100_000)));
        _ = server.Read();
        Done(client, server, Command(0x17, OfFirst + "\0\x01\0\0\0\0\x01\x0f\0"));
        AssertMoves(client, server, null);
    }

    public void Dispose() => _kit.Dispose();

    private void AssertMoves(RawPeer client, RawPeer server, string? tie)
    {
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        if (tie is null)
            Assert.Equal("\x03" + "DO 2", _kit.Moved().ReadText());
        else
            Assert.Contains(tie, client.ReadText(), StringComparison.Ordinal);
    }

    private static void Prepare(RawPeer client, RawPeer server, string sql)
    {
        client.Send(Command(0x16, sql));
        Assert.Equal("\x16" + sql, server.ReadText());
        server.Send(Packet(1, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0));
        server.Send(Packet(2, 3, (byte)'d', (byte)'e', (byte)'f'));
        for (var i = 0; i < 3; i++)
            _ = client.Read();
    }

    private static void Done(RawPeer client, RawPeer server, byte[] command, byte[]? answer = null)
    {
        client.Send(command);
        _ = server.Read();
        Say(client, server, answer ?? Ok());
    }

    private static void Say(RawPeer client, RawPeer server, byte[] answer)
    {
        server.Send(Packet(1, answer));
        Assert.Equal(answer[0], client.Read()[0]);
    }

    private static void Pass(RawPeer client, RawPeer server, TwoSidedAnswer answer)
    {
        server.Send(answer.FromBackend);
        Assert.Equal(answer.ToClient, client.ReadExactly(answer.ToClient.Length));
    }
}
