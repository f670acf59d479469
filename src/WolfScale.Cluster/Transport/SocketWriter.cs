using System.Buffers;
using System.Net.Sockets;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// Writes to a socket without ever blocking: what the kernel does not take at once is kept and sent by <see cref="Flush"/>. At most one
/// frame is kept, because callers write the next one only while <see cref="HasPending"/> is false. Not thread-safe: its link's lock guards it.
/// </summary>
internal sealed unsafe class SocketWriter(Socket socket) : IDisposable
{
    private readonly MemoryHandle[] _pins = new MemoryHandle[NativeSocket.MaxSegments];
    private byte[] _pending = [];
    private int _from;
    private int _to;

    public bool HasPending => _to > _from;

    /// <summary>Sends one segment, or keeps what the kernel refuses.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (HasPending)
        {
            Keep(bytes);
            return;
        }
        long sent;
        fixed (byte* start = bytes)
        {
            var vector = new NativeSocket.IoVector { Base = start, Length = (nuint)bytes.Length };
            sent = NativeSocket.TrySend(socket.SafeHandle, &vector, 1);
        }
        if (sent < bytes.Length)
            Keep(bytes[(int)sent..]);
    }

    /// <summary>Sends a header and the bytes that follow it from where they are, in as few system calls as the kernel allows.</summary>
    public void Write(ReadOnlySpan<byte> header, IReadOnlyList<ReadOnlyMemory<byte>> body)
    {
        if (body.Count == 0)
        {
            Write(header);
            return;
        }
        var first = 0;
        while (first < body.Count || header.Length > 0)
        {
            var count = Math.Min(body.Count - first, NativeSocket.MaxSegments - 1);
            WriteGathered(header, body, first, count);
            first += count;
            header = default;
        }
    }

    private void WriteGathered(ReadOnlySpan<byte> header, IReadOnlyList<ReadOnlyMemory<byte>> body, int first, int count)
    {
        var vectors = stackalloc NativeSocket.IoVector[count + 1];
        long sent = 0;
        if (!HasPending)
        {
            fixed (byte* start = header)
            {
                vectors[0] = new() { Base = start, Length = (nuint)header.Length };
                for (var i = 0; i < count; i++)
                {
                    _pins[i] = body[first + i].Pin();
                    vectors[i + 1] = new() { Base = (byte*)_pins[i].Pointer, Length = (nuint)body[first + i].Length };
                }
                try
                {
                    sent = NativeSocket.TrySend(socket.SafeHandle, vectors, count + 1);
                }
                finally
                {
                    for (var i = 0; i < count; i++)
                        _pins[i].Dispose();
                }
            }
        }
        KeepAfter(sent, header);
        sent -= header.Length;
        for (var i = first; i < first + count; i++)
        {
            KeepAfter(sent, body[i].Span);
            sent -= body[i].Length;
        }
    }

    /// <summary>Sends what was kept, as far as the kernel takes it.</summary>
    public void Flush()
    {
        while (HasPending)
        {
            long sent;
            fixed (byte* start = &_pending[_from])
            {
                var vector = new NativeSocket.IoVector { Base = start, Length = (nuint)(_to - _from) };
                sent = NativeSocket.TrySend(socket.SafeHandle, &vector, 1);
            }
            if (sent == 0)
                return;
            _from += (int)sent;
        }
        _from = _to = 0;
        Return();
    }

    public void Dispose()
    {
        _from = _to = 0;
        Return();
    }

    /// <summary>Keeps the part of <paramref name="segment"/> that lies behind the first <paramref name="sent"/> bytes.</summary>
    private void KeepAfter(long sent, ReadOnlySpan<byte> segment)
    {
        if (sent < segment.Length)
            Keep(segment[(int)Math.Max(0, sent)..]);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_pending.Length - _to < bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_to - _from + bytes.Length, 64 * 1024));
            _pending.AsSpan(_from, _to - _from).CopyTo(larger);
            (_from, _to) = (0, _to - _from);
            Return();
            _pending = larger;
        }
        bytes.CopyTo(_pending.AsSpan(_to));
        _to += bytes.Length;
    }

    private void Return()
    {
        if (_pending.Length > 0)
            ArrayPool<byte>.Shared.Return(_pending);
        _pending = [];
    }
}
