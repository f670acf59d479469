using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using static WolfScale.Unit.Proxy.RawPeer;

namespace WolfScale.Unit.Proxy;

/// <summary>Sessions on a follower's proxy: the leader elsewhere, reads on the node's own server.</summary>
public sealed class LocalReadTests : IDisposable
{
    private const string Read = "SELECT a FROM t";
    private readonly ShiftedTime _time = new();
    private readonly ProxyKit _kit;

    public LocalReadTests()
    {
        _kit = new(time: _time);
        _kit.Current = _kit.Current with { LeaderIsHere = false, Readers = [_kit.Local] };
        _kit.Accounts["app"] = SHA1.HashData(SHA1.HashData("secret"u8));
    }

    /// <summary>The leader's server counts the time since its own last statement, and the client has been busy all the while.</summary>
    [Fact]
    public void A_time_out_on_the_leader_does_not_end_a_session_that_reads_elsewhere()
    {
        var (client, leader, local) = ReadsLocally();
        leader.Dispose();
        Ask(client, local);

        client.Send(Query("UPDATE t SET a=1"));
        var again = _kit.AcceptAtLeader();
        again.Greet();
        Assert.Contains("app", again.ReadText(), StringComparison.Ordinal);
        again.Sequence = 2;
        again.Say(Ok());
        again.AnswerPreparation();
        Assert.Equal("\x03UPDATE t SET a=1", again.ReadText());
        again.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>wait_timeout on the leader's server, and then on the reader's: the client has said nothing since, and a server would have closed.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_time_out_on_both_servers_ends_the_session(bool leaderFirst)
    {
        var (client, leader, local) = ReadsLocally();
        var (first, second) = leaderFirst ? (leader, local) : (local, leader);
        first.Dispose();
        _kit.AwaitLook();
        second.Dispose();
        _kit.AwaitLook();
        _time.Shift(3000);
        client.ExpectEnd();
    }

    /// <summary>A reader that goes away takes its connections along, and the client has not been silent for too long.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_session_that_has_spoken_since_or_whose_reader_went_away_is_not_timed_out(bool hasSpoken)
    {
        var (client, leader, local) = ReadsLocally();
        leader.Dispose();
        _kit.AwaitLook();
        local.Dispose();
        _kit.AwaitLook();
        if (!hasSpoken)
            _kit.Current = _kit.Current with { Readers = [], ReadersVersion = 1 };
        else
            client.Send(Query("SELECT @wolfscale_gtid"));
        for (var packets = 0; hasSpoken && packets < 5; packets++)
            _ = client.Read();
        _time.Shift(3000);
        _kit.AwaitLook();
        client.Send(Query("SHOW WOLFSCALE STATUS"));
        Assert.Equal(2, client.Read()[0]);
    }

    [Fact]
    public void A_session_that_reads_elsewhere_can_be_killed_all_the_same()
    {
        var (client, leader, _) = ReadsLocally();
        var (killer, killersLeader) = _kit.LogIn();
        killer.Send(Query("KILL 7")); // as the first client was greeted
        Assert.Equal("\x03KILL 7", killersLeader.ReadText());
        leader.Dispose();
        client.ExpectEnd();
    }

    /// <summary>The session goes first, then its read: a server does not notice that nobody wants the rows any more.</summary>
    [Fact]
    public void A_session_that_is_killed_while_it_reads_here_ends_together_with_the_read()
    {
        var (client, leader, local) = ReadsLocally();
        var (killer, killersLeader) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, local.ReadText());
        killer.Send(Query("KILL 7"));
        Assert.Equal("\x03KILL HARD CONNECTION 7", killersLeader.ReadText());
        leader.Dispose();
        client.ExpectEnd();
        killersLeader.Send(Packet(1, Ok()));

        var ender = _kit.AcceptAtLocal();
        ender.LetInAlone();
        Assert.Equal("\x03KILL HARD CONNECTION 7", ender.ReadText());
        ender.Send(Packet(1, Ok()));
        Assert.Equal(0, killer.Read()[0]);
    }

    /// <summary>Its connection to the leader, which it loses meanwhile, is not what it kills.</summary>
    [Fact]
    public void Who_kills_a_read_where_nobody_answers_hears_that_in_time()
    {
        var (client, _, local) = ReadsLocally();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, local.ReadText());
        var (killer, killersLeader) = _kit.LogIn();
        killer.Send(Query("KILL QUERY 7"));
        _ = _kit.AcceptAtLocal(); // it does not greet
        killersLeader.Dispose();
        Assert.True(SpinWait.SpinUntil(() => !_kit.LostAddresses.IsEmpty, TimeSpan.FromSeconds(20)), "the proxy does not see that the connection is gone");

        _time.Shift(5000);
        _kit.AwaitLook();
        Assert.Contains("Unknown thread id", killer.ReadText(), StringComparison.Ordinal);
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>The leader's server has ended the session; what is left to be ended runs on a reader, for which the killer's account is looked up.</summary>
    [Fact]
    public void Who_has_killed_a_session_and_loses_the_leader_ends_its_read_all_the_same()
    {
        var (client, leader, local) = ReadsLocally();
        var (killer, killersLeader) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, local.ReadText());
        var looking = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = _kit.AskedAccounts.Count;
        _kit.Looking = looking.Task;
        killer.Send(Query("KILL 7"));
        Assert.Equal("\x03KILL HARD CONNECTION 7", killersLeader.ReadText());
        killersLeader.Send(Packet(1, Ok()));
        Assert.True(SpinWait.SpinUntil(() => _kit.AskedAccounts.Count > asked, TimeSpan.FromSeconds(20)), "the proxy does not look the account up");
        killersLeader.Dispose();
        Assert.True(SpinWait.SpinUntil(() => !_kit.LostAddresses.IsEmpty, TimeSpan.FromSeconds(20)), "the proxy does not see that the connection is gone");

        looking.SetResult();
        var ender = _kit.AcceptAtLocal();
        ender.LetInAlone();
        Assert.Equal("\x03KILL HARD CONNECTION 7", ender.ReadText());
        ender.Send(Packet(1, Ok()));
        Assert.Equal(0, killer.Read()[0]);
        leader.Dispose();
        client.ExpectEnd();
    }

    /// <summary>What somebody else wrote was there on the leader, and must not be gone again.</summary>
    [Fact]
    public void Who_has_read_on_the_leader_reads_nothing_older_elsewhere()
    {
        var (client, leader, local) = ReadsLocally();
        _kit.ReadIndex = Gtid.Parse("0-1-9");
        Ask(client, local); // it has seen nothing on the leader since
        client.Send(Query("SELECT f(a) FROM t"));
        Assert.Equal("\x03SELECT f(a) FROM t", leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        client.Send(Query(Read));
        Assert.StartsWith("\x03SELECT MASTER_GTID_WAIT('0-1-9'", local.ReadText(), StringComparison.Ordinal);
        local.SayRow("0");
        Assert.Equal("\x03" + Read, local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Ask(client, local); // once is enough
    }

    /// <summary>A strong read waits for its confirmation, whatever becomes of the connection to the local server meanwhile: on a leader that is none any more it would show what is old.</summary>
    [Fact]
    public void A_confirmation_under_way_is_not_passed_over_when_the_local_connection_ends()
    {
        var (client, leader, local) = ReadsLocally();
        client.Send(Query("SET @wolfscale_consistency = 'strong'"));
        Assert.Equal(0, client.Read()[0]);
        _kit.Confirming = new TaskCompletionSource<Gtid?>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Send(Query(Read));
        _kit.AwaitLook();
        local.Dispose();
        _kit.AwaitLook();
        _kit.AwaitLook();
        Assert.Equal(0, leader.Socket.Available);

        _kit.Confirming.SetResult(Gtid.Parse("0-1-9"));
        Assert.Equal("\x03" + Read, leader.ReadText()); // the local server is let alone for a second
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>A read that was not answered here in time is the leader's, and that one is gone: on a connection that is not logged in yet a statement is none.</summary>
    [Fact]
    public void A_move_under_way_is_not_passed_over_when_the_local_connection_ends()
    {
        var (client, leader, local) = ReadsLocally();
        AwaitsItsData(client, leader, local, Query(Read));
        _kit.MovesAfter(leader);
        _kit.AwaitLook();
        local.SayRow("-1"); // not there in time
        var next = _kit.AcceptAtLeader();
        local.Dispose();
        _kit.AwaitLook();
        _kit.AwaitLook();
        Assert.Equal(0, next.Socket.Available);

        next.LetIn();
        Assert.Equal("\x03" + Read, next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        Ask(client, next); // the local server is let alone for a second: one answer for one question
    }

    /// <summary>The same, where the leader is being told the statement: executed before that it would be another's, or none.</summary>
    [Fact]
    public void A_preparation_under_way_is_not_passed_over_when_the_local_connection_ends()
    {
        var (client, leader, local) = ReadsLocally();
        Prepare(client, leader, Read, 5, 0);
        _kit.MovesAfter(leader);
        _kit.AwaitLook();
        client.Send(Query("UPDATE t SET a=1"));
        var next = _kit.Moved();
        Assert.Equal("\x03UPDATE t SET a=1", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        AwaitsItsData(client, next, local, Command(0x17, "\x01\0\0\0\0\x01\0\0\0"), isPrepared: true);
        local.SayRow("-1");
        Assert.Equal("\x16" + Read, next.ReadText());
        local.Dispose();
        _kit.AwaitLook();
        _kit.AwaitLook();
        Assert.Equal(0, next.Socket.Available);

        SayPrepared(next, 11, 0);
        Assert.Equal("\x17\x0b\0\0\0\0\x01\0\0\0", next.ReadText());
        next.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>The server of the killer's own connection judges; a read elsewhere is ended only when it has not refused.</summary>
    [Fact]
    public void Who_may_not_kill_does_not_end_a_read()
    {
        byte[] refusal = [0xFF, 0x47, 0x04, .. "#HY000You are not owner of thread 7"u8];
        _kit.Accounts["other"] = _kit.Accounts["app"];
        var (client, leader, local) = ReadsLocally();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, local.ReadText());
        var (killer, killersLeader) = _kit.LogIn(user: "other");
        killer.Send(Query("KILL 7"));
        Assert.Equal("\x03KILL HARD CONNECTION 7", killersLeader.ReadText());
        killersLeader.Send(Packet(1, refusal));
        Assert.Equal(refusal, killer.Read());
        Assert.False(_kit.LocalIsDialled);
        _kit.AwaitLook(); // the refusal is passed on before the other session hears of it

        leader.Dispose();
        Assert.True(SpinWait.SpinUntil(() => !_kit.LostAddresses.IsEmpty, TimeSpan.FromSeconds(20)), "the proxy does not see that the connection is gone");
        killer.Send(Query("KILL 7"));
        Assert.Contains("Unknown thread id", killer.ReadText(), StringComparison.Ordinal);
        Assert.False(_kit.LocalIsDialled);
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>FOUND_ROWS() is of the read before it, which the local server answered.</summary>
    [Fact]
    public void A_prepared_statement_that_refers_to_a_local_read_follows_it()
    {
        var (client, leader, local) = ReadsLocally();
        Prepare(client, leader, "SELECT FOUND_ROWS()", 5, 0);
        Ask(client, local);
        client.Send(Command(0x17, "\x01\0\0\0\0\x01\0\0\0"));
        Assert.Equal("\x16SELECT FOUND_ROWS()", local.ReadText());
        SayPrepared(local, 9, 0);
        Assert.Equal("\x17\x09\0\0\0\0\x01\0\0\0", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>Which has no answer, and so leaves what came before it to be asked for.</summary>
    [Fact]
    public void Warnings_of_a_local_read_are_asked_of_its_server_behind_a_close()
    {
        var (client, leader, local) = ReadsLocally();
        Prepare(client, leader, "SELECT f(a) FROM t", 5, 0);
        Ask(client, local);
        client.Send([.. Command(0x19, "\x01\0\0\0"), .. Query("SHOW WARNINGS")]);
        Assert.Equal("\x03SHOW WARNINGS", local.ReadText());
    }

    /// <summary>On the reader alone it would change nothing of the session.</summary>
    [Theory]
    [InlineData("SET autocommit=0, @n=FOUND_ROWS()")]
    [InlineData("DO GET_LOCK('x', ROW_COUNT())")]
    public void What_changes_the_session_is_the_leaders_whatever_it_refers_to(string sql)
    {
        var (client, leader, local) = ReadsLocally();
        Ask(client, local);
        client.Send(Query(sql));
        Assert.Equal("\x03" + sql, leader.ReadText());
    }

    /// <summary>What the transaction was shown on the leader the session must not see less than afterwards.</summary>
    [Fact]
    public void A_read_behind_a_lost_transaction_does_not_go_back()
    {
        var (client, leader, local) = ReadsLocally();
        Ask(client, local);
        foreach (var sql in (string[])["BEGIN", "SELECT a FROM t"])
        {
            client.Send(Query(sql));
            Assert.Equal("\x03" + sql, leader.ReadText());
            leader.Send(Packet(1, Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction)));
            Assert.Equal(0, client.Read()[0]);
        }

        _kit.MovesAfter(leader);
        _kit.AwaitLook();
        client.Send(Query(Read));
        Assert.Contains("rolled back", client.ReadText(), StringComparison.Ordinal);
        _kit.ReadIndex = Gtid.Parse("0-1-9");
        client.Send(Query(Read));
        Assert.StartsWith("\x03SELECT MASTER_GTID_WAIT('0-1-9'", local.ReadText(), StringComparison.Ordinal);
    }

    /// <summary>An idiom: the number of rows of a read that the local server answered, in a variable that a statement for the leader uses.</summary>
    [Fact]
    public void A_user_variable_that_was_set_from_a_local_read_is_there_on_the_leader()
    {
        var (client, leader, local) = ReadsLocally();
        client.Send(Query("SET @n = FOUND_ROWS()"));
        Assert.Equal("\x03SET @n = FOUND_ROWS()", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        client.Send(Query("UPDATE t SET a=@n"));
        Assert.StartsWith("\x03SELECT IF(LENGTH(@`n`)", local.ReadText(), StringComparison.Ordinal);
        local.SayRow("42", "binary", "binary", "3432");
        Assert.Equal("\x03SET @`n`=42", leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal("\x03UPDATE t SET a=@n", leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>They are on the leader's server, and nowhere else.</summary>
    [Fact]
    public void A_prepared_read_whose_parameters_were_sent_ahead_stays_on_the_leader()
    {
        var (client, leader, local) = ReadsLocally();
        Prepare(client, leader, "SELECT a FROM t WHERE b=?", 5, 1);
        client.Send(Command(0x18, "\x01\0\0\0\0\0data"));
        Assert.Equal("\x18\x05\0\0\0\0\0data", leader.ReadText());
        const string Execute = "\0\x01\0\0\0\0\x01\x0f\0";
        client.Send(Command(0x17, "\x01\0\0\0" + Execute));
        Assert.Equal("\x17\x05\0\0\0" + Execute, leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        // Without them it is read here.
        const string WithText = Execute + "\x04text";
        client.Send(Command(0x17, "\x01\0\0\0" + WithText));
        Assert.Equal("\x16SELECT a FROM t WHERE b=?", local.ReadText());
        SayPrepared(local, 9, 1);
        Assert.Equal("\x17\x09\0\0\0" + WithText, local.ReadText());
    }

    /// <summary>A read is held up at the local server until that has what the session has seen on the leader.</summary>
    private void AwaitsItsData(RawPeer client, RawPeer leader, RawPeer local, byte[] read, bool isPrepared = false)
    {
        client.Send(Query("SELECT f(a) FROM t"));
        Assert.Equal("\x03SELECT f(a) FROM t", leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        _kit.ReadIndex = Gtid.Parse("0-1-9");
        client.Send(read);
        if (isPrepared)
        {
            Assert.Equal("\x16" + Read, local.ReadText());
            SayPrepared(local, 9, 0);
        }

        Assert.StartsWith("\x03SELECT MASTER_GTID_WAIT('0-1-9'", local.ReadText(), StringComparison.Ordinal);
    }

    private static void Prepare(RawPeer client, RawPeer leader, string sql, byte id, byte parameters)
    {
        client.Send(Command(0x16, sql));
        Assert.Equal("\x16" + sql, leader.ReadText());
        SayPrepared(leader, id, parameters);
        Assert.Equal([0, 1, 0, 0, 0], client.Read()[..5]);
        for (var i = 0; i < 2 * parameters; i++)
            _ = client.Read(); // of one parameter: its definition and EOF
    }

    /// <summary>A statement without columns, as far as its answer tells.</summary>
    private static void SayPrepared(RawPeer server, byte id, byte parameters)
    {
        server.Send(Packet(1, 0, id, 0, 0, 0, 0, 0, parameters, 0, 0, 0, 0));
        for (byte i = 0; i < parameters; i++)
            server.Send(Packet((byte)(2 + i), 3, (byte)'d', (byte)'e', (byte)'f'));
    }

    /// <summary>A client of which one read was answered by the local server, after the leader had answered the first: by then its account is known.</summary>
    private (RawPeer Client, RawPeer Leader, RawPeer Local) ReadsLocally()
    {
        var (client, leader) = _kit.LogIn();
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, leader.ReadText());
        leader.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);

        client.Send(Query(Read));
        var local = _kit.AcceptAtLocal();
        local.Greet();
        Assert.Contains("app", local.ReadText(), StringComparison.Ordinal);
        local.Sequence = 2;
        local.Say(Ok());
        local.AnswerPreparation();
        Assert.Equal("\x03SET SESSION tx_read_only=1", local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal("\x03" + Read, local.ReadText());
        local.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
        return (client, leader, local);
    }

    private static void Ask(RawPeer client, RawPeer server)
    {
        client.Send(Query(Read));
        Assert.Equal("\x03" + Read, server.ReadText());
        server.Send(Packet(1, Ok()));
        Assert.Equal(0, client.Read()[0]);
    }

    /// <summary>It belongs where the read before it ran; its rows must be as fresh as any others.</summary>
    [Theory]
    [InlineData("SET @wolfscale_gtid = '0-1-9'", 8)]
    [InlineData("SET @wolfscale_gtid = '0-1-9'", 9)]
    [InlineData("SET @wolfscale_consistency = 'strong'", 8)]
    [InlineData("SET @wolfscale_consistency = 'strong'", 9)]
    [InlineData("SELECT @wolfscale_gtid", 8)]
    [InlineData("SELECT @wolfscale_gtid", 9)]
    public void What_refers_to_a_local_read_and_shows_data_too_follows_it_only_where_these_are(string sql, ulong reached)
    {
        const string Both = "SELECT FOUND_ROWS(), a FROM t";
        var (client, leader, local) = ReadsLocally();
        _kit.ReadIndex = Gtid.Parse("0-1-9");
        client.Send(Query(sql));
        for (var packets = sql.StartsWith("SET", StringComparison.Ordinal) ? 1 : 5; packets > 0; packets--)
            _ = client.Read();
        _kit.Current.Readers[0].Tell(reached);
        client.Send(Query(Both));
        Assert.Equal("\x03" + Both, (reached == 9 ? local : leader).ReadText());
    }

    /// <summary>It shows nothing that could be old.</summary>
    [Fact]
    public void Warnings_of_a_local_read_need_no_confirmation()
    {
        var (client, _, local) = ReadsLocally();
        client.Send(Query("SET @wolfscale_consistency = 'strong'"));
        Assert.Equal(0, client.Read()[0]);
        _kit.NobodyConfirms = true;
        client.Send(Query("SHOW WARNINGS"));
        Assert.Equal("\x03SHOW WARNINGS", local.ReadText());
    }

    public void Dispose() => _kit.Dispose();
}
