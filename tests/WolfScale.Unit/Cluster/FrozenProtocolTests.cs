using System.Collections.Immutable;
using WolfScale.Cluster;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;
using NodeReport = WolfScale.Cluster.NodeReport;

namespace WolfScale.Unit.Cluster;

/// <summary>
/// <c>protocol-1.txt</c>: what nodes of protocol version 1 say to one another, and what stands in their logs, as bytes. Nodes of two versions run side by side while a cluster is upgraded, so
/// what one writes the other must read: as long as this build speaks version 1 it writes these bytes and understands them. A line that changes needs a new version of the protocol
/// (<see cref="HandshakeMessages.MaxVersion"/>), which is spoken only to those who announce it, and a table of its own; this one stays while
/// <see cref="HandshakeMessages.MinVersion"/> is 1. <c>WOLFSCALE_REWRITE=1</c> adds lines that are missing and changes none.
/// </summary>
public class FrozenProtocolTests
{
    private static readonly NodeKey One = new("node-1", 0x0102030405060708);
    private static readonly NodeKey Two = new("node-2", 0x1112131415161718);
    private static readonly Guid Cluster = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid Process = new("ffeeddcc-bbaa-9988-7766-554433221100");
    private static readonly Standing Fit = new(Fitness.Fit, NeverLeader: false, Witness: true);

    private static readonly Configuration Members = new(Cluster, "prod", ClusterMode.Consistent, new LogBase("0-1-5", false),
        [new Member(One, "10.0.0.1:7654", MemberRole.Voter), new Member(Two, "10.0.0.2:7654", MemberRole.Learner, NeverLeader: true, Witness: true)]);

    private static readonly NodeReport Report = new(
        RaftRole.Leader, 7, 100, 99,
        new LocalState
        {
            AppliedLsn = 98, AppliedGtid = "0-1-98", Fit = true, Status = NodeStatus.NeedsMigration, Reason = "why", DatabaseHealth = "up", DatabaseVersion = "10.11.6-MariaDB", DatabaseServerId = 17,
            DatabaseAnnouncement = "{}", ApiAddress = "10.0.0.1:8080", ProxyAddress = "10.0.0.1:3307",
        },
        "stopped", true, [Two]);

    private static readonly PeerIdentity Peer = new(One, Process, "prod", Cluster, "10.0.0.1:7654");

    private static readonly LogStartOffer Start = new(
        7, Cluster, new LogStart(new WalPosition(42, 6), new ConfigurationEntry(5, ConfigurationCodec.Encode(Members)), new GroupEnd(new EntryKey(0, 1, 40), 41)));

    private static readonly ClientState[] Clients = [new(70, true), new(0, true, 0x2122232425262728)];
    private static readonly Sightings Seen = new([new Sighting(One, true, NodeStatus.Dropped, "not heard for 31 s"), new Sighting(Two, false, NodeStatus.Active, "")]);

    /// <summary>Each with a value in every field, and how it is read.</summary>
    private static readonly (string Name, byte[] Bytes, Func<byte[], object?> Read, object Expected)[] Samples =
    [
        .. new Message[]
        {
            new PreVoteRequest(One, Two, 7, new LogPosition(42, 6), Fit),
            new PreVoteResponse(One, Two, 7, true),
            new VoteRequest(One, Two, 7, new LogPosition(42, 6), Fit, true),
            new VoteResponse(One, Two, 7, true),
            new AppendResponse(One, Two, 7, true, 42, 41, new LogPosition(40, 5), Fit, 3),
            new TimeoutNow(One, Two, 7),
        }.Select(m => (m.GetType().Name, Frame(w => MessageCodec.Write(w, m, 0)), (Func<byte[], object?>)Consensus, (object)m)),
        ("AppendRequest", Append(), frame => Assert.IsType<AppendRequest>(Consensus(frame)) with { Attachment = null, Batches = [] }, new AppendRequest(One, Two, 7, new LogPosition(41, 6), [], 40, 3, true)),
        ("Status", Report.Frame(), frame => NodeReport.Read(Payload(frame)) with { BehindRetention = [] }, Report with { BehindRetention = [] }),
        Sample(new JoinRequest(Two, "10.0.0.2:7654", true, true), ClusterMessages.Frame, f => ClusterMessages.ReadJoinRequest(Payload(f))),
        Sample(new JoinResponse(JoinResult.Redirect, "ask the leader", "10.0.0.1:7654"), ClusterMessages.Frame, f => ClusterMessages.ReadJoinResponse(Payload(f))),
        Sample(new LeaveRequest("node-2"), ClusterMessages.Frame, f => ClusterMessages.ReadLeaveRequest(Payload(f))),
        Sample(new ReadIndexRequest(5), ClusterMessages.Frame, f => ClusterMessages.ReadReadIndexRequest(Payload(f))),
        Sample(new ReadIndexResponse(5, 42), ClusterMessages.Frame, f => ClusterMessages.ReadReadIndexResponse(Payload(f))),
        ("Hello", Frame(FrameKind.Hello, w => HandshakeMessages.WriteHello(w, new(1, 1, Nonce(), Peer))), f => HandshakeMessages.ReadHello(Payload(f)) with { Nonce = [] }, new HandshakeMessages.Hello(1, 1, [], Peer)),
        ("Challenge", Frame(FrameKind.Challenge, w => HandshakeMessages.WriteChallenge(w, new(1, Nonce(), Peer))), f => HandshakeMessages.ReadChallenge(Payload(f)) with { Nonce = [] }, new HandshakeMessages.Challenge(1, [], Peer)),
        ("Verdict", Frame(FrameKind.Verdict, w => HandshakeMessages.WriteVerdict(w, new(RefusalCode.ClusterId, "why", Nonce()))), f => HandshakeMessages.ReadVerdict(Payload(f)) with { Proof = [] }, new HandshakeMessages.Verdict(RefusalCode.ClusterId, "why", [])),
        ("Refusal", Frame(FrameKind.Refusal, w => HandshakeMessages.WriteRefusal(w, RefusalCode.Version, "why")), f => HandshakeMessages.ReadRefusal(Payload(f)), new HandshakeRefusal(RefusalCode.Version, "why", Remote: true)),
        ("LogStart", Start.Frame(), f => Convert.ToHexStringLower(LogStartOffer.Read(Payload(f)).Frame()), Convert.ToHexStringLower(Start.Frame())),
        ("Sightings", Seen.Frame(), f => Convert.ToHexStringLower(Sightings.Read(Payload(f)).Frame()), Convert.ToHexStringLower(Seen.Frame())),
        ("CommitTimes", new CommitTimes([TimeSpan.FromMilliseconds(2.5), TimeSpan.FromMilliseconds(3)]).Frame(), f => string.Join(' ', CommitTimes.Read(Payload(f)).Took.Select(t => t.TotalMicroseconds)), "2500 3000"),
        Sample(new ClientQuestion(5, ClientOrder.EndSession, 4_000_000_017, "app"), ClusterMessages.Frame, f => ClusterMessages.ReadClientQuestion(Payload(f))),
        Sample(new ClientAnswer(5, new ClientState(70, true)), ClusterMessages.Frame, f => ClusterMessages.ReadClientAnswer(Payload(f))),
        ("ClientAnswers", ClusterMessages.Frame(new ClientAnswers(5, Clients)), f => ClusterMessages.ReadClientAnswers(Payload(f)).Clients, Clients),
        ("Configuration", ConfigurationCodec.Encode(Members), f => ConfigurationCodec.Decode(f), Members),
    ];

    [Fact]
    public void What_nodes_of_version_1_say_is_written_and_read_as_it_was()
    {
        var frozen = File.ReadLines(TablePath()).Where(l => l.Length > 0).Select(l => l.Split(' ')).ToDictionary(l => l[0], l => l[1]);
        var missing = Samples.Where(s => !frozen.ContainsKey(s.Name)).Select(s => $"{s.Name} {Convert.ToHexStringLower(s.Bytes)}").ToList();
        if (Environment.GetEnvironmentVariable("WOLFSCALE_REWRITE") == "1")
            File.AppendAllLines(TablePath(), missing);
        else
            Assert.Empty(missing);

        foreach (var (name, bytes, read, expected) in Samples.Where(s => frozen.ContainsKey(s.Name)))
        {
            Assert.Equal((name, frozen[name]), (name, Convert.ToHexStringLower(bytes)));
            Assert.Equal(expected, read(Convert.FromHexString(frozen[name])));
        }

        Assert.Empty(frozen.Keys.Except(Samples.Select(s => s.Name)));
    }

    [Fact]
    public void This_build_speaks_version_1() => Assert.Equal(1, HandshakeMessages.MinVersion);

    private static (string Name, byte[] Bytes, Func<byte[], object?> Read, object Expected) Sample<T>(T message, Func<T, byte[]> write, Func<byte[], T> read)
        where T : notnull => (typeof(T).Name, write(message), bytes => read(bytes), message);

    private static byte[] Append()
    {
        using var builder = new WalBatchBuilder();
        Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, 42), [1, 2, 3, 4, 5]));
        Assert.True(builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, []));
        var batch = builder.Seal().Assign(42, 7);
        var bytes = batch.Bytes.ToArray();
        return [.. Frame(w => MessageCodec.Write(w, new AppendRequest(One, Two, 7, new LogPosition(41, 6), [MessageCodec.Describe(batch)], 40, 3, true), bytes.Length)), .. bytes];
    }

    private static Message? Consensus(byte[] frame)
    {
        var message = MessageCodec.Read((FrameKind)frame[FrameFormat.LengthBytes], Payload(frame), One, Two);
        MessageCodec.ReleaseBatches(message!);
        return message;
    }

    private static byte[] Nonce() => [.. Enumerable.Range(0, HandshakeMessages.NonceBytes).Select(i => (byte)i)];

    private static ReadOnlySpan<byte> Payload(byte[] frame) => frame.AsSpan(FrameFormat.LengthBytes + 1);

    private static byte[] Frame(FrameKind kind, Action<WireWriter> write) => ClusterMessages.Build(kind, write);

    private static byte[] Frame(Action<WireWriter> write)
    {
        var writer = new WireWriter();
        write(writer);
        return writer.Written.ToArray();
    }

    private static string TablePath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "WolfScale.Unit", "Cluster", "protocol-1.txt");
            if (File.Exists(candidate))
                return candidate;
        }

        throw new FileNotFoundException("protocol-1.txt is not above the test program");
    }
}
