using System.Net.Security;
using System.Net.Sockets;
using WolfScale.Cluster.Handshake;

namespace WolfScale.Cluster.Transport;

/// <summary>An established connection of a <see cref="PeerLink"/>: proven, ready to write. Guarded by the link's lock.</summary>
internal sealed class LinkSession(Socket socket, SocketWriter writer, SslStream? tls, PeerIdentity remote) : IDisposable
{
    private byte[] _clear = [];

    public Socket Socket => socket;

    public SocketWriter Writer => writer;

    public PeerIdentity Remote => remote;

    /// <summary>Why the session is over; null while it lives.</summary>
    public string? Broken { get; set; }

    /// <summary>Writes one frame: its header, and what follows from where it lies. Never blocks; <see cref="SocketWriter.HasPending"/> may be true after.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    public void Write(ReadOnlySpan<byte> header, IReadOnlyList<ReadOnlyMemory<byte>> body)
    {
        if (tls is null)
        {
            writer.Write(header, body);
            return;
        }
        var total = header.Length;
        for (var i = 0; i < body.Count; i++)
            total += body[i].Length;
        if (body.Count == 0)
        {
            tls.Write(header);
            return;
        }
        // One write, so that the frame takes as few TLS records as possible; encrypting copies anyway.
        if (_clear.Length < total)
            _clear = new byte[Math.Max(total, 64 * 1024)];
        header.CopyTo(_clear);
        var at = header.Length;
        for (var i = 0; i < body.Count; i++)
        {
            body[i].Span.CopyTo(_clear.AsSpan(at));
            at += body[i].Length;
        }
        tls.Write(_clear.AsSpan(0, total));
    }

    /// <summary>True when the other side has closed: these connections carry nothing back after the handshake.</summary>
    public bool ClosedByPeer => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    /// <summary>Waits until the kernel takes more, at most so long.</summary>
    public void WaitWritable(TimeSpan limit) => socket.Poll(limit, SelectMode.SelectWrite);

    public void Dispose()
    {
        socket.Dispose();
        writer.Dispose();
    }
}
