using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>What routines, triggers and dynamic SQL do to a session, which no statement's text tells.</summary>
public sealed class UnseenTests : IDisposable
{
    private const string Question = "\x03SET STATEMENT group_concat_max_len";

    private static readonly byte[] StateChanged = [2, 1, (byte)'1'];

    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public UnseenTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    [Theory]
    [InlineData("CALL p()")]
    [InlineData("EXECUTE IMMEDIATE 'SET @a = 1'")]
    [InlineData("DO f()")]
    public void A_user_variable_that_a_routine_has_set_moves_along(string sql)
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, sql, Ok(StateChanged));
        client.Send(Query("DO 1"));
        Answer(server, "61", "0,0,0");
        Assert.StartsWith("\x03SELECT IF(LENGTH(@`a`)", server.ReadText(), StringComparison.Ordinal);
        server.SayRow("1", "latin1", "latin1_swedish_ci", "31");
        Assert.Equal("\x03" + "DO 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        _kit.MovesAfter(server);
        client.Send(Query("SELECT @a"));
        var next = _kit.Moved();
        Assert.Equal("\x03SET @`a`=1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal("\x03SELECT @a", next.ReadText());
    }

    /// <summary>The report stays away with an error, and the table is there all the same.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_temporary_table_that_a_routine_has_made_ties_the_session(bool failsBehindIt)
    {
        var (client, server) = _kit.LogIn();
        if (failsBehindIt)
            Fails(client, server, "CALL p()");
        else
            Done(client, server, "CALL p()", Ok(StateChanged));
        client.Send(Query("DO 1"));
        Answer(server, "", "1,0,0");
        Assert.Equal("\x03" + "DO 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        Assert.Contains("made temporary tables or prepared statements", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    /// <summary>An error reports nothing; the next OK that reports something does (MariaDB 10.11, measured), and that one is the proxy's own question's.</summary>
    [Fact]
    public void A_variable_that_a_routine_has_set_before_it_failed_moves_along()
    {
        var (client, server) = _kit.LogIn();
        Fails(client, server, "CALL p()");
        client.Send(Query("DO 1"));
        Assert.StartsWith(Question, server.ReadText(), StringComparison.Ordinal);
        server.SayRow([.. TwoSidedAnswer.Variable("time_zone", "+09:00"), .. TwoSidedAnswer.Variable("group_concat_max_len", "16000")], ["", "0,0,0"]);
        Assert.Equal("\x03" + "DO 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        Assert.Equal("\x03SET SESSION time_zone='+09:00'", _kit.Moved().ReadText());
    }

    /// <summary>It may have left its transaction open, whose rows only this connection sees; the error does not tell.</summary>
    [Fact]
    public void Reads_behind_a_routine_that_has_failed_are_the_leaders_until_an_OK_tells_of_the_transaction()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Done(client, server, "SELECT a FROM t", Ok()); // the account is looked up for it
        Done(client, server, "CALL p()", [0xFF, 0x6C, 0x06, .. "#45000Unhandled user-defined exception condition"u8]);
        client.Send(Query("SELECT a FROM t"));
        Answer(server, "", "0,0,0");
        Assert.Equal("\x03SELECT a FROM t", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("SELECT a FROM t"));
        Assert.True(_kit.WantsLocalRatherThan(server));
    }

    /// <summary>In a way that no server reports (MariaDB 10.11, measured): how another server would read for it is not known.</summary>
    [Theory]
    [InlineData("BEGIN NOT ATOMIC SET @@time_zone='+05:00'; END")]
    [InlineData("PREPARE s FROM @text")]
    public void Reads_behind_what_may_have_set_something_unseen_are_the_leaders(string sql)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Done(client, server, "SELECT a FROM t", Ok());
        Done(client, server, sql, Ok());
        Done(client, server, "SELECT a FROM t", Ok());
        Done(client, server, "SELECT a FROM t", Ok());
    }

    /// <summary>It is closed, and nothing goes on for it.</summary>
    [Fact]
    public void A_session_that_is_found_to_have_set_something_forbidden_ends()
    {
        var (client, server) = _kit.LogIn();
        Fails(client, server, "CALL p()");
        client.Send(Query("DO 1"));
        Assert.StartsWith(Question, server.ReadText(), StringComparison.Ordinal);
        server.SayRow(TwoSidedAnswer.Variable("sql_log_bin", "OFF"), ["", "0,0,0"]);
        client.ExpectEnd();
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>A function in a statement that writes anyway, a trigger, a view (MariaDB 10.11 reports each of them): a table of that name may be on other servers too.</summary>
    [Theory]
    [InlineData("INSERT INTO t SELECT f()")]
    [InlineData("UPDATE t SET a = 1")]
    [InlineData("SELECT a FROM v")]
    public void A_temporary_table_that_a_trigger_or_a_view_has_made_keeps_reads_on_the_leader(string sql)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Done(client, server, sql, Ok(StateChanged));
        Done(client, server, "SHOW WARNINGS", Ok());
        client.Send(Query("SELECT a FROM made"));
        Answer(server, "", "1,0,0");
        Assert.Equal("\x03SELECT a FROM made", server.ReadText());
        Assert.False(_kit.LocalIsDialled);
    }

    [Fact]
    public void A_leader_that_cannot_be_asked_any_more_ends_the_session()
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, "CALL p()", Ok(StateChanged));
        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        Assert.Contains("before it could be asked what a routine had done", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    /// <summary>SELECT … INTO @a in a routine is not reported. NULL in its place would be a wrong answer.</summary>
    [Theory]
    [InlineData("CALL p()", false)]
    [InlineData("INSERT INTO t VALUES (1)", true)] // a trigger
    public void A_variable_that_may_have_been_set_unseen_is_not_read_elsewhere(string sql, bool isReported)
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, sql, isReported ? Ok(StateChanged) : Ok());
        Done(client, server, "SHOW WARNINGS", Ok()); // nothing is asked in between
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        var next = _kit.Moved();
        Assert.Equal("\x03" + "DO 2", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        Done(client, next, "SET @b = 5", Ok(StateChanged));
        client.Send(Query("SELECT @b"));
        Assert.StartsWith("\x03SELECT IF(LENGTH(@`b`)", next.ReadText(), StringComparison.Ordinal);
        next.SayRow("5", "latin1", "latin1_swedish_ci", "35");
        Assert.Equal("\x03SELECT @b", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        client.Send(Query("SELECT @b, @a"));
        Assert.Contains("may have set the user variable @a", client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    /// <summary>SELECT … INTO in a routine is not reported, and the old value would be a wrong answer.</summary>
    [Fact]
    public void A_known_variable_is_read_again_after_a_routine()
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, "SET @a = 0", Ok(StateChanged));
        client.Send(Query("CALL p()"));
        Assert.StartsWith("\x03SELECT IF(LENGTH(@`a`)", server.ReadText(), StringComparison.Ordinal);
        server.SayRow("0", "latin1", "latin1_swedish_ci", "30");
        Assert.Equal("\x03" + "CALL p()", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("DO 1"));
        Answer(server, "61", "0,0,0");
        Assert.StartsWith("\x03SELECT IF(LENGTH(@`a`)", server.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>Names are written in the client's character set. Where the proxy cannot write them, the server tells them, and the session stays.</summary>
    [Theory]
    [InlineData(8, "@'\u00E4'", "C3A4", "\u00E4", null)] // latin1
    [InlineData(45, "@'\u00C3\u00A4'", null, "\u00C3\u00A4", null)] // UTF-8
    [InlineData(8, "@'\u0080'", "E282AC", null, "has a name that cannot be written")] // the euro's sign, in cp1252 alone
    public void A_variable_whose_name_is_no_ascii_moves_along_or_ties(byte collation, string said, string? told, string? sent, string? tie)
    {
        var (client, server) = _kit.LogIn();
        if (collation == 8)
            Done(client, server, "SET NAMES latin1", Ok([.. TwoSidedAnswer.Variable("character_set_client", "latin1"), .. TwoSidedAnswer.Variable("character_set_connection", "latin1")]));
        client.Send(Packet(0, [3, .. System.Text.Encoding.Latin1.GetBytes($"SET {said} = 1")]));
        _ = server.Read();
        server.Send(Packet(1, Ok(StateChanged)));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("DO 1"));
        if (tie is not null)
            Answer(server, told!, "0,0,0");
        else
        {
            Assert.StartsWith($"\x03SELECT IF(LENGTH(@`{sent}`)", server.ReadText(), StringComparison.Ordinal);
            server.SayRow("1", "latin1", "latin1_swedish_ci", "31");
        }

        Assert.Equal("\x03" + "DO 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        if (tie is not null)
        {
            Assert.Contains(tie, client.ReadText(), StringComparison.Ordinal);
            return;
        }

        var next = _kit.Moved();
        for (var text = next.ReadText(); text != $"\x03SET @`{sent}`=1"; text = next.ReadText())
        {
            Assert.StartsWith("\x03SET SESSION character_set", text, StringComparison.Ordinal);
            next.Send(Packet(1, Ok()));
        }
    }

    /// <summary>In a character set that cannot write it the session has no name for it.</summary>
    [Fact]
    public void A_variable_whose_name_its_character_set_has_no_letters_for_ties()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SET @`\u0416` = 1"));
        _ = server.Read();
        server.Send(Packet(1, Ok(StateChanged)));
        Assert.Equal(0, client.Read()[0]);
        client.Send(Query("SET NAMES latin1"));
        _ = server.Read();
        server.SayRow("1", "latin1", "latin1_swedish_ci", "31");
        _ = server.Read();
        server.Send(Packet(1, Ok([.. TwoSidedAnswer.Variable("character_set_client", "latin1"), .. TwoSidedAnswer.Variable("character_set_connection", "latin1")])));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        Assert.Contains("has a name that cannot be written", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>With character_set_results = utf16 the answer cannot be read; a binary value may hold anything.</summary>
    [Theory]
    [InlineData("1", "\0l\0a", true)]
    [InlineData("\0x", "binary", false)]
    public void An_answer_that_the_proxy_cannot_read_ties_the_session_and_does_not_end_it(string value, string charset, bool ties)
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, "SET @a = 1", Ok(StateChanged));
        client.Send(Query("DO 1"));
        _ = server.Read();
        server.SayRow(value, charset, "binary", "31");
        Assert.Equal("\x03" + "DO 1", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        if (ties)
            Assert.Contains("variables cannot be read", client.ReadText(), StringComparison.Ordinal);
        else
            _ = _kit.Moved();
    }

    /// <summary>A trigger sets it anew, and which one it was is not reported.</summary>
    [Fact]
    public void A_known_variable_that_a_trigger_may_have_set_is_not_read_elsewhere()
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, "SET @a = 0", Ok(StateChanged));
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.SayRow("0", "latin1", "latin1_swedish_ci", "30");
        Assert.Equal("\x03INSERT INTO t VALUES (1)", server.ReadText());
        server.Send(Packet(1, Ok(StateChanged)));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("SELECT @a"));
        _ = _kit.Moved();
        Assert.Contains("may have set the user variable @a", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>What it reports before its end holds inside of it alone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_mode_of_a_routine_that_shows_rows_is_not_the_sessions(bool goesOn)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("CALL p()"));
        _ = server.Read();
        var inside = Ok([.. TwoSidedAnswer.Variable("sql_mode", "ANSI_QUOTES")], goesOn ? ServerStatus.AutoCommit | ServerStatus.MoreResults : ServerStatus.AutoCommit);
        server.Send(Packet(1, inside));
        Assert.Equal(0, client.Read()[0]);
        if (goesOn)
        {
            server.Send(Packet(2, Ok()));
            Assert.Equal(0, client.Read()[0]);
        }

        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        Assert.Equal(goesOn ? "\x03" + "DO 1" : "\x03SET SESSION sql_mode='ANSI_QUOTES'", _kit.Moved().ReadText());
    }

    /// <summary>A real table of that name may be on other servers.</summary>
    [Fact]
    public void With_a_routines_temporary_table_reads_stay_on_the_leader()
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Done(client, server, "SELECT a FROM t", Ok()); // the account is looked up
        Done(client, server, "CALL p()", Ok(StateChanged));
        client.Send(Query("SELECT a FROM made"));
        Answer(server, "", "1,0,0");
        Assert.Equal("\x03SELECT a FROM made", server.ReadText());
        Assert.False(_kit.LocalIsDialled);
    }

    /// <summary>A session that is tied reads elsewhere all the same, unless it has temporary tables: it is asked for these alone.</summary>
    [Theory]
    [InlineData("0,0,1", true)]
    [InlineData("1,0,0", false)]
    public void A_tied_session_without_temporary_tables_goes_on_reading_elsewhere(string made, bool readsElsewhere)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Done(client, server, "SELECT a FROM t", Ok()); // the account is looked up
        Done(client, server, "SELECT GET_LOCK('a', 0)", Ok());
        Done(client, server, "CALL p()", Ok(StateChanged));
        client.Send(Query("SELECT a FROM t"));
        Answer(server, "61", made);
        Assert.Equal(readsElsewhere, _kit.WantsLocalRatherThan(server));
    }

    /// <summary>Its machine is frozen: nothing closes the connection, and nobody would answer the proxy's own question.</summary>
    [Theory]
    [InlineData("SET @a = 1", "could be read")]
    [InlineData("CALL p()", "could be asked")]
    public void A_silent_leader_is_not_asked_for_ever(string sql, string reason)
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, sql, Ok(StateChanged));
        _kit.Current = _kit.Current with { Epoch = 2, Leader = _kit.LocalAddress };
        _kit.AwaitLook();
        client.Send(Query("DO 1"));
        Assert.Contains(reason, client.ReadText(), StringComparison.Ordinal);
        client.ExpectEnd();
    }

    [Theory]
    [InlineData("SET @a = 1")]
    [InlineData("SET ROLE r")]
    [InlineData("SET sql_mode = 'ANSI'")]
    public void What_a_text_tells_is_not_asked_for(string sql)
    {
        var (client, server) = _kit.LogIn();
        Done(client, server, sql, Ok([.. sql.Contains("mode", StringComparison.Ordinal) ? TwoSidedAnswer.Variable("sql_mode", "ANSI") : [], .. StateChanged]));
        client.Send(Query("SHOW WARNINGS"));
        Assert.Equal("\x03SHOW WARNINGS", server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query("DO 1"));
        if (sql == "SET @a = 1")
            Assert.Contains("user variables that were set last", client.ReadText(), StringComparison.Ordinal);
        else
            _ = _kit.Moved();
    }

    /// <summary>Only who asks for it hears that its session's state has changed.</summary>
    [Fact]
    public void A_client_hears_of_changes_of_state_when_it_wants_to()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, Ok(StateChanged)));
        Assert.DoesNotContain("\x02\x01" + "1", client.ReadText(), StringComparison.Ordinal);

        client.Send(Query("SET session_track_state_change = 1"));
        Answer(server, "", "0,0,0");
        _ = server.Read();
        server.Send(Packet(1, Ok([.. TwoSidedAnswer.Variable("session_track_state_change", "ON"), .. StateChanged])));
        Assert.Equal("\x03SELECT @@session_track_system_variables", AfterOk(client, server));
        server.SayRow("autocommit");
        server.AnswerPreparation();
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, Ok(StateChanged)));
        Assert.Contains("\x02\x01" + "1", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>The leader is gone before it was asked. A reader's server would answer without the setting, or from a table that the temporary one hides.</summary>
    [Theory]
    [InlineData("CALL p()", false)]
    [InlineData("CALL p()", true)]
    [InlineData("UPDATE t SET a = 1", false)] // a trigger: no reason to end a session
    public void What_was_never_asked_keeps_the_next_read_from_another_server(string sql, bool fails)
    {
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        var (client, server) = _kit.LogIn();
        Done(client, server, "SELECT a FROM t", Ok()); // the account is looked up
        Done(client, server, sql, fails ? [0xFF, 0x7A, 0x04, .. "#42S02Table missing"u8] : Ok(StateChanged));
        _kit.MovesAfter(server);
        Assert.True(SpinWait.SpinUntil(() => !_kit.LostAddresses.IsEmpty, TimeSpan.FromSeconds(20)), "the proxy does not see that the leader is gone");
        client.Send(Query("SELECT a FROM t"));
        if (fails)
        {
            Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal); // it may have begun a transaction
            client.Send(Query("SELECT a FROM t"));
        }

        if (sql == "CALL p()")
            Assert.Contains("before it could be asked", client.ReadText(), StringComparison.Ordinal);
        else
            Assert.Equal("\x03SELECT a FROM t", _kit.Moved().ReadText());
        Assert.False(_kit.LocalIsDialled);
    }

    public void Dispose() => _kit.Dispose();

    private static string AfterOk(RawPeer client, RawPeer server)
    {
        Assert.Equal(0, client.Read()[0]);
        return server.ReadText();
    }

    private static void Answer(RawPeer server, string names, string made)
    {
        Assert.StartsWith(Question, server.ReadText(), StringComparison.Ordinal);
        server.SayRow(names, made);
    }

    private static void Fails(RawPeer client, RawPeer server, string sql)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, [0xFF, 0x7A, 0x04, .. "#42S02Table missing"u8]));
        Assert.Equal("\x03SELECT @@last_gtid", server.ReadText());
        server.SayRow("");
        Assert.Equal(0xFF, client.Read()[0]);
    }

    private static void Done(RawPeer client, RawPeer server, string sql, byte[] answer)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, answer));
        Assert.Equal(answer[0], client.Read()[0]);
    }
}
