using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Net.Sockets;
using WolfScale.Protocol;

namespace WolfScale.Proxy.Net;

/// <summary>
/// The compressed protocol outside of the loop, as <see cref="TlsPump"/> does TLS: the loop sees one end of a pair of sockets, with plain packets.
/// <code>
///   length 3 · number 1 · length before compression 3 (0: not compressed) · a piece of the stream of plain packets, zlib
/// </code>
/// The pieces do not follow the packets' borders. Only 32 KiB of a piece are in memory at a time, however long the client says it is.
/// </summary>
internal static class CompressionPump
{
    private const int HeaderBytes = 7;
    private const int PieceBytes = 32 << 10;

    /// <summary>Shorter pieces are not worth it (MariaDB's MIN_COMPRESS_LENGTH).</summary>
    private const int ShortestCompressed = 50;

    /// <summary>Takes a client's socket over, once it is logged in.</summary>
    /// <param name="socket">Non-blocking; belongs to the pump from here on.</param>
    /// <param name="received">What came from the client already.</param>
    /// <param name="failed">Called, on any thread, with what the client did wrong.</param>
    /// <returns>The loop's end of the pair. It ends when the client does.</returns>
    public static int Serve(int socket, byte[] received, Action<string> failed)
    {
        var (loopEnd, pumpEnd) = Libc.CreatePair();
        _ = PumpAsync(socket, pumpEnd, received, failed);
        return loopEnd;
    }

    private static async Task PumpAsync(int socket, int pumpEnd, byte[] received, Action<string> failed)
    {
        await Task.Yield(); // the loop does not wait for any of it
        using var outer = new Socket(new SafeSocketHandle(socket, ownsHandle: true));
        using var inner = new Socket(new SafeSocketHandle(pumpEnd, ownsHandle: true));
        await using var client = new PrefixedStream(received, new NetworkStream(outer));
        await using var plain = new NetworkStream(inner);
        var number = new Numbering();
        _ = await Task.WhenAny(Guarded(InflateAsync(client, plain, number), failed), Guarded(DeflateAsync(plain, client, number), failed));
    }

    private static async Task Guarded(Task pump, Action<string> failed)
    {
        try
        {
            await pump;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // The other side of the pair ends, and its owner notices.
        }
        catch (Exception e) when (e is InvalidDataException or ProtocolException)
        {
            failed(e.Message);
        }
    }

    private static async Task InflateAsync(Stream client, Stream plain, Numbering number)
    {
        var header = new byte[HeaderBytes];
        while (await client.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false) == HeaderBytes)
        {
            number.Next = (byte)(header[3] + 1);
            await InflateAsync(
                new PieceStream(client, BinaryPrimitives.ReadInt32LittleEndian(header) & 0xFFFFFF), plain, BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(3)) >>> 8);
        }
    }

    private static async Task InflateAsync(PieceStream piece, Stream plain, int inflatedLength)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes); // only now: an idle client holds none
        try
        {
            if (inflatedLength == 0)
            {
                await CopyAsync(piece, plain, piece.Left, buffer);
                return;
            }

            await using var inflated = new ZLibStream(piece, CompressionMode.Decompress, leaveOpen: true);
            await CopyAsync(inflated, plain, inflatedLength, buffer);
            if (await inflated.ReadAsync(buffer) > 0)
                ProtocolException.Throw("A compressed packet of the client is longer than it says.");
            await piece.SkipRestAsync(buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task CopyAsync(Stream from, Stream to, int length, byte[] buffer)
    {
        while (length > 0)
        {
            var read = await from.ReadAsync(buffer.AsMemory(0, Math.Min(length, buffer.Length)));
            if (read == 0)
                ProtocolException.Throw("A compressed packet of the client is shorter than it says.");
            await to.WriteAsync(buffer.AsMemory(0, read));
            length -= read;
        }
    }

    private static async Task DeflateAsync(Stream plain, Stream client, Numbering number)
    {
        while (true)
        {
            _ = await plain.ReadAsync(Memory<byte>.Empty); // waits without a buffer
            var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
            try
            {
                var read = await plain.ReadAsync(buffer.AsMemory(0, PieceBytes));
                if (read == 0)
                    return;
                await DeflateAsync(buffer.AsMemory(0, read), client, number.Next++);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static async Task DeflateAsync(ReadOnlyMemory<byte> piece, Stream client, byte number)
    {
        using var packet = new MemoryStream(HeaderBytes + piece.Length);
        packet.SetLength(HeaderBytes);
        packet.Position = HeaderBytes;
        if (piece.Length >= ShortestCompressed)
        {
            await using var deflated = new ZLibStream(packet, CompressionLevel.Fastest, leaveOpen: true);
            await deflated.WriteAsync(piece);
        }

        var compressed = packet.Length > HeaderBytes && packet.Length - HeaderBytes < piece.Length;
        if (!compressed)
        {
            packet.SetLength(HeaderBytes);
            packet.Position = HeaderBytes;
            packet.Write(piece.Span);
        }

        WriteHeader(packet.GetBuffer(), (int)packet.Length - HeaderBytes, number, compressed ? piece.Length : 0);
        await client.WriteAsync(packet.GetBuffer().AsMemory(0, (int)packet.Length));
    }

    private static void WriteHeader(Span<byte> header, int length, byte number, int inflatedLength)
    {
        BinaryPrimitives.WriteInt32LittleEndian(header, length | (number << 24));
        (header[4], header[5], header[6]) = ((byte)inflatedLength, (byte)(inflatedLength >> 8), (byte)(inflatedLength >> 16));
    }

    /// <summary>The numbers of compressed packets run through both directions. (Client and server speak in turns.)</summary>
    private sealed class Numbering
    {
        private volatile byte _next;

        public byte Next
        {
            get => _next;
            set => _next = value;
        }
    }

    /// <summary>The next bytes of a stream, as if they were all of it.</summary>
    private sealed class PieceStream(Stream stream, int left) : Stream
    {
        public int Left { get; private set; } = left;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await stream.ReadAsync(buffer[..Math.Min(Left, buffer.Length)], cancellationToken);
            Left -= read;
            return read;
        }

        /// <summary>What the compression left over, so that the next packet begins where it begins.</summary>
        public async Task SkipRestAsync(byte[] buffer)
        {
            while (Left > 0 && await ReadAsync(buffer) > 0)
            {
            }
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream is asynchronous.");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
