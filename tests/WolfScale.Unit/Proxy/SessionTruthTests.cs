using System.Net;
using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>What a session would get wrong without a word: the state that no server reports, the statement that another one's number stands for, the answer that is too old.</summary>
public sealed class SessionTruthTests : IDisposable
{
    private readonly ProxyKit _kit = new(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 300 });

    public SessionTruthTests() => _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));

    /// <summary>The server passes an assignment with @@ and without a scope over when it reports changes, and the session's state would not be known.</summary>
    [Theory]
    [InlineData("SET @@time_zone='+01:00'", "SET   time_zone='+01:00'")]
    [InlineData("SET @@sql_mode='ANSI', autocommit=0,@@`wait_timeout`=5", "SET   sql_mode='ANSI', autocommit=0,  `wait_timeout`=5")]
    [InlineData("SET @@session.time_zone='+01:00', @@tx_isolation='SERIALIZABLE'", "SET @@session.time_zone='+01:00', @@tx_isolation='SERIALIZABLE'")]
    [InlineData("SELECT @@time_zone", "SELECT @@time_zone")]
    public void An_assignment_is_sent_in_the_form_that_is_reported(string said, string sent)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(said));
        Assert.Equal("\x03" + sent, server.ReadText());
        server.Send(Packet(1, Ok()));
        client.Send(Command(0x16, said));
        Assert.Equal("\x16" + sent, server.ReadText());
    }

    /// <summary>No OK would tell the gate a GTID any more.</summary>
    [Fact]
    public void What_a_client_has_reported_does_not_open_the_gate()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _kit.Quorum = gtid =>
        {
            _ = asked.TrySetResult();
            return QuorumAnswer.Held;
        };
        var (client, server) = _kit.LogIn();
        client.Send(Query("SET session_track_system_variables='autocommit'"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Assert.Equal("\x03SELECT @@session_track_system_variables", server.ReadText());
        server.SayRow("autocommit");
        server.AnswerPreparation();

        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.Read();
        server.Send(Packet(1, Ok(TwoSidedAnswer.Variable("last_gtid", "0-1-7"))));
        Assert.Equal(0, client.Read()[0]);
        Assert.True(asked.Task.IsCompleted);

        client.Send(Query("SET session_track_schema=0; INSERT INTO t VALUES (1)"));
        Assert.Contains("by a statement of its own", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(0, server.Socket.Available);
    }

    /// <summary>The one before it is another statement, and would be executed with what was meant for this one.</summary>
    [Fact]
    public void An_execution_of_the_last_statement_is_none_where_its_preparation_failed()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Command(0x16, "INSERT INTO t VALUES (?)"));
        _ = server.Read();
        server.Send(Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        Assert.Equal(0, client.Read()[0]);
        client.Send([.. Command(0x16, "INSERT INTO missing VALUES (?)"), .. Packet(0, 0x17, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 0, 0, 0)]);
        _ = server.Read();
        server.Send(Packet(1, [0xFF, 0x7A, 0x04, .. "#42S02Table missing"u8]));
        Assert.Equal(0xFF, client.Read()[0]);
        Assert.Contains("Unknown prepared statement", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(0, server.Socket.Available);
    }

    [Theory]
    [InlineData("SET @wolfscale_consistency = 'strong'")]
    [InlineData("SET @wolfscale_gtid = ?")]
    [InlineData("SELECT @wolfscale_gtid")]
    [InlineData("SHOW WOLFSCALE STATUS")]
    public void The_proxys_own_statements_are_not_prepared(string sql)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Command(0x16, sql));
        Assert.Equal(1295, BitConverter.ToUInt16(client.Read(), 1));
        Assert.Equal(0, server.Socket.Available);
    }

    /// <summary>Rows came, and the commit behind them may have been made: no driver may repeat it by itself.</summary>
    [Theory]
    [InlineData("INSERT INTO t VALUES (1) RETURNING a", "08007")]
    [InlineData("SELECT a FROM t", "08S01")]
    public void A_statement_whose_answer_broke_off_says_whether_it_may_have_committed(string sql, string state)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        _ = server.Read();
        server.Send(Packet(1, 1));
        Assert.Equal([1], client.Read());
        _kit.MovesAfter(server);
        Assert.Equal(state, client.ReadText()[4..9]);
        client.ExpectEnd();
    }

    [Theory]
    [InlineData("SELECT a FROM t", false)]
    [InlineData("SELECT f(a) FROM t", false)]
    [InlineData("SELECT @a", false)]
    [InlineData("/* wolfscale: leader */ SELECT a FROM t", false)]
    [InlineData("UPDATE t SET a=1", false)]
    [InlineData("SELECT a FROM t", true)]
    public void Nothing_is_shown_under_strong_that_no_leader_confirms(string sql, bool inTransaction)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SET @wolfscale_consistency = 'strong'"));
        Assert.Equal(0, client.Read()[0]);
        if (inTransaction)
        {
            client.Send(Query("BEGIN"));
            _ = server.Read();
            server.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
            Assert.Equal(0, client.Read()[0]);
        }

        _kit.NobodyConfirms = true;
        client.Send(Query(sql));
        Assert.Contains("no node accepts writes (waited 300 ms)", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(0, server.Socket.Available);

        _kit.NobodyConfirms = false;
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
    }

    /// <summary>It cannot be kept, so it waits in the socket until a leader is confirmed.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_long_statement_is_confirmed_under_strong_too(bool byHint)
    {
        var (client, server) = _kit.LogIn();
        if (!byHint)
        {
            client.Send(Query("SET @wolfscale_consistency = 'strong'"));
            Assert.Equal(0, client.Read()[0]);
        }

        var sql = $"SELECT /* wolfscale: {(byHint ? "strong" : "leader")} */ a FROM t WHERE b='{new string('x', 100_000)}'";
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        _kit.NobodyConfirms = true;
        client.Send(Query(sql));
        Assert.Contains("no node accepts writes (waited 300 ms)", client.ReadText(), StringComparison.Ordinal);
        Assert.Equal(0, server.Socket.Available);
    }

    /// <summary>A deposed leader need not have what the token stands for.</summary>
    [Fact]
    public void A_token_from_elsewhere_is_held_against_the_leader_too()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SET @wolfscale_gtid = '0-1-9'"));
        Assert.Equal(0, client.Read()[0]);
        _kit.NobodyConfirms = true;
        client.Send(Query("SELECT f(a) FROM t"));
        Assert.Contains("no node accepts writes", client.ReadText(), StringComparison.Ordinal);
        _kit.NobodyConfirms = false;
        client.Send(Query("SELECT f(a) FROM t"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.NobodyConfirms = true;
        client.Send(Query("SELECT f(a) FROM t"));
        Assert.Equal("\x03SELECT f(a) FROM t", server.ReadText());
    }

    /// <summary>Bulk execution, too, goes on where the session is, with the types that came the first time.</summary>
    [Fact]
    public void A_bulk_execution_moves_with_its_types()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Command(0x16, "INSERT INTO t VALUES (?)"));
        _ = server.Read();
        server.Send([.. Packet(1, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), .. Packet(2, Column)]);
        for (var i = 0; i < 3; i++)
            _ = client.Read();
        client.Send(Packet(0, 0xFA, 1, 0, 0, 0, 128, 0, 3, 0, 0, 7, 0, 0, 0));
        Assert.Equal([0xFA, 5, 0, 0, 0, 128, 0, 3, 0, 0, 7, 0, 0, 0], server.Read());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        _kit.MovesAfter(server);
        client.Send(Packet(0, 0xFA, 1, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0));
        var next = _kit.Moved();
        Assert.Equal("\x16INSERT INTO t VALUES (?)", next.ReadText());
        next.Send([.. Packet(1, 0, 6, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), .. Packet(2, Column)]);
        Assert.Equal([0xFA, 6, 0, 0, 0, 128, 0, 3, 0, 0, 8, 0, 0, 0], next.Read());
    }

    [Theory]
    [InlineData("SELECT ROW_COUNT()")]
    [InlineData("SHOW WARNINGS")]
    [InlineData("SELECT FOUND_ROWS()")]
    public void What_a_statement_asks_of_the_one_before_it_stays_behind_with_the_old_leader(string sql)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("UPDATE t SET a=1"));
        _ = server.Read();
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query(sql));
        _ = _kit.Moved();
        Assert.Contains("refers to one before it", client.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>LASTVAL() is a connection's; on another it is NULL, as if the session had never taken a value.</summary>
    [Fact]
    public void A_sequences_last_value_stays_behind_with_the_old_leader_until_another_is_taken()
    {
        foreach (var takesAnother in (bool[])[true, false])
        {
            var (client, server) = _kit.LogIn();
            Ask(client, server, "SELECT NEXTVAL(s)");
            _kit.MovesAfter(server);
            client.Send(Query(takesAnother ? "SELECT NEXTVAL(s)" : "SELECT LASTVAL(s)"));
            var next = _kit.Moved();
            if (takesAnother)
            {
                Assert.Equal("\x03SELECT NEXTVAL(s)", next.ReadText());
                next.Send(Packet(1, Ok()));
                Assert.Equal(0, client.Read()[0]);
                Ask(client, next, "SELECT LASTVAL(s)");
                _kit.Current = _kit.Current with { Epoch = 1 };
            }
            else
            {
                Assert.Contains("refers to one before it", client.ReadText(), StringComparison.Ordinal);
            }
        }
    }

    private static void Ask(RawPeer client, RawPeer server, string sql)
    {
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>What no server reports comes along all the same: the role, and what the next transaction is to be.</summary>
    [Fact]
    public void A_role_and_a_setting_for_the_next_transaction_move_along()
    {
        var (client, server) = _kit.LogIn();
        foreach (var sql in new[] { "SET ROLE r", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE" })
        {
            client.Send(Query(sql));
            Assert.Equal("\x03" + sql, server.ReadText());
            server.Send(Packet(1, Ok()));
            Assert.Equal(0, client.Read()[0]);
        }

        _kit.MovesAfter(server);
        client.Send(Query("BEGIN"));
        var next = _kit.Moved();
        foreach (var sql in new[] { "SET ROLE r", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE" })
        {
            Assert.Equal("\x03" + sql, next.ReadText());
            next.Send(Packet(1, Ok()));
        }

        Assert.Equal("\x03" + "BEGIN", next.ReadText());
    }

    /// <summary>Pools of connections begin with it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reset_finds_the_new_leader(bool isUnderWay)
    {
        var (client, server) = _kit.LogIn();
        if (isUnderWay)
        {
            client.Send(Command(0x1F));
            _ = server.Read();
            _kit.MovesAfter(server);
        }
        else
        {
            _kit.MovesAfter(server);
            client.Send(Command(0x1F));
        }

        var next = _kit.Moved();
        Assert.Equal("\x1F", next.ReadText());
        next.Send(Packet(1, Ok()));
        next.AnswerPreparation();
        Assert.Equal(0, client.Read()[0]);
    }

    [Fact]
    public void A_long_command_waits_for_the_new_leader()
    {
        var (client, server) = _kit.LogIn();
        _kit.MovesAfter(server);
        var command = Query("INSERT INTO t VALUES ('" + new string('a', 100_000) + "')");
        client.Send(command);
        var next = _kit.Moved();
        Assert.Equal(command[4..], next.Read());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>And while the lead is given away.</summary>
    [Fact]
    public void A_long_command_waits_for_a_hand_over()
    {
        var (client, server) = _kit.LogIn();
        _kit.Current = _kit.Current with { IsHandingOver = true };
        var command = Query("INSERT INTO t VALUES ('" + new string('a', 100_000) + "')");
        client.Send(command);
        _kit.AwaitLook();
        Assert.Equal(0, server.Socket.Available);
        _kit.Current = _kit.Current with { IsHandingOver = false };
        Assert.Equal(command[4..], server.Read());
    }

    /// <summary>Without autocommit a read begins a transaction, which the next leader would not have.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_autocommit_a_read_waits_for_a_hand_over(bool isPrepared)
    {
        var (client, server) = _kit.LogIn();
        if (isPrepared)
        {
            client.Send(Command(0x16, "SELECT a FROM t"));
            _ = server.Read();
            server.Send(Packet(1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
            Assert.Equal(0, client.Read()[0]);
        }

        client.Send(Query("SET autocommit=0"));
        _ = server.Read();
        server.Send(Packet(1, Ok(status: ServerStatus.None)));
        Assert.Equal(0, client.Read()[0]);
        _kit.Current = _kit.Current with { IsHandingOver = true };
        client.Send(isPrepared ? Command(0x17, "\x01\0\0\0\0\x01\0\0\0") : Query("SELECT a FROM t"));
        _kit.AwaitLook();
        Assert.Equal(0, server.Socket.Available);
        _kit.Current = _kit.Current with { IsHandingOver = false };
        Assert.Equal(isPrepared ? "\x17\x05\0\0\0\0\x01\0\0\0" : "\x03SELECT a FROM t", server.ReadText());
    }

    /// <summary>The id in it is the proxy's, and on the server may be another statement's; of one that ends or closes nothing there was ever to be said at such length.</summary>
    [Theory]
    [InlineData(0x11)] // COM_CHANGE_USER
    [InlineData(0x19)] // COM_STMT_CLOSE
    [InlineData(0x1A)] // COM_STMT_RESET
    [InlineData(0x1C)] // COM_STMT_FETCH
    [InlineData(0x0C)] // COM_PROCESS_KILL
    public void A_long_command_that_is_no_statement_is_refused(byte code)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Command(code, new string('\x01', 70_000)));
        Assert.Equal("08S01", client.ReadText()[4..9]);
        server.ExpectEnd();
    }

    /// <summary>The next leader would be shut down as well.</summary>
    [Theory]
    [InlineData(0x03, "SHUTDOWN")]
    [InlineData(0x08, "")]
    public void A_shutdown_is_not_sent_again(byte code, string text)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Command(code, text));
        _ = server.Read();
        _kit.MovesAfter(server);
        Assert.Equal("08007", client.ReadText()[4..9]);
        Assert.False(_kit.LeaderIsDialled);
    }

    /// <summary>Error 1290 has many options' names.</summary>
    [Fact]
    public void An_option_other_than_read_only_is_the_clients_to_hear_of_at_once()
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query("SELECT 1 INTO OUTFILE '/x'"));
        _ = server.Read();
        byte[] refusal = [0xFF, 0x0A, 0x05, .. "#HY000The MariaDB server is running with the --secure-file-priv option so it cannot execute this statement"u8];
        server.Send(Packet(1, refusal));
        Assert.Equal(refusal, client.Read());
        Assert.Equal(0, server.Socket.Available);
    }

    /// <summary>On another connection LAST_INSERT_ID() would be 0, and a row would be stored with that. No OK tells the id of these.</summary>
    [Theory]
    [InlineData("SET last_insert_id=77", true)] // reported
    [InlineData("DO LAST_INSERT_ID(7)", true)]
    [InlineData("INSERT INTO t VALUES (1) RETURNING id", true)]
    [InlineData("CALL adds()", true)]
    [InlineData("LOAD DATA INFILE 'f' INTO TABLE t", true)]
    [InlineData("UPDATE t SET a=1", false)]
    [InlineData("SELECT LASTVAL(s)", false)]
    public void An_insert_id_that_no_OK_has_told_stays_behind_with_the_old_leader(string sql, bool staysBehind)
    {
        var (client, server) = _kit.LogIn();
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, server.ReadText());
        var answer = new TwoSidedAnswer(ProxyKit.Classic);
        answer = sql.Contains("RETURNING", StringComparison.Ordinal) ? answer.Columns(1).Both(1, 65).EndOfRows()
            : answer.Ok(ServerStatus.AutoCommit, hidden: sql.StartsWith("SET", StringComparison.Ordinal) ? TwoSidedAnswer.Variable("last_insert_id", "77") : null);
        server.Send(answer.FromBackend);
        _ = client.ReadExactly(answer.ToClient.Length);

        _kit.MovesAfter(server);
        client.Send(Query("INSERT INTO child VALUES (LAST_INSERT_ID())"));
        var next = _kit.Moved();
        if (staysBehind)
            Assert.Contains("refers to one before it", client.ReadText(), StringComparison.Ordinal);
        else
            Assert.Equal("\x03INSERT INTO child VALUES (LAST_INSERT_ID())", next.ReadText());
    }

    [Theory]
    [InlineData("CALL adds()")]
    [InlineData("SET last_insert_id=77")]
    public void An_insert_id_that_may_have_been_set_anew_is_asked_of_the_new_leader(string sql)
    {
        var (client, server) = _kit.LogIn();
        Ask(client, server, "CALL adds()");
        _kit.MovesAfter(server);
        client.Send(Query(sql));
        var next = _kit.Moved();
        Assert.Equal("\x03" + sql, next.ReadText());
        next.Send(Packet(1, Ok(sql.StartsWith("SET", StringComparison.Ordinal) ? TwoSidedAnswer.Variable("last_insert_id", "77") : null)));
        Assert.Equal(0, client.Read()[0]);
        Ask(client, next, "INSERT INTO child VALUES (LAST_INSERT_ID())");
    }

    /// <summary>What gives LAST_INSERT_ID() a value does not ask for the one that it had; and what drivers send in one text with its insert asks for that insert's.</summary>
    [Theory]
    [InlineData("UPDATE seq SET id=LAST_INSERT_ID(id+1)")]
    [InlineData("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE id=LAST_INSERT_ID(id)")]
    [InlineData("DO LAST_INSERT_ID(8)")]
    [InlineData("INSERT INTO t VALUES (1); SELECT LAST_INSERT_ID()")]
    [InlineData("UPDATE t SET a=1; SELECT ROW_COUNT()")]
    public void What_does_not_ask_for_an_insert_of_the_old_leader_is_sent_to_the_new_one(string sql)
    {
        var (client, server) = _kit.LogIn(ProxyKit.Classic | Capabilities.MultiStatements);
        Ask(client, server, "CALL adds()");
        client.Send(Query("INSERT INTO t VALUES (1)"));
        _ = server.ReadText();
        server.Send(Packet(1, 0, 1, 5, 2, 0, 0, 0)); // with id 5
        Assert.Equal(0, client.Read()[0]);
        _kit.MovesAfter(server);
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, _kit.Moved().ReadText());
    }

    /// <summary>Under NO_BACKSLASH_ESCAPES the string ends where it seems to, and what the statement behind FOR sets stays.</summary>
    [Fact]
    public void The_list_of_set_statement_is_read_as_the_server_reads_it()
    {
        var (client, server) = _kit.LogIn();
        const ServerStatus Mode = ServerStatus.AutoCommit | (ServerStatus)0x0200;
        foreach (var (sql, told) in new[] { ("DO 1", Ok(status: Mode)), (@"SET STATEMENT tmpdir='a\' FOR SET SESSION time_zone='+05:00'", Ok(TwoSidedAnswer.Variable("time_zone", "+05:00"), Mode)) })
        {
            client.Send(Query(sql));
            Assert.Equal("\x03" + sql, server.ReadText());
            server.Send(Packet(1, told));
            Assert.Equal(0, client.Read()[0]);
        }

        _kit.MovesAfter(server);
        client.Send(Query("DO 2"));
        Assert.Equal("\x03SET SESSION time_zone='+05:00'", _kit.Moved().ReadText());
    }

    public void Dispose() => _kit.Dispose();

    private static byte[] Column => [3, (byte)'d', (byte)'e', (byte)'f', 0, 0, 0, 1, (byte)'?', 0, 12, 63, 0, 0, 0, 0, 0, 6, 0x80, 0, 0, 0, 0];
}
