using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace WolfScale.Proxy.Net;

/// <summary>
/// The calls of an event loop, made directly: a relay spends its time in system calls and wake-ups, and .NET's sockets add a queue, a thread
/// hop and an <c>epoll_ctl</c> to each (docs/performance.md). Linux on x86-64 and arm64.
/// </summary>
internal static unsafe partial class Libc
{
    public const int Eintr = 4;
    public const int Eagain = 11;
    public const int Einprogress = 115;
    public const uint EpollIn = 0x001;
    public const uint EpollOut = 0x004;
    public const uint EpollErr = 0x008;
    public const uint EpollHup = 0x010;
    public const uint EpollPeerClosed = 0x2000;
    public const uint EpollEdge = 1u << 31;

    private const ushort Internet = 2;
    private const ushort Internet6 = 10;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int NoSignal = 0x4000;
    private const int CtlAdd = 1;
    private const int CtlDelete = 2;
    private const int StreamSocket = 1;
    private const int SocketLevel = 1;
    private const int SocketError = 4;
    private const int TcpLevel = 6;
    private const int TcpNoDelay = 1;
    private const int KeepAlive = 9;
    private const int KeepAliveIdle = 4;
    private const int KeepAliveInterval = 5;
    private const int KeepAliveCount = 6;
    private const int UserTimeoutMs = 18;

    /// <summary>Size of <c>struct epoll_event</c>, which x86-64 alone packs.</summary>
    public static readonly int EventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where the 64 bits of user data lie in it.</summary>
    public static readonly int EventDataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>errno of the last call on this thread.</summary>
    public static int Errno => Marshal.GetLastPInvokeError();

    public static string Describe(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    public static int CreateEpoll() => Checked(epoll_create1(CloseOnExec), "epoll_create1");

    public static int CreateWakeUp() => Checked(eventfd(0, CloseOnExec | NonBlocking), "eventfd");

    /// <summary>Registers for both directions, edge-triggered, once: the descriptor is never registered again.</summary>
    public static void Watch(int epoll, int descriptor, ulong token, uint events)
    {
        var entry = stackalloc byte[16];
        *(uint*)entry = events;
        *(ulong*)(entry + EventDataOffset) = token;
        _ = Checked(epoll_ctl(epoll, CtlAdd, descriptor, entry), "epoll_ctl");
    }

    /// <summary>The descriptor goes to another owner, open.</summary>
    public static void Unwatch(int epoll, int descriptor)
    {
        var entry = stackalloc byte[16]; // not read, but older kernels want one
        _ = epoll_ctl(epoll, CtlDelete, descriptor, entry);
    }

    /// <summary>Two connected sockets; what is written to one comes out of the other.</summary>
    public static (int First, int Second) CreatePair()
    {
        var pair = stackalloc int[2];
        _ = Checked(socketpair(1, StreamSocket | CloseOnExec | NonBlocking, 0, pair), "socketpair");
        return (pair[0], pair[1]);
    }

    /// <returns>Number of events; 0 after the time-out or a signal.</returns>
    public static int Wait(int epoll, byte* events, int capacity, int timeoutMs)
    {
        var count = epoll_wait(epoll, events, capacity, timeoutMs);
        return count < 0 && Errno != Eintr ? throw Failure("epoll_wait") : Math.Max(count, 0);
    }

    /// <returns>Bytes received; 0 at the end of the stream; −1 when there is nothing yet; −2 when the connection is broken.</returns>
    public static int Receive(int descriptor, Span<byte> into)
    {
        while (true)
        {
            int received;
            fixed (byte* start = into)
                received = (int)recv(descriptor, start, (nuint)into.Length, 0);
            if (received >= 0)
                return received;
            switch (Errno)
            {
                case Eintr: continue;
                case Eagain: return -1;
                default: return -2;
            }
        }
    }

    /// <returns>Bytes taken, 0 when the socket's buffer is full; −2 when the connection is broken.</returns>
    public static int Send(int descriptor, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            int sent;
            fixed (byte* start = bytes)
                sent = (int)send(descriptor, start, (nuint)bytes.Length, NoSignal);
            if (sent >= 0)
                return sent;
            switch (Errno)
            {
                case Eintr: continue;
                case Eagain: return 0;
                default: return -2;
            }
        }
    }

    /// <summary>Accepts one connection, non-blocking.</summary>
    /// <returns>Its descriptor, or −errno: −EAGAIN when none waits.</returns>
    public static int Accept(int listener)
    {
        var descriptor = accept4(listener, null, null, CloseOnExec | NonBlocking);
        return descriptor >= 0 ? descriptor : -Errno;
    }

    /// <summary>Who is at the other end; null where that cannot be told.</summary>
    public static IPEndPoint? PeerAddress(int descriptor)
    {
        const int longest = 28; // sockaddr_in6
        var bytes = stackalloc byte[longest];
        uint length = longest;
        if (getpeername(descriptor, bytes, &length) != 0)
            return null;
        var port = (bytes[2] << 8) | bytes[3];
        return *(ushort*)bytes switch
        {
            Internet => new IPEndPoint(new IPAddress(new ReadOnlySpan<byte>(bytes + 4, 4)), port),
            Internet6 => new IPEndPoint(new IPAddress(new ReadOnlySpan<byte>(bytes + 8, 16)), port),
            _ => null,
        };
    }

    /// <summary>Begins to connect, without waiting: the descriptor becomes writable when it is done or has failed.</summary>
    /// <param name="address">IPv4, IPv6 or a unix socket's path.</param>
    /// <returns>The descriptor, or −errno.</returns>
    public static int Connect(EndPoint address)
    {
        var native = address.Serialize();
        var descriptor = socket(Family(address), StreamSocket | CloseOnExec | NonBlocking, 0);
        if (descriptor < 0)
            return -Errno;
        if (address is not UnixDomainSocketEndPoint)
        {
            SetNoDelay(descriptor);
            NoticeDeadPeer(descriptor);
        }

        int result;
        fixed (byte* bytes = native.Buffer.Span)
            result = connect(descriptor, bytes, (uint)native.Size);
        if (result == 0 || Errno == Einprogress)
            return descriptor;
        var errno = Errno;
        Close(descriptor);
        return -errno;
    }

    /// <summary>What became of a connection that was begun: 0, or errno.</summary>
    public static int ConnectResult(int descriptor)
    {
        int error = 0;
        uint length = sizeof(int);
        return getsockopt(descriptor, SocketLevel, SocketError, &error, &length) == 0 ? error : Errno;
    }

    /// <summary>A machine that is gone says nothing: after some 5 s the connection counts as broken (tcp(7)), while Linux by itself would wait for minutes or for ever.</summary>
    private static void NoticeDeadPeer(int descriptor)
    {
        Set(SocketLevel, KeepAlive, 1);
        Set(TcpLevel, KeepAliveIdle, 2);
        Set(TcpLevel, KeepAliveInterval, 1);
        Set(TcpLevel, KeepAliveCount, 3);
        Set(TcpLevel, UserTimeoutMs, 5000);

        void Set(int level, int name, int value) => _ = setsockopt(descriptor, level, name, &value, sizeof(int));
    }

    public static void SetNoDelay(int descriptor)
    {
        var on = 1;
        _ = setsockopt(descriptor, TcpLevel, TcpNoDelay, &on, sizeof(int));
    }

    public static void Close(int descriptor) => _ = close(descriptor);

    public static void Signal(int wakeUp)
    {
        ulong one = 1;
        _ = write(wakeUp, &one, sizeof(ulong));
    }

    /// <returns>Whether there was a signal.</returns>
    public static bool Drain(int wakeUp)
    {
        ulong count;
        return read(wakeUp, &count, sizeof(ulong)) > 0;
    }

    private static int Family(EndPoint address) => address.AddressFamily switch
    {
        AddressFamily.Unix => 1,
        AddressFamily.InterNetworkV6 => Internet6,
        _ => Internet,
    };

    private static int Checked(int result, string call) => result >= 0 ? result : throw Failure(call);

    private static IOException Failure(string call)
    {
        var errno = Errno;
        return new IOException($"{call} failed: {Describe(errno)}") { HResult = errno };
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* entry);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int capacity, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, byte* into, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int listener, void* address, void* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getpeername(int descriptor, byte* address, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, void* into, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, void* bytes, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int descriptor, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int descriptor, int level, int name, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int descriptor, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int family, int type, int protocol, int* pair);
}
