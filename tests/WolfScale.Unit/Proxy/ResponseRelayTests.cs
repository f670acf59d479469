using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Responses;

namespace WolfScale.Unit.Proxy;

/// <summary>Every kind of answer, to every kind of client, whatever the network makes of it.</summary>
public sealed class ResponseRelayTests : IDisposable
{
    private readonly RelayKit _kit = new();

    public static TheoryData<string, uint> Cases
    {
        get
        {
            var data = new TheoryData<string, uint>();
            foreach (var name in AnswerCases.All.Keys)
            {
                foreach (var client in AnswerCases.Clients)
                    data.Add(name, (uint)client);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void The_client_gets_what_a_server_of_its_own_would_have_said(string name, uint capabilities)
    {
        var (answer, shape) = Write(name, (Capabilities)capabilities);

        _kit.Begin(shape);
        var (progress, left) = _kit.Feed(answer.FromBackend);

        Assert.Equal((RelayProgress.Done, 0), (progress, left));
        Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
        var packets = RelayKit.Packets(_kit.Received);
        Assert.Equal(Enumerable.Range(1, packets.Count).Select(i => (byte)i), packets.Select(p => p.Sequence));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Where_it_is_cut_makes_no_difference(string name, uint capabilities)
    {
        var (answer, shape) = Write(name, (Capabilities)capabilities);
        var bytes = answer.FromBackend;
        for (var cut = 1; cut < bytes.Length; cut++)
            AssertSame(cut);
        AssertSame([.. Enumerable.Range(1, bytes.Length - 1)]); // byte by byte

        void AssertSame(params int[] cuts)
        {
            _kit.Begin(shape);
            var (progress, left) = _kit.Feed(bytes, cuts);
            Assert.True(progress == RelayProgress.Done && left == 0, $"{name}, cut at {string.Join(' ', cuts)}: {progress}, {left} left");
            Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
        }
    }

    /// <summary>What follows an answer is the next one's.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void Nothing_beyond_the_answer_is_taken(string name, uint capabilities)
    {
        var (answer, shape) = Write(name, (Capabilities)capabilities);

        _kit.Begin(shape);
        var (progress, left) = _kit.Feed([.. answer.FromBackend, 1, 0, 0, 1, 0xFF]);

        Assert.Equal((RelayProgress.Done, 5), (progress, left));
        Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
    }

    /// <summary>Held as often as there are OKs, each asked for again: the client sees no difference, and nothing of the OK before its time.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void An_ok_that_is_held_passes_unchanged_when_asked_again(string name, uint capabilities)
    {
        var (answer, shape) = Write(name, (Capabilities)capabilities);
        var bytes = answer.FromBackend;

        _kit.Begin(shape);
        var at = 0;
        var progress = RelayProgress.NeedsMore;
        while (progress != RelayProgress.Done)
        {
            Assert.True(at < bytes.Length);
            _kit.Refusals = 1;
            progress = _kit.Relay.Process(bytes.AsSpan(at), out var taken);
            at += taken;
            if (progress == RelayProgress.Held)
            {
                Assert.True(bytes[at + PacketHeader.Size] is 0x00 or 0xFE);
                Assert.StartsWith(Hex(_kit.Received), Hex(answer.ToClient), StringComparison.Ordinal);
                var before = _kit.Received.Length;
                _kit.Refusals = 1;
                Assert.Equal(RelayProgress.Held, _kit.Relay.Process(bytes.AsSpan(at), out taken));
                Assert.Equal((0, before), (taken, _kit.Received.Length));
                _kit.Refusals = 0;
                progress = _kit.Relay.Process(bytes.AsSpan(at), out taken);
                at += taken;
            }
        }

        Assert.Equal(bytes.Length, at);
        Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
    }

    [Theory, InlineData(0u), InlineData((uint)Capabilities.DeprecateEof)]
    public void A_file_is_asked_for_between_two_results(uint capabilities)
    {
        var answer = new TwoSidedAnswer((Capabilities)capabilities);
        var before = answer.Columns(1, TwoSidedAnswer.More).Both(1, 65).EndOfRows(TwoSidedAnswer.More).Both([0xFB, .. "data.csv"u8]).FromBackend.Length;
        _ = answer.ClientSends(4).Ok(TwoSidedAnswer.More, affected: 5).Columns(1).EndOfRows();
        var bytes = answer.FromBackend;
        _kit.Dialect = new ClientDialect((Capabilities)capabilities);

        _kit.Begin(ResponseShape.Results);
        Assert.Equal((RelayProgress.AwaitsFile, 0), _kit.Feed(bytes.AsSpan(0, before)));
        Assert.Equal(answer.ClassicEof ? 1 : 0, _kit.Relay.Shift);
        _kit.Relay.FileSent((byte)(_kit.Relay.NextSequence + 4));
        Assert.Equal((RelayProgress.Done, 0), _kit.Feed(bytes.AsSpan(before)));

        Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
    }

    /// <summary>A server that was not asked to leave definitions out says nothing of them; the client waits for a byte that does.</summary>
    [Theory, InlineData(1), InlineData(250), InlineData(251), InlineData(70_000)]
    public void A_client_that_caches_metadata_is_told_that_definitions_follow(int columns)
    {
        byte[] count = columns < 251 ? [(byte)columns] : columns < 1 << 16 ? [0xFC, (byte)columns, (byte)(columns >> 8)] : [0xFD, (byte)columns, (byte)(columns >> 8), (byte)(columns >> 16)];
        byte[] definition = [3, (byte)'d', (byte)'e', (byte)'f'];
        byte[] Answer(params byte[] flag)
        {
            var writer = new PacketWriter { Sequence = 1 };
            writer.Begin().Bytes(count).Bytes(flag).End();
            for (var i = 0; i < columns; i++)
                writer.Begin().Bytes(definition).End();
            writer.Begin().Byte(0xFE).Byte(0).Byte(0).UInt16(2).UInt16(0).End();
            return writer.Written.ToArray();
        }

        _kit.Dialect = new ClientDialect(Capabilities.DeprecateEof, MariaDbCapabilities.CacheMetadata);
        foreach (var sent in new[] { Answer(), Answer(1) })
        {
            _kit.Begin(ResponseShape.Results);
            Assert.Equal((RelayProgress.Done, 0), _kit.Feed(sent));
            Assert.Equal(Hex(Answer(1)), Hex(_kit.Received));
        }
    }

    /// <summary>Rows are not held back to see what ends them, except where OUT parameters may come.</summary>
    [Fact]
    public void Rows_pass_before_their_end_is_there()
    {
        _kit.MayHaveOutParameters = false;
        var answer = new TwoSidedAnswer(Capabilities.None);
        var before = answer.Columns(1).Both(1, 65).FromBackend.Length;
        _kit.Dialect = new ClientDialect(Capabilities.None);

        _kit.Begin(ResponseShape.Results);
        Assert.Equal((RelayProgress.NeedsMore, 0), _kit.Feed(answer.FromBackend.AsSpan(0, before)));
        Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
        _kit.MayHaveOutParameters = true;
        _kit.Begin(ResponseShape.Results);
        Assert.Equal((RelayProgress.NeedsMore, PacketHeader.Size + 2), _kit.Feed(answer.FromBackend.AsSpan(0, before)));
    }

    [Fact]
    public void Sequence_numbers_run_on_beyond_255()
    {
        var answer = new TwoSidedAnswer(Capabilities.None);
        _ = answer.Columns(1);
        for (var i = 0; i < 600; i++)
            _ = answer.Both(1, (byte)i);
        _ = answer.EndOfRows();
        _kit.Dialect = new ClientDialect(Capabilities.None);

        _kit.Begin(ResponseShape.Results);
        Assert.Equal((RelayProgress.Done, 0), _kit.Feed(answer.FromBackend));

        Assert.Equal(Hex(answer.ToClient), Hex(_kit.Received));
    }

    [Fact]
    public void An_error_in_place_of_an_answer_can_be_intercepted_and_one_behind_something_cannot()
    {
        _kit.InterceptsErrors = true;
        foreach (var (name, intercepted) in new[] { ("error", true), ("progress and an error", false), ("an error among rows", false), ("rows, then an error", false) })
        {
            var (answer, shape) = Write(name, Capabilities.None);
            _kit.Begin(shape);
            var (progress, left) = _kit.Feed(answer.FromBackend);
            Assert.Equal((intercepted ? RelayProgress.Intercepted : RelayProgress.Done, 0), (progress, left));
            Assert.Equal(intercepted ? "" : Hex(answer.ToClient), Hex(_kit.Received));
            Assert.Equal(!intercepted, _kit.Relay.HasBegun);
        }
    }

    /// <summary>Rows of 16 MiB and more: the first byte is 0xFE, the packet is full, and any number of others continue it.</summary>
    [Theory]
    [InlineData(PacketHeader.MaxPayload, 0u)]
    [InlineData(PacketHeader.MaxPayload, (uint)Capabilities.DeprecateEof)]
    [InlineData(PacketHeader.MaxPayload + 1, 0u)]
    [InlineData((2 * PacketHeader.MaxPayload) + 17, 0u)]
    public void A_row_of_many_packets_is_a_row_whatever_its_parts_begin_with(int length, uint capabilities)
    {
        var row = new byte[length];
        for (var at = 0; at < length; at += PacketHeader.MaxPayload)
            row[at] = at == 0 ? (byte)0xFE : (byte)0xFF;
        var answer = new TwoSidedAnswer((Capabilities)capabilities);
        var bytes = answer.Columns(1).Both(row).Both(1, 65).EndOfRows().FromBackend;
        var expected = answer.ToClient;
        _kit.Dialect = new ClientDialect((Capabilities)capabilities);
        var received = 0;
        _kit.Sink = part =>
        {
            Assert.True(part.SequenceEqual(expected.AsSpan(received, part.Length)));
            received += part.Length;
        };

        _kit.Begin(ResponseShape.Results);
        var progress = RelayProgress.NeedsMore;
        for (var (at, end) = (0, 0); at < bytes.Length;)
        {
            end = Math.Min(bytes.Length, end + _kit.ScratchLength - 7);
            progress = _kit.Relay.Process(bytes.AsSpan(at, Math.Min(end - at, _kit.ScratchLength)), out var taken);
            at += taken;
        }

        Assert.Equal((RelayProgress.Done, expected.Length), (progress, received));
    }

    [Fact]
    public void An_answer_that_no_server_gives_is_refused()
    {
        foreach (var (shape, bytes) in new (ResponseShape, byte[])[]
        {
            (ResponseShape.Results, [0, 0, 0, 1]), // nothing
            (ResponseShape.Results, [1, 0, 0, 1, 0]), // an OK that ends early
            (ResponseShape.Results, [0, 0, 3, 1, 0]), // an OK of 192 KiB
            (ResponseShape.Prepare, [5, 0, 0, 1, 0, 1, 0, 0, 0]), // without its numbers
            (ResponseShape.Rows, [0xFF, 0xFF, 0xFF, 1, 0xFF]), // an error of 16 MiB
        })
        {
            _kit.Begin(shape);
            _ = Assert.Throws<ProtocolException>(() => _kit.Feed(bytes));
        }
    }

    public void Dispose() => _kit.Dispose();

    private (TwoSidedAnswer Answer, ResponseShape Shape) Write(string name, Capabilities client)
    {
        var answer = new TwoSidedAnswer(client);
        var (shape, write) = AnswerCases.All[name];
        write(answer);
        _kit.Dialect = new ClientDialect(client);
        return (answer, shape);
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
