using System.Collections.Immutable;
using CsCheck;
using WolfScale.Cluster;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Unit.Cluster;

public class MessageCodecTests
{
    private static readonly NodeKey From = new("node-1", 7);
    private static readonly NodeKey To = new("node-2", 8);
    private static readonly Gen<LogPosition> Positions = Gen.Select(Gen.Long[0, long.MaxValue], Gen.Long[0, 1000], (l, t) => new LogPosition(l, t));
    private static readonly Gen<Standing> Standings = Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool,
        (f, n, w) => new Standing(f ? Fitness.Fit : Fitness.Unfit, n, w));
    private static readonly Gen<long> Terms = Gen.Long[0, long.MaxValue];

    private static readonly Gen<Message> Messages = Gen.OneOf<Message>(
        Gen.Select(Terms, Positions, Standings, (t, p, s) => (Message)new PreVoteRequest(From, To, t, p, s)),
        Gen.Select(Terms, Gen.Bool, (t, g) => (Message)new PreVoteResponse(From, To, t, g)),
        Gen.Select(Terms, Positions, Standings, Gen.Bool, (t, p, s, l) => (Message)new VoteRequest(From, To, t, p, s, l)),
        Gen.Select(Terms, Gen.Bool, (t, g) => (Message)new VoteResponse(From, To, t, g)),
        Gen.Select(Terms, Positions, Terms, Terms, Gen.Bool, (t, p, c, r, a) => (Message)new AppendRequest(From, To, t, p, [], c, r, a)),
        Gen.Select(Terms, Gen.Bool, Terms, Terms, Positions, Standings, (t, s, m, p, h, st) =>
            (Message)new AppendResponse(From, To, t, s, m, p, h, st, m)),
        Terms.Select(t => (Message)new TimeoutNow(From, To, t)));

    [Fact]
    public void Every_message_arrives_as_it_was_sent() => Messages.Sample(message =>
    {
        var read = Read(Write(message, []));
        if (message is AppendRequest sent && read is AppendRequest received)
        {
            Assert.True(received.Batches.IsEmpty);
            read = received with { Batches = sent.Batches, Attachment = null };
        }
        Assert.Equal(message, read);
    }, iter: 2000);

    [Fact]
    public void Batches_travel_exactly_as_they_are_stored()
    {
        var configuration = new Configuration(Guid.NewGuid(), "test", ClusterMode.Consistent, new LogBase("0-1-5", false),
            [new Member(From, "10.0.0.1:7654", MemberRole.Voter)]);
        var batches = new[]
        {
            Batch(11, 3, EntryKind.Group, [1, 2, 3]), Batch(12, 3, EntryKind.Configuration, ConfigurationCodec.Encode(configuration)),
            Batch(13, 4, EntryKind.NoOp, []),
        };
        var sent = new AppendRequest(From, To, 4, new LogPosition(10, 3), [.. batches.Select(MessageCodec.Describe)], 9, 2, true);
        var read = Assert.IsType<AppendRequest>(Read(Write(sent, batches)));
        Assert.Equal(sent.Batches.AsEnumerable(), read.Batches.AsEnumerable());
        Assert.Equal(configuration, read.Batches[1].Configuration);
        var received = Assert.IsType<WalBatch[]>(read.Attachment);
        for (var i = 0; i < batches.Length; i++)
            Assert.Equal(batches[i].Bytes.ToArray(), received[i].Bytes.ToArray());
        MessageCodec.ReleaseBatches(read);
    }

    [Fact]
    public void A_flipped_bit_in_a_batch_is_found_before_the_core_sees_it()
    {
        var batch = Batch(11, 3, EntryKind.Group, [.. Enumerable.Range(0, 300).Select(i => (byte)i)]);
        var sent = new AppendRequest(From, To, 4, new LogPosition(10, 3), [MessageCodec.Describe(batch)], 9, 2, true);
        var frame = Write(sent, [batch]);
        var start = frame.Length - batch.Bytes.Length;
        Gen.Select(Gen.Int[start, frame.Length - 1], Gen.Int[0, 7]).Sample((at, bit) =>
        {
            var damaged = (byte[])frame.Clone();
            damaged[at] ^= (byte)(1 << bit);
            Assert.Throws<WireFormatException>(() => Read(damaged));
        }, iter: 500);
    }

    [Fact]
    public void Batches_with_a_gap_between_them_are_refused()
    {
        var batches = new[] { Batch(11, 3, EntryKind.NoOp, []), Batch(13, 3, EntryKind.NoOp, []) };
        var sent = new AppendRequest(From, To, 4, new LogPosition(10, 3), [.. batches.Select(MessageCodec.Describe)], 9, 2, true);
        var frame = Write(sent, batches);
        Assert.Throws<WireFormatException>(() => Read(frame));
    }

    [Fact]
    public void No_bytes_whatever_make_a_decoder_do_anything_but_refuse_or_answer()
    {
        Gen.Select(Gen.Byte[1, 40], Gen.Byte.Array[0, 400]).Sample((kind, payload) =>
        {
            AnswersOrRefuses(() => MessageCodec.Read((FrameKind)kind, payload, From, To));
            AnswersOrRefuses(() => ClusterMessages.ReadJoinRequest(payload));
            AnswersOrRefuses(() => ClusterMessages.ReadJoinResponse(payload));
            AnswersOrRefuses(() => NodeReport.Read(payload));
            AnswersOrRefuses(() => WolfScale.Cluster.Handshake.HandshakeMessages.ReadHello(payload));
            AnswersOrRefuses(() => WolfScale.Cluster.Handshake.HandshakeMessages.ReadChallenge(payload));
        }, iter: 5000);
    }

    [Fact]
    public void No_damage_to_a_real_message_makes_a_decoder_do_anything_but_refuse_or_answer()
    {
        Gen.Select(Messages, Gen.Int[0, 1000], Gen.Byte, Gen.Int[0, 80]).Sample((message, at, value, cut) =>
        {
            var frame = Write(message, []);
            frame[5 + (at % (frame.Length - 5))] = value;
            AnswersOrRefuses(() => MessageCodec.Read((FrameKind)frame[4], frame.AsSpan(5, Math.Max(0, frame.Length - 5 - cut)), From, To));
        }, iter: 5000);
    }

    [Fact]
    public void A_report_arrives_as_it_was_told()
    {
        var text = Gen.Char.AlphaNumeric.Array[0, 40].Select(c => new string(c));
        Gen.Select(Gen.Enum<RaftRole>(), Terms, text, Gen.Bool, Gen.Enum<NodeStatus>(), Gen.UInt, (role, term, name, flag, status, number) => new NodeReport(
            role, term, term / 2, term / 3,
            new LocalState
            {
                AppliedLsn = term / 4, AppliedGtid = "0-1-5", Fit = flag, Status = status, Reason = name, DatabaseHealth = "fine", DatabaseVersion = "10.11",
                DatabaseServerId = number, DatabaseAnnouncement = "{\"a\":1}", ApiAddress = "a:1", ProxyAddress = "b:2",
            },
            name, flag, [From, To])).Sample(report =>
        {
            var read = NodeReport.Read(report.Frame().AsSpan(5));
            Assert.Equal(report.BehindRetention.AsEnumerable(), read.BehindRetention.AsEnumerable());
            Assert.Equal(report with { BehindRetention = [] }, read with { BehindRetention = [] });
        }, iter: 500);
    }

    [Fact]
    public void Join_requests_and_answers_arrive_as_they_were_sent()
    {
        var request = new JoinRequest(From, "10.0.0.9:7654", true, false);
        Assert.Equal(request, ClusterMessages.ReadJoinRequest(ClusterMessages.Frame(request).AsSpan(5)));
        Assert.Null(ClusterMessages.ReadJoinRequest(ClusterMessages.Frame(request with { Former = null }).AsSpan(5)).Former);
        var response = new JoinResponse(JoinResult.Redirect, "ask the leader", "10.0.0.1:7654");
        Assert.Equal(response, ClusterMessages.ReadJoinResponse(ClusterMessages.Frame(response).AsSpan(5)));
        Assert.Equal(-1, ClusterMessages.ReadReadIndexResponse(ClusterMessages.Frame(new ReadIndexResponse(5, -1)).AsSpan(5)).Lsn);
    }

    private static void AnswersOrRefuses(Func<object?> read)
    {
        try
        {
            if (read() is Message message)
                MessageCodec.ReleaseBatches(message);
        }
        catch (WireFormatException)
        {
            // The one way to refuse.
        }
    }

    private static WalBatch Batch(long lsn, long term, EntryKind kind, byte[] payload)
    {
        using var builder = new WalBatchBuilder();
        var flags = kind == EntryKind.Group ? EntryFlags.First | EntryFlags.Last : EntryFlags.None;
        Assert.True(builder.TryAdd(kind, flags, kind == EntryKind.Group ? new EntryKey(0, 1, (ulong)lsn) : default, payload));
        return builder.Seal().Assign(lsn, term);
    }

    private static byte[] Write(Message message, WalBatch[] batches)
    {
        var writer = new WireWriter();
        MessageCodec.Write(writer, message, batches.Sum(b => b.Bytes.Length));
        return [.. writer.Written, .. batches.SelectMany(b => b.Bytes.ToArray())];
    }

    private static Message? Read(byte[] frame)
    {
        Assert.Equal(frame.Length - 4, FrameFormat.Length(frame, int.MaxValue));
        return MessageCodec.Read((FrameKind)frame[4], frame.AsSpan(5), From, To);
    }
}
