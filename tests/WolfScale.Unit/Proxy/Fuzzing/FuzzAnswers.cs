using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Responses;
using WolfScale.Unit.Proxy.Sql;

namespace WolfScale.Unit.Proxy.Fuzzing;

/// <summary>What a client says, and what a server answers, where neither means any harm.</summary>
internal static class FuzzAnswers
{
    private static readonly string[] Statements =
    [
        "SELECT 1", "SELECT a FROM t", "SELECT /* wolfscale: local */ f(a) FROM t", "SELECT a FROM t FOR UPDATE", "INSERT INTO t VALUES (1)", "UPDATE t SET a=1; SELECT a FROM t",
        "START TRANSACTION", "COMMIT", "ROLLBACK", "SET @a=1, @b='x'", "SELECT @a", "SET NAMES utf8mb4", "SET sql_log_bin=0", "SET @wolfscale_consistency='strong'",
        "SET @wolfscale_gtid='0-1-5'", "SELECT @wolfscale_gtid", "SHOW WOLFSCALE STATUS", "SHOW WARNINGS", "KILL 7", "KILL QUERY 7", "PREPARE s FROM 'SELECT 1'", "EXECUTE s",
        "SELECT GET_LOCK('a',1)", "CREATE TEMPORARY TABLE x (a INT)", "USE shop", "CALL p()", "SELECT LAST_INSERT_ID()", "CREATE TABLE t (a INT)", "LOCK TABLES t WRITE",
        "SET session_track_system_variables='sql_mode'",
    ];

    private static readonly byte[][] Classified = [.. ClassificationTableTests.Statements().Select(s => s.Sql)];

    private static readonly ILookup<ResponseShape, Action<TwoSidedAnswer>> Cases = AnswerCases.All.Values.ToLookup(c => c.Shape, c => c.Write);

    public static byte[] Greeting()
    {
        var writer = new PacketWriter();
        new ServerGreeting { ServerVersion = "5.5.5-10.11.19-MariaDB", ConnectionId = 7, Salt = RawPeer.Salt, Capabilities = ProxyKit.Everything }.Write(writer);
        return writer.Written.ToArray();
    }

    public static byte[] Login(Capabilities capabilities)
    {
        var writer = new PacketWriter { Sequence = 1 };
        new LoginRequest { User = "app", AuthResponse = NativePassword.Scramble("secret", RawPeer.Salt), Capabilities = capabilities, Database = "shop" }.Write(writer);
        return writer.Written.ToArray();
    }

    public static byte[] Query(string sql) => RawPeer.Query(sql);

    /// <summary>Of those that do something to a session, or of all that the classifier is tested with.</summary>
    public static byte[] Query(Random random) =>
        random.Next(2) == 0 ? Query(Statements[random.Next(Statements.Length)]) : RawPeer.Packet(0, [3, .. Classified[random.Next(Classified.Length)]]);

    public static byte[] Command(Random random) => random.Next(20) switch
    {
        < 9 => Query(random),
        9 or 10 => RawPeer.Command(0x16, random.Next(2) == 0 ? "INSERT INTO t VALUES (?,?)" : "SELECT a FROM t WHERE a=?"),
        11 => RawPeer.Packet(0, 0x17, (byte)random.Next(1, 4), 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1),
        12 => RawPeer.Packet(0, (byte)(random.Next(2) == 0 ? 0x19 : 0x1A), (byte)random.Next(1, 4), 0, 0, 0),
        13 => RawPeer.Packet(0, 0x1C, (byte)random.Next(1, 4), 0, 0, 0, 10, 0, 0, 0),
        14 => RawPeer.Packet(0, 0x18, (byte)random.Next(1, 4), 0, 0, 0, 0, 0, 65, 66),
        15 => RawPeer.Packet(0, 0xFA, (byte)random.Next(1, 4), 0, 0, 0, 128, 0, 8, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
        16 => RawPeer.Packet(0, [0x11, .. "app\0"u8, 20, .. NativePassword.Scramble("secret", RawPeer.Salt), 0, 45, 0, .. "mysql_native_password\0"u8]),
        17 => RawPeer.Command(0x1F),
        18 => random.Next(40) == 0 ? RawPeer.Query($"INSERT INTO t VALUES ('{new string('x', 70_000)}')") : RawPeer.Command(4, "t\0%"),
        _ => RawPeer.Command(new byte[] { 2, 9, 0x0A, 0x0D, 0x1B, 0x12, 0x15, 8, 5 }[random.Next(9)], "shop"),
    };

    /// <summary>Null where none follows.</summary>
    public static byte[]? Answer(ReadOnlySpan<byte> command, Random random)
    {
        if (command.IsEmpty)
            return null;
        var text = Encoding.Latin1.GetString(command);
        switch (command[0])
        {
            case 0x19 or 0x18 or 0x01:
                return null;
            case 0x11 or 0x1F:
                return RawPeer.Packet(1, RawPeer.Ok());
            case 3 when text.Contains("session_track_system_variables='*'", StringComparison.Ordinal) || text.Contains("tx_read_only", StringComparison.Ordinal):
                return RawPeer.Packet(1, RawPeer.Ok());
            case 3 when text.Contains("MASTER_GTID_WAIT", StringComparison.Ordinal):
                return new TwoSidedAnswer(Capabilities.None).Columns(1).Both(1, (byte)'0').EndOfRows().FromBackend;
            case 3 when text.StartsWith("\x03START", StringComparison.Ordinal):
                return RawPeer.Packet(1, RawPeer.Ok(status: ServerStatus.AutoCommit | ServerStatus.InTransaction));
            case 3 when text.StartsWith("\x03SET", StringComparison.Ordinal):
                return RawPeer.Packet(1, RawPeer.Ok(TwoSidedAnswer.Variable("sql_mode", "ANSI_QUOTES")));
            default:
                return Of(command[0] switch
                {
                    3 or 0x17 or 0xFA or 0x0A => ResponseShape.Results,
                    0x16 => ResponseShape.Prepare,
                    0x1C => ResponseShape.Rows,
                    4 => ResponseShape.Fields,
                    _ => ResponseShape.Single,
                }, random);
        }
    }

    /// <summary>Of a server that refuses nothing.</summary>
    public static byte[]? Plain(ReadOnlySpan<byte> command) => command switch
    {
        [] or [0x19 or 0x18 or 0x01, ..] => null,
        [0x16, ..] => RawPeer.Packet(1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        _ => RawPeer.Packet(1, RawPeer.Ok()),
    };

    private static byte[] Of(ResponseShape shape, Random random)
    {
        var cases = Cases[shape].ToList();
        var answer = new TwoSidedAnswer(ProxyKit.Classic);
        cases[random.Next(cases.Count)](answer);
        return answer.FromBackend;
    }
}
