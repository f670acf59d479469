using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Transport;

/// <summary>What waits for a peer: a consensus message, or a finished frame.</summary>
internal readonly record struct Outbound(Message? Message, byte[]? Frame);

/// <summary>
/// Turns an <see cref="Outbound"/> into a header and the batches that follow it, which are sent from where the log keeps them. Reused.
/// </summary>
internal sealed class FrameComposer(ILinkHandler source)
{
    private readonly WireWriter _writer = new();
    private readonly List<WalBatch> _batches = [];
    private readonly List<ReadOnlyMemory<byte>> _body = [];

    public ReadOnlySpan<byte> Header => _writer.Written;

    public IReadOnlyList<ReadOnlyMemory<byte>> Body => _body;

    public int BodyBytes { get; private set; }

    /// <summary>Composes; false when the log has changed under the message, which is then dropped: the core sends what holds now.</summary>
    public bool Compose(Outbound outbound, WalBatch? recent)
    {
        BodyBytes = 0;
        if (outbound.Frame is { } frame)
        {
            _writer.Clear();
            _writer.Bytes(frame);
            return true;
        }
        if (outbound.Message is AppendRequest { Batches.IsEmpty: false } append && !Collect(append, recent))
            return false;
        MessageCodec.Write(_writer, outbound.Message!, BodyBytes);
        return true;
    }

    /// <summary>Gives the batches back; the frame is written or given up.</summary>
    public void Release()
    {
        foreach (var batch in _batches)
            batch.Release();
        _batches.Clear();
        _body.Clear();
    }

    private bool Collect(AppendRequest append, WalBatch? recent)
    {
        foreach (var info in append.Batches)
        {
            WalBatch? batch;
            if (recent is not null && recent.FirstLsn == info.FirstLsn && recent.Term == info.Term)
                batch = recent.Retain();
            else if (!source.TryGetBatch(info, out batch))
                return false;
            _batches.Add(batch);
            _body.Add(batch.Bytes);
            BodyBytes += batch.Bytes.Length;
        }
        return true;
    }
}
