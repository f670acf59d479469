using System.Net;
using System.Net.Sockets;
using CsCheck;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;
using WolfScale.Unit.Proxy.Fuzzing;

namespace WolfScale.Unit.Proxy;

/// <summary>
/// Whatever arrives, from either side: a parser gives a value or a <see cref="ProtocolException"/>, a session closes or stays in step, nothing hangs.
/// The same seeds in every run, and a fresh one that is printed; a seed that failed becomes one of the fixed. WOLFSCALE_LONG=1 for millions.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly bool Long = Environment.GetEnvironmentVariable("WOLFSCALE_LONG") == "1";

    public static TheoryData<int> Seeds => [1, 2, 3, Random.Shared.Next()];

    [Theory, MemberData(nameof(Seeds))]
    public void A_relay_takes_any_answer_or_refuses_it(int seed)
    {
        output.WriteLine($"seed {seed}");
        using var kit = new RelayKit();
        var random = new Random(seed);
        var cases = AnswerCases.All.Values.ToArray();
        for (var i = 0; i < (Long ? 1_000_000 : 8_000); i++)
        {
            var client = AnswerCases.Clients[random.Next(AnswerCases.Clients.Length)];
            var answer = new TwoSidedAnswer(client);
            cases[random.Next(cases.Length)].Write(answer);
            var bytes = Mutator.Mutate(answer.FromBackend, random);
            int[] cuts = [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(bytes.Length + 1)).Order()];
            kit.Dialect = new ClientDialect(client);
            kit.Refusals = random.Next(3);
            kit.InterceptsErrors = random.Next(4) == 0;
            kit.Begin((ResponseShape)random.Next(6));
            try
            {
                _ = kit.Feed(bytes, cuts);
            }
            catch (ProtocolException)
            {
                // Refused, as it should be.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {i}, {Convert.ToHexStringLower(bytes)} cut at {string.Join(' ', cuts)}: {e}");
            }

            // For each packet at most an EOF more.
            Assert.InRange(kit.Received.Length, 0, (bytes.Length * 4) + 9);
        }
    }

    [Fact]
    public void Ok_packets_of_any_bytes_are_read_or_refused() => Gen.Select(Gen.Byte.Array[0, 80], Gen.Bool).Sample(
        (tail, changed) =>
        {
            byte[] payload = [0, 0, 0, 2, (byte)(changed ? 0x40 : 0), 0, 0, .. tail];
            try
            {
                var ok = OkInfo.Read(payload);
                _ = SessionChanges.TryFindLastGtid(ok.Changes, out _);
                new WolfScale.Proxy.Sessions.SessionState().Apply(ok.Changes);
                foreach (var client in AnswerCases.Clients)
                    new ClientDialect(client).WriteOk(new PacketWriter(), ok, endOfRows: false, TrackedVariables.Default);
            }
            catch (ProtocolException)
            {
                // Refused, as it should be.
            }
        },
        iter: Long ? 3_000_000 : 20_000);

    /// <summary>What it says of a text is said of any statement that names it; the text comes from whoever may create one.</summary>
    [Theory, MemberData(nameof(Seeds))]
    public void Views_and_routines_of_any_text_are_looked_through(int seed)
    {
        string[] pieces =
        [
            "a", "b", "`c`", "\"d\"", "get_lock", "(", ")", "'x'", "\\", "'", "\"", "SET", "ROLE", "EXECUTE", "PREPARE", "FLUSH", "BACKUP", "LOCK", "FOR", "SELECT", "FROM", "CALL", ";", ".", "@v", ":=", "/*", "*/", "--", "\n",
            "größe", "nextval", "last_insert_id", "BEGIN", "END", "\0",
        ];
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < (Long ? 200_000 : 2_000); i++)
        {
            var views = HiddenViews.Among(
                [.. Texts(random.Next(4)).Select(text => (Name(), text))],
                [.. Texts(random.Next(4)).Select(text => (Name(), text, random.Next(3) switch { 0 => "ANSI_QUOTES", 1 => "NO_BACKSLASH_ESCAPES", _ => "" }))]);
            foreach (var old in new[] { views, views.AsOld() })
                _ = StatementClassifier.Classify(System.Text.Encoding.UTF8.GetBytes(Texts(1).Single()), new ClassifierOptions { Views = old });
        }

        string Name() => "abcd"[random.Next(4)].ToString();

        IEnumerable<string> Texts(int count) => Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)])));
    }

    /// <summary>Greeting, verdict on the login, answers: any of it damaged. The session may close; it must not fail, nor stay for ever.</summary>
    [Theory, MemberData(nameof(Seeds))]
    public void A_server_that_talks_nonsense_costs_its_own_session_alone(int seed)
    {
        output.WriteLine($"seed {seed}");
        using var kit = new ProxyKit(new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1, FailoverWaitMs = 0 });
        var random = new Random(seed);
        var cases = AnswerCases.All.Values.Where(c => c.Shape == ResponseShape.Results).ToArray();
        for (var i = 0; i < (Long ? 20_000 : 200); i++)
        {
            using var client = kit.Connect();
            using var server = kit.AcceptAtLeader();
            var stage = random.Next(4);
            var greeting = new PacketWriter();
            new ServerGreeting { ServerVersion = "5.5.5-10.11.19-MariaDB", ConnectionId = 7, Salt = RawPeer.Salt, Capabilities = ProxyKit.Everything }.Write(greeting);
            var answer = new TwoSidedAnswer(ProxyKit.Classic);
            cases[random.Next(cases.Length)].Write(answer);
            TryBoth(
                () =>
                {
                    server.Send(stage == 0 ? Mutator.Mutate(greeting.Written.ToArray(), random) : greeting.Written.Span);
                    _ = client.Read();
                    client.Login(ProxyKit.Classic, "app");
                    _ = server.Read();
                    server.Send(stage == 1 ? Mutator.Mutate(RawPeer.Packet(2, RawPeer.Ok()), random) : RawPeer.Packet(2, RawPeer.Ok()));
                    if (stage == 1)
                        return;
                    _ = server.Read();
                    server.Send(stage == 2 ? Mutator.Mutate(RawPeer.Packet(1, RawPeer.Ok()), random) : RawPeer.Packet(1, RawPeer.Ok()));
                    if (stage == 2)
                        return;
                    _ = client.Read();
                    client.Send(RawPeer.Query("UPDATE t SET a=1"));
                    _ = server.Read();
                    server.Send(Mutator.Mutate(answer.FromBackend, random));
                },
                client,
                server,
                hangsAtFirst: stage == 0);
        }

        AssertAllEnd(kit, $"seed {seed}");
    }

    /// <summary>Any command, any bytes in it: what follows is answered as it would be alone, or the session is closed.</summary>
    [Theory, MemberData(nameof(Seeds))]
    public void A_client_that_talks_nonsense_stays_in_step_or_is_closed(int seed)
    {
        output.WriteLine($"seed {seed}");
        using var kit = new ProxyKit();
        var random = new Random(seed);
        for (var i = 0; i < (Long ? 20_000 : 200); i++)
        {
            var (client, server) = kit.LogIn(random.Next(2) == 0 ? ProxyKit.Classic : ProxyKit.Everything);
            using var a = client;
            using var b = server;
            var serving = Task.Run(() => ServeErrors(server));
            var code = (byte)random.Next(256);
            if (code is 1 or 0x11 or 0x1F) // ends the session; changes who speaks
                code = 3;
            byte[] command = [code, .. Mutator.Bytes(random, random.Next(60))];
            try
            {
                client.Send([.. RawPeer.Packet(0, command), .. RawPeer.Packet(0, 14)]);
                var answer = client.ReadText();
                while (!answer.Contains("pong", StringComparison.Ordinal))
                {
                    Assert.Equal(1, client.LastSequence);
                    answer = client.ReadText();
                }
            }
            catch (Exception e) when (e is EndOfStreamException or SocketException { SocketErrorCode: SocketError.ConnectionReset })
            {
                // Closed.
            }
            catch (SocketException e)
            {
                Assert.Fail($"seed {seed}, round {i}, {Convert.ToHexStringLower(command)}: {e.Message}");
            }

            client.Socket.Close();
            Assert.True(((IAsyncResult)serving).AsyncWaitHandle.WaitOne(TimeSpan.FromSeconds(20)));
        }

        AssertAllEnd(kit, $"seed {seed}");
    }

    /// <summary>Raw bytes in place of a login.</summary>
    [Theory, MemberData(nameof(Seeds))]
    public void A_damaged_login_is_sent_on_or_closed(int seed)
    {
        output.WriteLine($"seed {seed}");
        using var kit = new ProxyKit();
        var random = new Random(seed);
        var login = new PacketWriter { Sequence = 1 };
        new LoginRequest { User = "app", AuthResponse = new byte[20], Capabilities = ProxyKit.Classic & ~Capabilities.ConnectWithDatabase }.Write(login);
        for (var i = 0; i < (Long ? 20_000 : 200); i++)
        {
            using var client = kit.Connect();
            using var server = kit.AcceptAtLeader();
            server.Greet();
            _ = client.Read();
            client.Send(Mutator.Mutate(login.Written.ToArray(), random));
            client.Socket.Shutdown(SocketShutdown.Send);
            while (server.Socket.Receive(new byte[4096]) > 0)
            {
            }
        }

        AssertAllEnd(kit, $"seed {seed}");
    }

    /// <summary>Answers every command with an error, and pings with a word of its own.</summary>
    private static void ServeErrors(RawPeer server)
    {
        try
        {
            while (true)
            {
                var command = server.Read();
                if (command[0] is 25 or 24) // COM_STMT_CLOSE, COM_STMT_SEND_LONG_DATA
                    continue;
                server.Send(RawPeer.Packet(1, command is [14] ? [0xFF, 1, 4, .. "#HY000pong"u8] : [0xFF, 1, 4, .. "#HY000no"u8]));
            }
        }
        catch (Exception e) when (e is EndOfStreamException or SocketException)
        {
            // The session is over.
        }
    }

    private static void TryBoth(Action story, RawPeer client, RawPeer server, bool hangsAtFirst)
    {
        if (hangsAtFirst)
            client.Socket.ReceiveTimeout = server.Socket.ReceiveTimeout = 20;
        try
        {
            story();
        }
        catch (Exception e) when (e is EndOfStreamException or SocketException)
        {
            // One of them was hung up on.
        }
    }

    private static void AssertAllEnd(ProxyKit kit, string seed)
    {
        Assert.True(SpinWait.SpinUntil(() => kit.Proxy.Sessions == 0, TimeSpan.FromSeconds(20)), $"{seed}: {kit.Proxy.Sessions} sessions stay");
        Assert.Empty(kit.Defects);
    }
}
