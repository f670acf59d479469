using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// The one socket call that .NET does not offer: a gathering send that never blocks <em>and</em> says how much it took, on a socket that
/// otherwise stays blocking. (Socket.Send on a non-blocking socket reports 0 bytes together with WouldBlock although some were taken, and
/// one asynchronous call makes the descriptor non-blocking for ever, after which every receive goes through the epoll thread.) Linux.
/// </summary>
internal static unsafe partial class NativeSocket
{
    public const int MaxSegments = 512;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int Eintr = 4;
    private const int Eagain = 11;
    private const int IpProtoTcp = 6;
    private const int TcpUserTimeout = 18;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr of glibc and musl on 64-bit little-endian Linux; the runtime inserts the padding after NameLength.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>Sends what the kernel takes at once.</summary>
    /// <returns>Bytes taken, 0 when the socket's buffer is full.</returns>
    /// <exception cref="IOException">The connection is gone.</exception>
    public static long TrySend(SafeSocketHandle socket, IoVector* vectors, int count)
    {
        var message = new MessageHeader { Vectors = vectors, VectorCount = (nuint)count };
        while (true)
        {
            var sent = sendmsg(socket, &message, DontWait | NoSignal);
            if (sent >= 0)
                return sent;
            switch (Marshal.GetLastPInvokeError())
            {
                case Eintr: continue;
                case Eagain: return 0;
                case var errno: throw new IOException($"sending failed: {Marshal.GetPInvokeErrorMessage(errno)}");
            }
        }
    }

    /// <summary>
    /// Gives a connection up when sent bytes stay unacknowledged for so long (tcp(7), TCP_USER_TIMEOUT). Without it a healed partition waits
    /// for TCP's own exponential back-off, many seconds after the network is fine again.
    /// </summary>
    public static void SetUserTimeout(Socket socket, int timeoutMs)
    {
        Span<byte> value = stackalloc byte[4];
        MemoryMarshal.Write(value, timeoutMs);
        socket.SetRawSocketOption(IpProtoTcp, TcpUserTimeout, value);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(SafeSocketHandle socket, MessageHeader* message, int flags);
}
