using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Responses;

namespace WolfScale.Unit.Proxy;

/// <summary>A relay whose client is a list of bytes.</summary>
internal sealed class RelayKit : IRelayOwner, IDisposable
{
    private readonly EventLoop _loop = new("relay", TimeProvider.System, _ => { });
    private readonly List<byte> _received = [];

    public RelayKit() => Relay = new ResponseRelay(this, _loop);

    public ResponseRelay Relay { get; }

    public ClientDialect Dialect { get; set; }

    public TrackedVariables Tracked { get; set; } = TrackedVariables.Default;

    public ServerStatus Status { get; set; } = ServerStatus.AutoCommit;

    /// <summary>Set, because then what is said before the rows does not depend on how much is there.</summary>
    public bool MayHaveOutParameters { get; set; } = true;

    /// <summary>How often the gate says no.</summary>
    public int Refusals { get; set; }

    public bool InterceptsErrors { get; set; }

    /// <summary>Counts only, for answers that are too long to be kept.</summary>
    public Action<ReadOnlySpan<byte>>? Sink { get; set; }

    public int AskedGate { get; private set; }

    public List<PacketRole> Passed { get; } = [];

    public byte[] Received => [.. _received];

    public int ScratchLength => _loop.Scratch.Length;

    public void Begin(ResponseShape shape)
    {
        _received.Clear();
        Passed.Clear();
        AskedGate = 0;
        Relay.Begin(shape);
    }

    /// <summary>Lets the relay take these bytes in pieces, as a backend does: what it leaves comes again, with more.</summary>
    /// <returns>The last progress, and what was left.</returns>
    public (RelayProgress Progress, int Left) Feed(ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> cuts)
    {
        var held = new byte[bytes.Length];
        var (start, end) = (0, 0);
        var progress = RelayProgress.NeedsMore;
        for (var i = 0; i <= cuts.Length; i++)
        {
            var until = i == cuts.Length ? bytes.Length : cuts[i];
            bytes[end..until].CopyTo(held.AsSpan(end));
            end = until;
            if (end == start)
                continue;
            progress = Relay.Process(held.AsSpan(start..end), out var taken);
            Assert.InRange(taken, 0, end - start);
            start += taken;
        }

        return (progress, end - start);
    }

    public void Dispose() => _loop.Dispose();

    void IRelayOwner.ToClient(ReadOnlySpan<byte> bytes)
    {
        if (Sink is { } sink)
            sink(bytes);
        else
            _received.AddRange(bytes);
    }

    bool IRelayOwner.MayPass(in OkInfo ok)
    {
        AskedGate++;
        return Refusals-- <= 0;
    }

    bool IRelayOwner.Intercepts(ReadOnlySpan<byte> error) => InterceptsErrors;

    bool IRelayOwner.MayPassError(ReadOnlySpan<byte> error) => true;

    void IRelayOwner.Prepared(Span<byte> payload) => Assert.True(payload.Length >= 9);

    void IRelayOwner.Passed(PacketRole role, ReadOnlySpan<byte> payload) => Passed.Add(role);

    public static List<(int Length, byte Sequence)> Packets(ReadOnlySpan<byte> bytes)
    {
        var packets = new List<(int, byte)>();
        for (var at = 0; at < bytes.Length;)
        {
            var header = PacketHeader.Read(bytes[at..]);
            packets.Add((header.PayloadLength, header.Sequence));
            at += PacketHeader.Size + header.PayloadLength;
        }

        return packets;
    }
}
