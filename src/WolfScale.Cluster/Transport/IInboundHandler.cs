using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster.Transport;

/// <summary>What the listener asks of its node. Calls come from the connection's own thread.</summary>
internal interface IInboundHandler
{
    /// <summary>This node as it introduces itself now; the cluster id may become known while it runs.</summary>
    PeerIdentity Identity { get; }

    /// <summary>Decides on a proven peer: null to go on. The verdict is sent afterwards.</summary>
    HandshakeRefusal? Admit(InboundConnection connection);

    /// <summary>Takes one frame; the payload is valid during the call.</summary>
    /// <exception cref="WireFormatException">The frame is not what it claims to be: the connection is closed.</exception>
    void Receive(InboundConnection connection, FrameKind kind, ReadOnlySpan<byte> payload);

    /// <summary>
    /// Everything that has arrived so far is handed over, and the thread is about to wait: the moment to sync what was appended. All that came
    /// during one fdatasync is thus covered by the next one (group commit), without a change of thread.
    /// </summary>
    void Drained(InboundConnection connection);

    /// <summary>An admitted connection has ended.</summary>
    void Closed(InboundConnection connection);
}
